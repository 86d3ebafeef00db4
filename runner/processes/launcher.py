"""The thread that starts the processes of jobs: what it is, they become.

A process inherits from the thread that starts it, not from the runner as a whole: how nice it is, its IPC
namespace, its session keyring. Changed in a thread of their own these cost a few system calls, while every
program before a job's command costs a start. The thread lives as long as the runner, whose end the kernel
would else take its end for (prctl(2), PR_SET_PDEATHSIG).
"""

import os
import queue
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future

from runner.isolation import kernel_objects
from runner.machine import priority

_MOST_NICE = 19
_Popen = subprocess.Popen[bytes]


#: `begin` and `space` as `Launcher.start` has them, and where the answer is waited for.
_Order = tuple[Callable[[], _Popen], str | None, "Future[_Popen]"]


class Launcher:
    """The thread, which is started with the first order. Thread-safe."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, begin: Callable[[], _Popen], space: str | None) -> _Popen:
        """The process that `begin` starts, nicer than the runner. `space`: path of the IPC namespace that it
        is to be in, "" for the runner's; it has a session keyring then that nobody else has. None: it keeps
        the runner's. Raises what `begin` raises, and OSError where it cannot be kept apart."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="launcher", daemon=True)
                self._thread.start()
        answer: Future[_Popen] = Future()
        self._orders.put((begin, space, answer))
        return answer.result()

    def close(self) -> None:
        """End the thread, and with it what it has started and still runs."""
        with self._lock:
            if self._thread is not None:
                self._orders.put(None)
                self._thread.join()
                self._thread = None

    def _serve(self) -> None:
        self._be_nice()
        while order := self._orders.get():
            begin, space, answer = order
            try:
                answer.set_result(_started(begin, space))
            except BaseException as error:
                answer.set_exception(error)

    def _be_nice(self) -> None:
        """This thread alone, as Linux has it."""
        nice = os.getpriority(os.PRIO_PROCESS, 0) + priority.below_runner()
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(_MOST_NICE, nice))


def _started(begin: Callable[[], _Popen], space: str | None) -> _Popen:
    if space is None:
        return begin()
    with kernel_objects.apart(space):
        return begin()


#: For what belongs to no attempt; never closed.
LAUNCHER = Launcher()
