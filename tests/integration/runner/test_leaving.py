"""A runner's process hears that it is to leave, and is gone in time whatever its main thread is stuck in."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.stack import APP
from runner.agent.shutdown import OUT_OF_TIME

#: The main thread holds a lock that `leave` does not need, and is stuck in a call of the system's.
_PROGRAM = """
import socket, sys, threading, time
from runner.agent import shutdown
shutdown._KILL_SECONDS = 0.3
left = threading.Event()
def kill():
    print("killed", flush=True)
    if sys.argv[1] == "hangs": time.sleep(60)
def leave():
    print("leaves", flush=True)
    left.set()
    if sys.argv[1] == "raises": raise RuntimeError
shutdown.Departure(leave, kill, 0.6).listen()
print("on", flush=True)
if sys.argv[1] == "orderly":
    left.wait()
    print("left", flush=True)
else:
    here, there = socket.socketpair()
    here.recv(1)
"""


@contextmanager
def program(how: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _PROGRAM, how]
    child = subprocess.Popen(command, cwd=APP, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout and child.stdout.readline() == "on\n"
        yield child
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_is_done_in_time_ends_as_usual(number: signal.Signals) -> None:
    with program("orderly") as child:
        child.send_signal(number)
        out, _ = child.communicate(timeout=20)
    assert (child.returncode, out) == (0, "leaves\nleft\n")


@pytest.mark.parametrize("how", ["stuck", "raises", "hangs"])
def test_who_is_stuck_is_ended(how: str) -> None:
    """Also where reporting it fails, and where killing its job hangs in its turn."""
    with program(how) as child:
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=20)
    assert (child.returncode, out) == (OUT_OF_TIME, "leaves\nkilled\n")
