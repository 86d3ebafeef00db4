"""Runners without the 0.8 s of a processor that importing takes each: forks of one process (fork_server.py).

For tests that start runners by the dozen. That `python -m runner` starts is shown wherever a stack is.
"""

import atexit
import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local import processes
from local.processes import Child
from local.stack import APP

#: What is looked at before a program's first line cannot be given to a process that runs already.
_OF_A_START = ("LD_", "PYTHON")


class Forked(subprocess.Popen[bytes]):
    """The handle of a fork, as subprocess has it of a child."""

    def __init__(self, answers: socket.socket, args: Sequence[str]) -> None:
        """`answers`: where fork_server.py reports."""
        self.args = list(args)
        self.stdin = self.stdout = self.stderr = None
        self.returncode: int | None = None
        self._answers = answers
        self.pid = int(self._line(60))

    def _line(self, seconds: float) -> bytes:
        """The next line that is reported. Raises TimeoutError, with 0 seconds
        BlockingIOError, and EOFError where the fork server has ended."""
        self._answers.settimeout(seconds)
        line = b""
        while not line.endswith(b"\n"):
            piece = self._answers.recv(1)
            if not piece:
                raise EOFError("the fork server has ended")
            line += piece
        return line

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            try:
                self.returncode = int(self._line(1e6 if timeout is None else timeout))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._answers.close()
        return self.returncode


def start(name: str, words: Sequence[str], log: Path, env: Mapping[str, str]) -> Child:
    """`python -m runner <words>` in this thread's network, with its output appended to `log`; started anew
    where the environment has what only a new process heeds."""
    if any(env[name] != os.environ.get(name) for name in env if name.startswith(_OF_A_START)):
        return processes.start(name, [sys.executable, "-m", "runner", *words], log, env, APP)
    with (
        log.open("ab") as out,
        open("/proc/thread-self/ns/net", "rb") as network,  # noqa: PTH123
    ):
        ours, theirs = socket.socketpair()
        with theirs:
            asked = json.dumps({"words": list(words), "env": dict(env), "cwd": str(APP)}).encode()
            socket.send_fds(_server(), [asked], [out.fileno(), network.fileno(), theirs.fileno()])
    return Child(name, Forked(ours, words), log)


@functools.cache
def _server() -> socket.socket:
    """Where to ask; the process is started with the first runner, and ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BATCHAI", "COVERAGE_"))}
    with theirs:
        command = [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())]
        process = subprocess.Popen(
            command, cwd=APP, env=env, pass_fds=[theirs.fileno()], start_new_session=True
        )
    atexit.register(_end, process, ours)
    return ours


def _end(process: subprocess.Popen[bytes], requests: socket.socket) -> None:
    requests.close()
    process.wait(10)
