"""Child processes of the local stack: started with a log file, watched, stopped with their whole group."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
#: Above what runners offer to jobs (runner/ssh/server.py).
_FIRST_PORT = 24_000


class StartError(RuntimeError):
    """A part of the stack did not come up; the message holds the end of its log."""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody has at this moment.

    None of those that the kernel gives to connections: one of these would have it a moment later.
    """
    while True:
        port = random.randrange(_FIRST_PORT, _first_of_connections())
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _first_of_connections() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return 32768


def port_open(port: int) -> bool:
    """Whether something accepts connections on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _die_with_parent() -> None:
    # A killed supervisor must leave nothing behind: the kernel then terminates its children.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """A running child process and where its output is written."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def tail(self, lines: int = 15) -> str:
        """The last lines of the child's log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Poll `ready` until it is true. StartError when the child ends or `seconds` pass first."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                code = self.process.returncode
                raise StartError(f"{self.name} ended with exit code {code} while starting.\n{self.tail()}")
            if time.monotonic() > deadline:
                raise StartError(f"{self.name} was not ready within {seconds:.0f} s.\n{self.tail()}")
            time.sleep(0.05)

    def ask_to_stop(self) -> None:
        """SIGTERM to the child; returns at once."""
        if self.alive:
            self.process.send_signal(signal.SIGTERM)

    def stop(self, grace_seconds: float = 10.0) -> None:
        """SIGTERM to the child, SIGKILL to its whole group after the grace; returns when it is gone."""
        self.ask_to_stop()
        try:
            self.process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def start(
    name: str,
    command: Sequence[str],
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Child:
    """Start `command` in its own session with stdout and stderr appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    return Child(name, process, log)
