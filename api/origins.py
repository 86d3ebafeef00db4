"""Which pages of a browser may change something: those of the address itself, and allowed ones. PURE.

A browser lets any page send requests to any address, this machine's included, and only keeps the answer from
it. It says where the page came from (`Origin`) with everything that may change something.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_USUAL_PORTS = (None, 80, 443)


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine by a name or address that means no other."""
    name = _place(f"//{host}")[0].rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """The name in a Host header, in lower case and without its port; "" for none."""
    return _place(f"//{host}")[0]


def is_foreign(origin: str, host: str, allowed: Collection[str] = ()) -> bool:
    """Whether a page of `origin` (an Origin header) is one of another site than `host` (a Host header)."""
    if any(origin.lower() == one.lower().rstrip("/") for one in allowed):
        return False
    parts = origin.partition("://")
    if parts[0] not in ("http", "https") or not parts[2]:
        return True
    return _place(origin) != _place(f"//{host}")


def _place(url: str) -> tuple[str, int | None]:
    """(host in lower case, port where it is no usual one) of a URL; ("", None) where it has none."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return "", None
    return name, None if port in _USUAL_PORTS else port
