"""Log files of a job: written locally by the processes, carried to where people read them while they grow.

Processes write to spool files of the node; one thread sends what is new to the folder on the volume over
REST. A dying mount, a caching file system or a slow service therefore never holds up the job, and a line is
readable within a second of being printed.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from shared.errors import LostOwnershipError, NotFoundError, StoreError
from shared.layout import attempt_name
from shared.state import StreamSeal
from shared.stores.shares import MOST_BYTES

log = logging.getLogger(__name__)

#: How often new bytes are looked for. The promise is one second, a look costs a stat.
_LOOK_SECONDS = 0.2
#: Between tries while the service refuses.
_RETRY_SECONDS = 1.0


class LogFolder(Protocol):
    """A folder in which log files grow (on a share, in a container)."""

    def create(self) -> None:
        """Make the folder. Raises StoreError."""

    def start_file(self, name: str, previous: str) -> None:
        """Make an empty file, keeping one that is there as `previous` ("": do not look).

        Raises StoreError.
        """

    def append(self, name: str, offset: int, data: bytes) -> None:
        """Write at the end, which is at `offset`. Raises StoreError."""

    def let_go(self) -> None:
        """No more is written: what keeps other attempts from the files can go. Raises nothing."""

    def close(self) -> None: ...


@dataclass
class _Stream:
    name: str
    path: Path
    started: bool = False
    sent: int = 0
    lines: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class LogShipper:
    """Carries log files to a LogFolder. `add` before a process starts, `finish` once all have ended."""

    def __init__(
        self, spool: Path, folder: LogFolder, attempt: int, held: Callable[[], bool] = lambda: True
    ) -> None:
        """`spool`: an existing local folder; `attempt` counts from 1; `held` says whether the attempt still
        is this runner's: asked before each piece, for a runner may have been stalled."""
        self._spool = spool
        self._held = held
        self._folder = folder
        self._attempt = attempt
        self._streams: list[_Stream] = []
        self._created = False
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="logs", daemon=True)
        self._fault: StoreError | None = None

    def add(self, name: str) -> Path:
        """Begin a log file; the local path to write to."""
        path = self._spool / name
        path.touch()
        with self._lock:
            self._streams.append(_Stream(name, path))
        return path

    def start(self) -> None:
        self._thread.start()

    def finish(self, limit_seconds: float) -> tuple[StreamSeal, ...]:
        """Send what is left, for at most `limit_seconds`; what is known of every file.

        0 sends nothing more: the files may be another runner's by now. A share that does not exist is not
        waited for.
        """
        self._done.set()
        self._thread.join()
        deadline = time.monotonic() + limit_seconds
        while limit_seconds > 0:
            pause = self._look()
            gone = isinstance(self._fault, NotFoundError) and pause > 0
            if gone or pause == _LOOK_SECONDS or time.monotonic() > deadline:
                break
            time.sleep(pause)
        if limit_seconds > 0:
            self._folder.let_go()
        self._folder.close()
        return tuple(self._seal(stream) for stream in self._streams)

    def progress(self) -> tuple[StreamSeal, ...]:
        """What has arrived so far, without sums: what will be known of the logs if this machine is lost."""
        with self._lock:
            streams = list(self._streams)
        return tuple(StreamSeal(s.name, s.sent, "", False, s.lines) for s in streams if s.started)

    @property
    def fault(self) -> str:
        """What keeps lines from arriving at this moment, or ""."""
        return str(self._fault or "")

    def _carry(self) -> None:
        pause = _LOOK_SECONDS
        while not self._done.wait(pause):
            pause = self._look()

    def _look(self) -> float:
        """Send a piece of every stream that has grown. Seconds until the next look: none while there is more,
        _RETRY_SECONDS when something was refused, _LOOK_SECONDS when everything is sent."""
        with self._lock:
            streams = list(self._streams)
        fault: StoreError | None = None
        more = False
        for stream in streams:
            try:
                more |= self._send(stream)
            except StoreError as error:
                fault = error
        if fault and str(fault) != str(self._fault):
            log.warning("log lines wait: %s", fault, extra={"action": "log_refused"})
        self._fault = fault
        if more:
            return 0.0
        return _RETRY_SECONDS if fault else _LOOK_SECONDS

    def _send(self, stream: _Stream) -> bool:
        """Send one piece; whether there is more."""
        if not self._held():
            raise LostOwnershipError("the lease has run out: the log files may be another runner's")
        if not self._created:
            self._folder.create()
            self._created = True
        if not stream.started:
            self._folder.start_file(stream.name, attempt_name(stream.name, self._attempt - 1))
            stream.started = True
        with stream.path.open("rb") as file:
            file.seek(stream.sent)
            # One piece, then the others' turn: a process that prints without end must not starve them.
            if data := file.read(MOST_BYTES):
                self._folder.append(stream.name, stream.sent, data)
                stream.digest.update(data)
                stream.sent += len(data)
                stream.lines += data.count(b"\n")
        return len(data) == MOST_BYTES

    def _seal(self, stream: _Stream) -> StreamSeal:
        whole = stream.started and stream.sent == stream.path.stat().st_size
        return StreamSeal(stream.name, stream.sent, stream.digest.hexdigest(), whole, stream.lines)


class ExecutionLog:
    """execution.log: what the runner says to the job's owner. Thread-safe; one line a call."""

    def __init__(self, path: Path, now: Callable[[], str], redact: Callable[[str], str]) -> None:
        self._path = path
        self._now = now
        self._redact = redact
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Append a line, secrets struck out. A full disk loses the line and nothing else."""
        line = f"{self._now()} {self._redact(text)}\n".encode()
        try:
            with self._lock, self._path.open("ab") as file:
                file.write(line)
        except OSError as error:
            log.warning("execution.log: %s", error, extra={"action": "diary"})
