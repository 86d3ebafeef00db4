"""local.settings.json, host.json and `%SETTING%`: everything the host reads before it imports the app."""

import datetime as dt
import json
import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.host.errors import HostError
from local.host.timespan import parse_timespan

_TOKEN = re.compile(r"%([^%]+)%")


@dataclass(frozen=True)
class QueueSettings:
    """host.json extensions.queues, with the host's defaults."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout_seconds: float = 0.0  #: pause after a failure only
    max_polling_seconds: float = 60.0
    base64: bool = True


@dataclass(frozen=True)
class BlobSettings:
    """host.json extensions.blobs, with the host's defaults."""

    max_degree_of_parallelism: int = 8
    poison_threshold: int = 5


@dataclass(frozen=True)
class HostSettings:
    """What host.json says, as far as this host heeds it."""

    route_prefix: str = "api"
    queues: QueueSettings = QueueSettings()
    blobs: BlobSettings = BlobSettings()


def load_values(path: Path) -> dict[str, str]:
    """`Values` of a local.settings.json; an absent file means none. Raises HostError."""
    if not path.exists():
        return {}
    document = _read(path)
    values = document.get("Values", {})
    if document.get("IsEncrypted"):
        raise HostError(f"{path} is encrypted.", "Run `func settings decrypt` and start again.")
    if not isinstance(values, dict):
        raise HostError(f"'Values' in {path} is not an object.", 'Write "Values": {"NAME": "text", ...}.')
    wrong = [name for name, value in values.items() if isinstance(value, dict | list)]
    if wrong:
        raise HostError(f"{', '.join(wrong)} in {path} is not text.", "Settings are text; quote the JSON.")
    return {name: _as_text(value) for name, value in values.items() if value is not None}


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def apply_values(values: Mapping[str, str], environment: MutableMapping[str, str]) -> list[str]:
    """Put settings into the environment; what is there wins, as with `func start`. Returns the losers."""
    skipped = [name for name in values if environment.get(name)]
    for name, value in values.items():
        if name not in skipped:
            environment[name] = value
    return [name for name in skipped if environment[name] != values[name]]


def fill_in(text: str, environment: Mapping[str, str], where: str) -> str:
    """Replace each `%SETTING%`. Raises HostError naming the unknown one; `where` says whose it is."""

    def value(found: re.Match[str]) -> str:
        setting = environment.get(found[1])
        if setting is None:
            raise HostError(
                f"'%{found[1]}%' in {where} does not resolve to a value.",
                f"Set {found[1]} in the environment or under Values in local.settings.json.",
            )
        return setting

    return _TOKEN.sub(value, text)


def load_host_settings(directory: Path) -> HostSettings:
    """Read host.json of an app. Raises HostError."""
    path = directory / "host.json"
    if not path.is_file():
        raise HostError(
            f"There is no host.json in {directory}.", 'Create one; the shortest is {"version": "2.0"}.'
        )
    document = _read(path)
    if document.get("version") != "2.0":
        raise HostError(f"{path} does not say its version.", 'Write "version": "2.0".')
    try:
        return _host_settings(document.get("extensions", {}))
    except (ValueError, TypeError, AttributeError) as error:
        raise HostError(
            f"{path}: {error}.", "See https://aka.ms/functions-host-json for what is allowed."
        ) from error


def _host_settings(extensions: dict[str, Any]) -> HostSettings:
    cores = os.cpu_count() or 1
    queues = extensions.get("queues", {})
    blobs = extensions.get("blobs", {})
    batch = _whole(queues, "batchSize", 16, 1, 32)
    encoding = str(queues.get("messageEncoding", "base64")).lower()
    if encoding not in ("base64", "none"):
        raise ValueError(f"queues.messageEncoding must be base64 or none, not '{encoding}'")
    return HostSettings(
        route_prefix=str(extensions.get("http", {}).get("routePrefix", "api")).strip("/"),
        queues=QueueSettings(
            batch_size=batch,
            new_batch_threshold=_whole(queues, "newBatchThreshold", max(1, batch // 2) * cores, 0, 10_000),
            max_dequeue_count=_whole(queues, "maxDequeueCount", 5, 1, 10_000),
            visibility_timeout_seconds=_duration(queues, "visibilityTimeout", "00:00:00"),
            max_polling_seconds=max(0.1, _duration(queues, "maxPollingInterval", "00:01:00")),
            base64=encoding == "base64",
        ),
        blobs=BlobSettings(
            max_degree_of_parallelism=_whole(blobs, "maxDegreeOfParallelism", 8 * cores, 1, 10_000),
            poison_threshold=_whole(blobs, "poisonBlobThreshold", 5, 1, 10_000),
        ),
    )


def _whole(section: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = section.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, not {value!r}")
    return value


def _duration(section: dict[str, Any], name: str, default: str) -> float:
    """Seconds of a TimeSpan; a bare number means milliseconds in old files and is refused."""
    value = section.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f'{name} must be a TimeSpan such as "00:00:30", not {value!r}')
    return parse_timespan(value) / dt.timedelta(seconds=1)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise HostError(
            f"{path} cannot be read as JSON: {error}.", "Mend the file (no comments are allowed)."
        ) from error
    if not isinstance(document, dict):
        raise HostError(f"{path} does not hold a JSON object.", "It must begin with '{'.")
    return document
