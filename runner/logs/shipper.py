"""Log files of a job: written locally by the processes, carried to where people read them while they grow.

Processes write to spool files of the node; one thread sends what is new to the folder on the volume over
REST. A dying mount, a caching file system or a slow service therefore never holds up the job, and a line is
readable within a second of being printed.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from runner.logs.stream import OpenFile, Stream, opened, words_of
from runner.machine.late_thread import LateThread
from shared.environment.layout import attempt_name
from shared.errors import BatchAIError, LostOwnershipError
from shared.jobs.model import StreamSeal
from shared.stores.volumes.file_shares import MOST_BYTES
from shared.telemetry.names import SpanName
from shared.telemetry.tracing import stage

log = logging.getLogger(__name__)

#: How often new bytes are looked for. The promise is one second, a look costs a stat.
_LOOK_SECONDS = 0.2
#: Between tries of a file that is refused: doubled each time, up to the second.
_RETRY_SECONDS, _MOST_RETRY_SECONDS = 1.0, 8.0
#: What is under way when the time is up gets this long to come to its end.
_LET_GO_SECONDS = 1.0

#: When the time is up, by the monotonic clock, of when it began. Asked all along: somebody may be in a hurry
#: suddenly.
Until = Callable[[float], float]


class LogFolder(Protocol):
    """A folder in which log files grow (on a share, in a container)."""

    def create(self) -> None:
        """Make the folder. Raises StoreError."""

    def start_file(self, name: str, previous: str) -> None:
        """Make an empty file, keeping one that is there as `previous` ("": do not look).

        Raises StoreError.
        """

    def append(self, name: str, offset: int, data: bytes) -> None:
        """Write at the end, which is at `offset`. A repetition brings the same data: the first try may have
        arrived. Raises StoreError."""

    def pause_seconds(self, name: str) -> float:
        """How long lines are gathered between two appends to a file that was started: a folder may take only
        so many."""

    def let_go(self) -> None:
        """No more is written: what keeps other attempts from the files can go. Raises nothing."""

    def close(self) -> None:
        """Nothing can be written any more, by a call that is under way in another thread either."""


class LogShipper:
    """Carries log files to a LogFolder. `add` before a process starts, `finish` once all have ended.

    Everything that touches the folder happens in a thread of its own, and whatever is raised there is tried
    again: what becomes of a job never depends on how its logs fare. For a folder that is near, and a job that
    ends before the first look, whoever calls `finish` does without the thread.
    """

    def __init__(
        self,
        spool: Path,
        folder: LogFolder,
        attempt: int,
        held: Callable[[], bool] = lambda: True,
        *,
        near: bool = False,
    ) -> None:
        """`spool`: an existing local folder; `attempt` counts from 1; `held` says whether the attempt still
        is this runner's: asked before each piece, for a runner may have been stalled; `near`: the folder is
        on the node itself, and hangs only where the node does."""
        self._spool = spool
        self._held = held
        self._folder = folder
        self._attempt = attempt
        self._near = near
        self._streams: list[Stream] = []
        self._created = False
        self._lock = threading.Lock()
        self._sealed = self._ended = False  #: `finish` is over; the thread is
        self._finishing = threading.Event()
        self._given_up = threading.Event()
        self._thread = LateThread(self._carry, "logs")

    def add(self, name: str) -> Path:
        """Begin a log file; the local path to write to. Raises OSError."""
        path = self._spool / name
        with self._lock:
            self._streams.append(Stream(name, opened(path)))
        return path

    def carry(self, name: str, file: OpenFile, most: int) -> None:
        """Carry what a job appends to a file of its own, up to `most` bytes. It costs nothing until there is
        something, but where an earlier attempt may have left a file under this name. `file` is this object's
        to close."""
        with self._lock:
            self._streams.append(Stream(name, file, most, waits=self._attempt == 1))

    def start(self) -> None:
        """Begin to carry."""
        self._thread.start(_LOOK_SECONDS)

    @stage(SpanName.UPLOAD)
    def finish(self, until: Until) -> tuple[StreamSeal, ...]:
        """Send what is left; what is known of every file. Raises nothing, and is over a second after the time
        is up, whatever a call under way is waiting for.

        No time at all sends nothing more: the files may be another runner's by now. A share that does not
        exist is not waited for.
        """
        begun = time.monotonic()
        if until(begun) <= begun:
            self._given_up.set()
        self._finishing.set()
        if not (self._near and self._thread.cancel() and self._is_carried(until, begun)):
            self._thread.begin()
        while self._thread.is_alive() and time.monotonic() < until(begun):
            self._thread.join(0.05)
        self._given_up.set()
        if self._thread.is_alive() and self._held() and until(begun) > begun:
            self._thread.join(_LET_GO_SECONDS)
        self._folder.close()
        with self._lock:
            self._sealed = True
            seals = tuple(stream.seal for stream in self._streams if stream.ready)
            if self._ended or not self._thread.is_alive():  # else a call hangs, which may still read one
                self._close_sources()
        return seals

    def progress(self) -> tuple[StreamSeal, ...]:
        """What has arrived so far, without sums: what will be known of the logs if this machine is lost."""
        with self._lock:
            return tuple(StreamSeal(s.name, s.sent, "", False, s.lines) for s in self._streams if s.started)

    @property
    def fault(self) -> str:
        """What keeps lines from arriving at this moment, or ""."""
        return next((words_of(stream.fault) for stream in self._all() if stream.fault), "")

    def _all(self) -> list[Stream]:
        with self._lock:
            return list(self._streams)

    def _is_carried(self, until: Until, begun: float) -> bool:
        """Send all that there is from here, while there is time; whether nothing is left for the thread."""
        while not self._given_up.is_set() and time.monotonic() < until(begun) and not self._look():
            pass
        if not all(stream.over for stream in self._all()):
            return False
        if self._held():
            self._folder.let_go()
        return True

    def _close_sources(self) -> None:
        for stream in self._streams:
            stream.source.close()

    def _carry(self) -> None:
        try:
            self._carry_all()
        finally:
            with self._lock:
                self._ended = True
                if self._sealed:  # `finish` has not waited for it
                    self._close_sources()

    def _carry_all(self) -> None:
        pause = 0.0
        while not self._finishing.wait(pause):
            pause = self._look()
        for stream in self._all():
            stream.again_at, stream.refusals = 0.0, 0
        pause = 0.0
        while not self._given_up.wait(pause):
            pause = self._look()
            if all(stream.over or stream.hopeless for stream in self._all()):
                break
        if self._held():
            self._folder.let_go()

    def _look(self) -> float:
        """Send a piece of every stream that has grown. Seconds until the next look: none while there is
        more."""
        due = (stream for stream in self._all() if time.monotonic() >= stream.again_at)
        more = [self._tend(stream) for stream in due if not self._given_up.is_set()]
        return 0.0 if any(more) else _LOOK_SECONDS

    def _tend(self, stream: Stream) -> bool:
        """`_send`; what it raises, whatever that is, is remembered and it is tried again later."""
        try:
            more = self._send(stream)
        except Exception as error:
            if self._given_up.is_set():
                return False  # nobody waits for it, and what it needs may be closed by now
            if words_of(error) != words_of(stream.fault):
                words, extra = (stream.name, words_of(error)), {"action": "log_refused"}
                log.warning("%s waits: %s", *words, extra=extra, exc_info=not isinstance(error, BatchAIError))
            stream.fault = error
            if self._held():  # else it was not tried, and is once the lease is renewed
                pause = min(_RETRY_SECONDS * 2**stream.refusals, _MOST_RETRY_SECONDS)
                stream.again_at = time.monotonic() + pause
                stream.refusals += 1
            return False
        stream.fault, stream.refusals = None, 0
        return more

    def _send(self, stream: Stream) -> bool:
        """Send one piece; whether there is more."""
        if not self._held():
            raise LostOwnershipError("the lease has run out: the log files may be another runner's")
        if not self._created:
            self._folder.create()
            self._created = True
        if not stream.ready:
            return False
        if not stream.started:
            self._folder.start_file(stream.name, attempt_name(stream.name, self._attempt - 1))
            stream.started = True
        # One piece, then the others' turn: a process that prints without end must not starve them.
        if not stream.piece and self._is_due(stream):
            stream.take(MOST_BYTES)
        if not (data := stream.piece):
            return False
        self._folder.append(stream.name, stream.sent, data)
        stream.sent_at = time.monotonic()
        with self._lock:
            if not self._sealed:
                stream.arrived()
        stream.piece = b""
        return len(data) == MOST_BYTES

    def _is_due(self, stream: Stream) -> bool:
        """Whether what has been written is to be sent now, or gathered for a while longer."""
        gathered_until = stream.sent_at + self._folder.pause_seconds(stream.name)
        if self._finishing.is_set() or time.monotonic() >= gathered_until:
            return True
        return stream.left() >= MOST_BYTES
