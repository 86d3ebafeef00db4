"""The stack in the background: started detached, found again through its state file, stopped by a signal."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

import psutil

from local.dispatcher import Dispatcher
from local.layout import DataDirectory, StackState, load
from local.ports import Ports
from local.processes import StartError
from local.seed import lay_out
from local.stack import APP, HOME, Stack
from shared.backend import backend

_START_SECONDS = 120.0
_WATCH_SECONDS = 1.0
_STOP_SECONDS = 60.0


def serve(directory: DataDirectory, runners: int, ports: Ports, fixed: bool = False) -> int:
    """Run the stack in this process until SIGTERM or Ctrl-C. Exit code 1 when a part ends by itself.

    `runners`: how many at most; with `fixed` so many from the start, which follow the work.
    """
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def say(line: str) -> None:
        print(line, flush=True)

    stack = Stack(directory, say, runners if fixed else 0, ports=ports, machines=0 if fixed else runners)
    state = stack.start(lambda state: lay_out(state, say, runners))
    wired = backend(stack.settings)
    dispatcher = Dispatcher(stack, wired, HOME)
    try:
        while not stopping.wait(_WATCH_SECONDS):
            if ended := stack.watch():
                say(f"error: {ended}")
                return 1
            if not state.arm:
                dispatcher.turn()
        return 0
    except StartError as error:
        say(f"error: {error}")
        return 1
    finally:
        stack.stop()
        wired.close()


def up(directory: DataDirectory, words: Sequence[str], say: Callable[[str], None]) -> StackState:
    """Start the stack in the background, or find it running. `words`: further ones of `local serve`. Raises
    StartError."""
    if state := load(directory):
        say(
            "already running"
            + (f", as it was started; for {' '.join(words)}: make down first" if words else "")
        )
        return state
    directory.make()
    log = directory.logs / "stack.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    command = [sys.executable, "-m", "local", "serve", *words]
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
    reported_at = 0
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        state = load(directory)
        lines = read_log().splitlines()
        for line in lines[reported_at:]:
            say(line)
        reported_at = len(lines)
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
