"""The end of a runner's process: asked for by a signal, and kept to, whatever hangs.

Storage that does not answer, a mount that cannot be undone or a fault of ours must not keep a runner that is
to leave: whoever stops it (systemd, a scale set, Azure with half a minute's notice) kills it in the end, and
perhaps its machine. So one deadline stands over everything that leaving consists of. Once it has passed, the
job's processes are killed and this process ends on the spot. That is a crash like any other, which the
lease, the watchdog and the next start of a runner heal.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

#: What a runner takes to leave, at most, beyond BATCHAI_DRAIN_SECONDS: for the last lines, what volumes still
#: upload, unmounting, and handing the job back.
LEAVE_SECONDS = 15.0
#: Of these, for the killing at the end.
_KILL_SECONDS = 2.0
#: The exit code of a runner whose time was up.
OUT_OF_TIME = 3

#: The exit code of a runner that has finished its job and left because it was asked to: systemd does not
#: start it again (RestartPreventExitStatus=).
FINISHED = 4

_ASKED = frozenset({signal.SIGTERM, signal.SIGINT})


def await_listener() -> None:
    """Keep a SIGUSR1 that comes before `Departure.listen`: it would end the process. For the main thread."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})


class Departure:
    """Hears SIGTERM, SIGINT and SIGUSR1 from `listen` on."""

    def __init__(
        self,
        leave: Callable[[], None],
        kill: Callable[[], object],
        seconds: float,
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        """`leave` is called when the first SIGTERM or SIGINT comes, from a thread, and returns at once;
        `kill` ends what must not outlive this process, `seconds` later, if that is still there. `finish` is
        called for SIGUSR1 and sets no deadline."""
        self._finish = finish
        self._leave = leave
        self._kill = kill
        self._seconds = seconds
        # The signal is written here by the interpreter's own handler: heard while the main thread is stuck
        # in a call, and without waiting for a lock that it holds.
        self._heard, self._waker = socket.socketpair()

    def listen(self) -> None:
        """For the main thread, once."""
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (*_ASKED, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        threading.Thread(target=self._hear, name="departure", daemon=True).start()

    def _hear(self) -> None:
        while not _ASKED.intersection(heard := self._heard.recv(64)):
            if signal.SIGUSR1 in heard:
                self._finish()
        deadline = time.monotonic() + self._seconds
        log.info("asked to stop", extra={"action": "stop"})
        try:
            self._leave()
        finally:
            time.sleep(max(0.0, deadline - _KILL_SECONDS - time.monotonic()))
            self._end()

    def _end(self) -> None:
        log.error(
            "not gone in time: what is left of the job is killed, its lease runs out",
            extra={"action": "out_of_time"},
        )
        killing = threading.Thread(target=self._kill, name="departure-kill", daemon=True)
        killing.start()
        killing.join(_KILL_SECONDS)
        os._exit(OUT_OF_TIME)
