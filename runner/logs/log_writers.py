"""The child processes that write log files on behalf of `path_folder`; one that is idle is kept for the next
job."""

import fcntl
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from runner.isolation.path_writer import SCRIPT
from runner.machine.commands import kill_group
from runner.secrets.settings import without_settings

#: Of what is written to a child at once; 64 KiB by default (pipe(7)).
_PIPE_BYTES = 1024 * 1024
#: One that takes longer to close its files is ended.
_FORGET_SECONDS = 2.0


class Writers:
    """Keeps one idle child at most. Thread-safe."""

    def __init__(self) -> None:
        self._idle: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def taken(self) -> "subprocess.Popen[bytes]":
        """A child with no file open, which is the caller's until it is given back or ended. Raises
        OSError."""
        with self._lock:
            child, self._idle = self._idle, None
        if child is not None and child.poll() is None:
            return child
        if child is not None:
            end(child)
        return started()

    def give_back(self, child: "subprocess.Popen[bytes]") -> None:
        """For one that waits for requests, and has nothing open that keeps a volume from being unmounted."""
        if not _forgets(child):
            end(child)
            return
        with self._lock:
            spare, self._idle = self._idle, child
        if spare:
            end(spare)

    def close(self) -> None:
        """End the idle one."""
        with self._lock:
            child, self._idle = self._idle, None
        if child:
            end(child)


def started() -> "subprocess.Popen[bytes]":
    """A further child. Raises OSError."""
    # -S -E: no site packages, no environment; it starts in a hundredth of a second.
    child = subprocess.Popen(
        [sys.executable, "-S", "-E", str(SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=without_settings(os.environ),
        cwd="/",
        bufsize=0,
        start_new_session=True,
    )
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
    if child.stdin is not None:
        with suppress(OSError):  # many pipes of one user, or a kernel that allows less: it is slower then
            fcntl.fcntl(child.stdin.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return child


def _forgets(child: "subprocess.Popen[bytes]") -> bool:
    try:
        deadline = time.monotonic() + _FORGET_SECONDS
        return exchange(child, (b'{"do": "forget"}\n',), deadline) == b"ok\n"
    except (OSError, TimeoutError):
        return False


def end(child: "subprocess.Popen[bytes]") -> bool:
    """Kill it, whatever it waits for; whether it died."""
    dead = kill_group(child)
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    return dead


def exchange(child: "subprocess.Popen[bytes]", request: Sequence[bytes], deadline: float) -> bytes:
    """Send all parts, read a line. Raises TimeoutError, or OSError where the child has ended."""
    if child.stdin is None or child.stdout is None:
        raise OSError("the writer has no pipes")
    parts, answer = [memoryview(part) for part in request if part], b""
    while parts or not answer.endswith(b"\n"):
        left = deadline - time.monotonic()
        writing = [child.stdin] if parts else []
        readable, writable, _ = select.select([child.stdout], writing, [], max(left, 0.0))
        if not readable and not writable:
            raise TimeoutError("the file system gives no answer")
        if writable:
            sent = os.write(child.stdin.fileno(), parts[0])
            parts = [parts[0][sent:], *parts[1:]] if sent < len(parts[0]) else parts[1:]
        if readable:
            piece = os.read(child.stdout.fileno(), 4096)
            if not piece:
                raise OSError("the writer has ended")
            answer += piece
    return answer
