"""Whom changes of jobs are announced to: the settings BATCHAI_EVENTS_*. PURE."""

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from shared.settings import EventSettings

#: The domains of Event Grid in Azure's clouds.
_TOPIC = re.compile(r".+\.eventgrid\.azure\.(net|us|cn)", re.IGNORECASE)
_HERE = ("127.0.0.1", "localhost", "::1")
#: Of the specification Standard Webhooks: how secrets are written, and bytes of one.
_SECRET = "whsec_"
_LEAST_BYTES, _MOST_BYTES = 24, 64
_MOST_SECONDS, _MOST_BATCH = 59, 100
_EXAMPLE = "make one with: echo whsec_$(openssl rand -base64 32)"


def event_settings(env: Mapping[str, str], faults: list[str]) -> EventSettings:
    """Read from `env`; what is wrong is added to `faults`, which never quote a URL or a secret."""
    url = env.get("BATCHAI_EVENTS_URL", "").strip()
    if not url:
        return EventSettings()
    topic, secret = _is_topic(url, faults), env.get("BATCHAI_EVENTS_SECRET", "").strip()
    return EventSettings(
        url=url,
        keys=() if topic else _keys(secret, faults),
        topic_key=secret if topic else "",
        workspaces=tuple(env.get("BATCHAI_EVENTS_WORKSPACES", "").replace(",", " ").lower().split()),
        batch=_number(env, "BATCHAI_EVENTS_BATCH", _MOST_BATCH if topic else 1, _MOST_BATCH, faults),
        handshake=_is_on(env, "BATCHAI_EVENTS_HANDSHAKE", faults),
        seconds=_number(env, "BATCHAI_EVENTS_SECONDS", EventSettings.seconds, _MOST_SECONDS, faults),
    )


def is_topic(url: str) -> bool:
    """Whether a URL is one of an Event Grid topic."""
    return bool(_TOPIC.fullmatch(urlsplit(url).hostname or ""))


def _is_topic(url: str, faults: list[str]) -> bool:
    try:
        parts = urlsplit(url)
        known = _is_address(parts)
    except ValueError:
        known = False
    if not known:
        faults.append(
            "BATCHAI_EVENTS_URL must be like https://example.com/hook or "
            "https://<topic>.<region>-1.eventgrid.azure.net/api/events: a host, no user or password, and "
            "http:// only to this machine (127.0.0.1, localhost)"
        )
        return False
    return is_topic(url)


def _is_address(parts: SplitResult) -> bool:
    # Without TLS only to this machine: events are nobody's business on the way.
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)
    return encrypted and bool(parts.hostname) and parts.username is None and parts.port != 0


def _keys(text: str, faults: list[str]) -> tuple[bytes, ...]:
    """The keys of a webhook: one, or several while they are changed."""
    if not text:
        faults.append(f"BATCHAI_EVENTS_SECRET is missing: requests to a webhook are signed; {_EXAMPLE}")
        return ()
    keys = []
    for number, part in enumerate(text.replace(",", " ").split(), 1):
        try:
            key = base64.b64decode(part.removeprefix(_SECRET), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not part.startswith(_SECRET) or not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
            faults.append(
                f"BATCHAI_EVENTS_SECRET: secret {number} is not whsec_ with {_LEAST_BYTES} to {_MOST_BYTES} "
                f"bytes in base64; {_EXAMPLE}"
            )
        keys.append(key)
    return tuple(keys)


def _number(env: Mapping[str, str], name: str, default: int, most: int, faults: list[str]) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0
    if not 1 <= value <= most:
        faults.append(f"{name} is '{text}'; it must be a whole number from 1 to {most}")
        return default
    return value


def _is_on(env: Mapping[str, str], name: str, faults: list[str]) -> bool:
    value = env.get(name, "").strip().lower() or "off"
    if value not in ("on", "off"):
        faults.append(f"{name} is '{value}'; it must be on or off")
    return value == "on"
