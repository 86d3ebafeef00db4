"""The stack in the background: started detached, found again through its state file, stopped by a signal."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

import psutil

from local.first_things import lay_out
from local.layout import DataDirectory, StackState, load
from local.processes import StartError
from local.stack import APP, Stack

_START_SECONDS = 120.0
_STOP_SECONDS = 60.0


def serve(directory: DataDirectory, runners: int) -> int:
    """Run the stack in this process until SIGTERM or Ctrl-C. Exit code 1 when a part ends by itself."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def say(line: str) -> None:
        print(line, flush=True)

    stack = Stack(directory, say, runners)
    stack.start(lambda state: lay_out(state, say))
    try:
        while not stopping.wait(1.0):
            if ended := stack.watch():
                print(f"error: {ended}", flush=True)
                return 1
        return 0
    finally:
        stack.stop()


def up(directory: DataDirectory, runners: int, say: Callable[[str], None]) -> StackState:
    """Start the stack in the background, or find it running. Raises StartError."""
    if state := load(directory):
        say("already running")
        return state
    directory.make()
    log = directory.logs / "stack.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    command = [sys.executable, "-m", "local", "serve", "--runners", str(runners)]
    env = os.environ | {"BATCHAI_LOCAL": str(directory.root)}
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            cwd=APP,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return _await_state(directory, process, log.read_text, say)


def _await_state(
    directory: DataDirectory,
    process: subprocess.Popen[bytes],
    read_log: Callable[[], str],
    say: Callable[[str], None],
) -> StackState:
    told = 0
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        state = load(directory)
        lines = read_log().splitlines()
        for line in lines[told:]:
            say(line)
        told = len(lines)
        if state:
            return state
        if process.poll() is not None:
            raise StartError("the stack ended while starting; its last words are above")
        time.sleep(0.1)
    process.terminate()
    raise StartError(f"the stack was not up within {_START_SECONDS:.0f} s")


def down(directory: DataDirectory) -> bool:
    """Stop a running stack and wait until it is gone; False where none runs."""
    state = load(directory)
    if state is None:
        return False
    supervisor = psutil.Process(state.pid)
    supervisor.send_signal(signal.SIGTERM)
    supervisor.wait(_STOP_SECONDS)
    return True
