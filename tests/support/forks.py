"""Processes without what importing takes each: forks of one that has imported the program (fork_server.py).

A runner takes 0.8 s of a processor until it works, `batchai` 0.4 s, most of it for imports. This is for tests
that start them by the dozen; that `python -m runner` and the script `batchai` start is shown by others.
"""

import atexit
import functools
import json
import os
import pkgutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cli
from local import processes
from local.processes import Child
from local.stack import APP

#: What is looked at before a program's first line cannot be given to a process that runs already.
_OF_A_START = ("LD_", "PYTHON")


@dataclass(frozen=True)
class Program:
    """What is forked: a function, and modules that it imports only when it is asked for them."""

    function: str
    modules: tuple[str, ...] = ()


RUNNER = Program("runner.__main__:main")
BATCHAI = Program(
    "cli.main:main", tuple(f"cli.{module.name}" for module in pkgutil.iter_modules(cli.__path__))
)


class Fork(subprocess.Popen[bytes]):
    """The handle of a fork, as subprocess has it of a child."""

    def __init__(self, answers: socket.socket, args: Sequence[str]) -> None:
        """`answers`: where fork_server.py reports. Returns when the fork is a process of its own. Raises
        EOFError where it does not become one."""
        self.args = list(args)
        self.stdin = self.stdout = self.stderr = None
        self.returncode: int | None = None
        self._answers = answers
        self.pid = self._line(b"began", 60)

    def _line(self, word: bytes, seconds: float) -> int:
        """The number in the next line, which begins with `word`. Raises TimeoutError, with 0 seconds
        BlockingIOError, and EOFError where nothing of the kind comes any more."""
        self._answers.settimeout(seconds)
        line = b""
        while not line.endswith(b"\n"):
            piece = self._answers.recv(1)
            if not piece:
                raise EOFError("the fork server has ended")
            line += piece
        if not line.startswith(word):
            raise EOFError(f"the fork has {line.decode()}")
        return int(line.split()[1])

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            try:
                self.returncode = self._line(b"ended", 1e6 if timeout is None else max(timeout, 0))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._answers.close()
        return self.returncode


def start_runner(name: str, words: Sequence[str], log: Path, env: Mapping[str, str]) -> Child:
    """`python -m runner <words>` in this thread's network, with its output appended to `log`; started anew
    where the environment has what only a new process heeds."""
    if any(env[name] != os.environ.get(name) for name in env if name.startswith(_OF_A_START)):
        return processes.start(name, [sys.executable, "-m", "runner", *words], log, env, APP)
    with log.open("ab") as out:
        return Child(name, fork(RUNNER, ["runner", *words], (out, out), env, APP), log)


def fork(
    program: Program,
    words: Sequence[str],
    output: tuple[BinaryIO, BinaryIO],
    env: Mapping[str, str],
    cwd: Path,
) -> Fork:
    """A process of the program, in this thread's network and in a session of its own. `words`: its sys.argv;
    `output`: its stdout and stderr."""
    with Path("/proc/thread-self/ns/net").open("rb") as network:
        ours, theirs = socket.socketpair()
        with theirs:
            asked = json.dumps({"words": list(words), "env": dict(env), "cwd": str(cwd)}).encode()
            descriptors = [file.fileno() for file in (*output, network, theirs)]
            socket.send_fds(_server(program), [asked], descriptors)
    return Fork(ours, words)


@functools.cache
def _server(program: Program) -> socket.socket:
    """Where to ask; the process is started with the first fork, and ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BATCHAI", "COVERAGE_"))}
    command = [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())]
    command += [program.function, *program.modules]
    with theirs:
        process = subprocess.Popen(
            command, cwd=APP, env=env, pass_fds=[theirs.fileno()], start_new_session=True
        )
    atexit.register(_end, process, ours)
    return ours


def _end(process: subprocess.Popen[bytes], requests: socket.socket) -> None:
    requests.close()
    process.wait(10)
