"""A folder without a REST interface (of a file server, an unmanaged volume, the node), in which log files
grow.

Everything that touches it happens in a child process, so that a server that hangs holds up neither the job
nor the runner, and no symbolic link of a job's leads the runner astray. Every append is synced: other
machines see it at once. A folder below the node's own root needs no child where jobs have the runner's user:
no server is on the way there, and the code that follows no link is the same.
"""

import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from runner.isolation import path_writer
from runner.isolation.job_user import JobUser
from runner.logs.log_writers import Writers, end, exchange, started
from runner.machine import mountinfo
from runner.machine.trusted_path import TrustedPath
from shared.errors import NotFoundError, StoreError

#: A server that takes longer is taken to hang; the lines wait in the spool.
_ANSWER_SECONDS = 10.0


class _RefusedError(StoreError):
    """The file system has answered no: nothing was done."""


class PathFolder:
    """A LogFolder (shipper.py). On a volume it is shut until `open`: before that is mounted, writing would
    hide the logs below it."""

    def __init__(
        self,
        folder: TrustedPath,
        user: JobUser,
        *,
        volume: bool,
        fenced: bool = True,
        answer_seconds: float = _ANSWER_SECONDS,
        writers: Writers | None = None,
        near: bool = False,
    ) -> None:
        """`user`: who the files are to belong to; `volume`: the root of `folder` is where one is mounted. Not
        `fenced`: no job's logs; files that are there are begun anew. `writers`: of the runner, else it starts
        a child of its own. `near`: below the node's own root; what a write that hangs beyond `close` still
        brings is removed with the job's folders."""
        self._folder = folder
        self._user = user
        self._target = Path(folder.root) if volume else None
        self._answer_seconds = answer_seconds
        self._open = not volume
        self._fenced = fenced
        self._unsure: set[str] = set()  #: files whose making got no answer: they may be there, and ours
        #: whether this process writes itself: nothing but the disk of the node is in the way
        self.near = near and user.is_own and not volume
        self._files: path_writer.Files = {}  #: open, of a near folder
        self._child: subprocess.Popen[bytes] | None = None
        self._writers = writers
        self._asking = threading.Lock()  #: around an exchange
        self._lock = threading.Lock()  #: around the beginning and the end of the child

    def open(self) -> None:
        """From now on there is a volume to write to."""
        self._open = True

    def create(self) -> None:
        """Make the folder. Raises StoreError."""
        self._ask({"do": "create"})

    def start_file(self, name: str, previous: str) -> None:
        """Make an empty file; one that is there is kept as `previous`. Raises StoreError, also where one is
        there that no earlier attempt can have made: then this one is over."""
        fresh = self._fenced and not previous and name not in self._unsure
        self._unsure.add(name)
        try:
            self._ask({"do": "start", "name": name, "previous": previous, "fresh": fresh})
        except _RefusedError:
            if fresh:
                self._unsure.discard(name)
            raise

    def append(self, name: str, offset: int, data: bytes) -> None:
        """Write at `offset` and sync. Raises StoreError."""
        self._ask({"do": "append", "name": name, "offset": offset, "length": len(data)}, data)

    def pause_seconds(self, name: str) -> float:
        """Between two appends to a file: it can be appended to for ever."""
        return 0.0

    def let_go(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """End the child, so that nothing keeps the volume from being unmounted. Shut from then on."""
        with self._lock:
            self._open = False
            child, self._child = self._child, None
        if self.near:
            self._close_files()
        if child is None:
            return
        # Another thread may be waiting for its answer: with the child's end that is over.
        if self._writers and self._target is None and self._asking.acquire(blocking=False):
            self._asking.release()
            self._writers.give_back(child)
        else:
            end(child)

    def _ask(self, request: dict[str, Any], data: bytes = b"") -> None:
        with self._lock:
            if not self._open or (self._target and mountinfo.mounted_at(self._target) is None):
                raise NotFoundError(f"writing logs to {self._folder}: nothing is mounted at {self._target}")
            child = None if self.near else self._running()
        where: dict[str, Any] = {
            "root": self._folder.root,
            "inner": self._folder.inner,
            "user": self._user.to_act_as,
        }
        # What lies on the node no other machine reads; a sync would be half of what a fast job's output
        # takes.
        where["sync"] = self._target is not None
        words = (
            self._answer_of(child, request | where, data) if child else self._answer(request | where, data)
        )
        if words != "ok":
            message = f"writing logs to {self._folder}: {words}"
            # A link in the place of the folder is a job's doing, and not waited for.
            is_link = words.endswith(path_writer.NOT_FOLLOWED)
            raise NotFoundError(message) if is_link else _RefusedError(message)

    def _answer(self, request: dict[str, Any], data: bytes) -> str:
        with self._asking:
            words = path_writer.answer(request, data, self._files)
        if not self._open:
            self._close_files()
        return words

    def _close_files(self) -> None:
        """Unless a write is under way, which does it then."""
        if self._asking.acquire(blocking=False):
            try:
                path_writer.answer({"do": "forget"}, b"", self._files)
            finally:
                self._asking.release()

    def _answer_of(self, child: subprocess.Popen[bytes], request: dict[str, Any], data: bytes) -> str:
        line = json.dumps(request).encode() + b"\n"
        try:
            with self._asking:
                answer = exchange(child, (line, data), time.monotonic() + self._answer_seconds)
        except (OSError, TimeoutError) as error:
            self._give_up(child)
            raise StoreError(f"writing logs to {self._folder}: {error}") from error
        return answer.decode(errors="replace").strip()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            if self._child.stdin and self._child.stdin.closed:
                raise StoreError(f"writing logs to {self._folder}: an earlier write still hangs")
            return self._child
        self._child = self._writers.taken() if self._writers else started()
        return self._child

    def _give_up(self, child: subprocess.Popen[bytes]) -> None:
        """Kill it. One that does not die is kept, so that no second one hangs beside it."""
        if end(child) and self._child is child:
            self._child = None
