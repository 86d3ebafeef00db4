"""The one word that ends a running job early, and who may say it."""

import threading
from enum import Enum


class StopReason(Enum):
    """Why a job is stopped before its own end."""

    LOST = "lost"  #: the lease is gone: kill, write nothing
    TERMINATED = "terminated"  #: somebody asked for it
    WALL_CLOCK = "wall clock"  #: constraints.maxWallClockTime has passed
    DRAIN = "drain"  #: the runner itself is stopping
    EVICTED = "evicted"  #: the machine is about to be taken away

    @property
    def hands_back(self) -> bool:
        """Whether the job goes back to the queue, for another runner and without using up an attempt."""
        return self in (StopReason.DRAIN, StopReason.EVICTED)


class StopSignal:
    """Set once by any thread, the first reason stays, except that a lost lease overrides all."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._reason: StopReason | None = None

    def set(self, reason: StopReason) -> None:
        with self._lock:
            if self._reason is None or reason is StopReason.LOST:
                self._reason = reason
        self._event.set()

    @property
    def reason(self) -> StopReason | None:
        return self._reason

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`; whether a stop was asked for."""
        return self._event.wait(seconds)
