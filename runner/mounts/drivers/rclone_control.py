"""Talk to a running rclone over its control socket (`--rc-addr unix://`): what is pending, what is wrong."""

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ControlError(Exception):
    """rclone answered with an error, or not at all; the text is its own."""


@dataclass(frozen=True)
class Pending:
    """What is not in the volume yet. `moved` is the number of bytes transferred so far, to see progress."""

    files: int
    names: tuple[str, ...]
    moved: int
    last_error: str


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Called by http.client before the first request."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def call(path: Path, method: str, arguments: Mapping[str, object], timeout_seconds: float) -> dict[str, Any]:
    """One call, e.g. "vfs/stats". Raises ControlError."""
    connection = _UnixConnection(path, timeout_seconds)
    try:
        connection.request(
            "POST", f"/{method}", json.dumps(dict(arguments)), {"Content-Type": "application/json"}
        )
        answer = json.loads(connection.getresponse().read())
    except TimeoutError:
        raise ControlError(f"rclone gave no answer to {method} within {timeout_seconds:.0f} s") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ControlError(f"rclone does not answer: {error}") from None
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise ControlError(f"rclone gave an answer of an unknown form to {method}")
    if "error" in answer:
        raise ControlError(str(answer["error"]))
    return answer


def hurry(path: Path, timeout_seconds: float = 10.0) -> None:
    """Have everything uploaded now that waits for its write-back time. Raises ControlError."""
    for item in call(path, "vfs/queue", {}, timeout_seconds).get("queue", []):
        # A failed one keeps its back-off; one whose time has come is on its way.
        if not item.get("uploading") and not item.get("tries") and item.get("expiry", 0) > 0:
            try:
                call(path, "vfs/queue-set-expiry", {"id": item.get("id"), "expiry": -1e9}, timeout_seconds)
            except ControlError:
                continue  # it began, or is done, in this very moment


def pending(path: Path, timeout_seconds: float = 10.0) -> Pending:
    """The uploads that rclone still has to do. Raises ControlError."""
    cache = call(path, "vfs/stats", {}, timeout_seconds).get("diskCache", {})
    files = int(cache.get("uploadsInProgress", 0)) + int(cache.get("uploadsQueued", 0))
    if not files:
        return Pending(0, (), 0, "")
    queue = call(path, "vfs/queue", {}, timeout_seconds).get("queue", [])
    stats = call(path, "core/stats", {}, timeout_seconds)
    names = tuple(str(item.get("name", "?")) for item in queue)
    return Pending(files, names, int(stats.get("bytes", 0)), str(stats.get("lastError", "")))
