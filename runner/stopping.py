"""The one word that ends a running job early, and who may say it."""

import threading
from enum import Enum

from shared.errors import BatchAIError

#: A job's last lines get this long to reach the share before they are called incomplete.
_DRAIN_SECONDS = 60.0
#: When the machine goes there is no time for that.
_HURRIED_DRAIN_SECONDS = 2.0


class StopReason(Enum):
    """Why a job is stopped before its own end."""

    LOST = "lost"  #: the lease is gone: kill, write nothing
    TERMINATED = "terminated"  #: somebody asked for it
    WALL_CLOCK = "wall clock"  #: constraints.maxWallClockTime has passed
    DRAIN = "drain"  #: the runner itself is stopping
    EVICTED = "evicted"  #: the machine is about to be taken away
    PEER = "another node"  #: another node of the job has ended the attempt
    PEER_LOST = "another node was lost"  #: or has gone silent: the attempt is over, for a fault of ours
    PEER_LEAVES = "another node leaves"  #: or is drained or evicted

    @property
    def hands_back(self) -> bool:
        """Whether the job goes back to the queue, for another runner and without using up an attempt."""
        return self in (StopReason.DRAIN, StopReason.EVICTED, StopReason.PEER_LEAVES)

    @property
    def hurries(self) -> bool:
        """Whether there is little time."""
        return self.hands_back or self is StopReason.PEER_LOST

    @property
    def for_runner(self) -> bool:
        """Whether it is for the runner's sake: then the attempt has no outcome of its own."""
        return self.hands_back or self is StopReason.LOST


class StoppedEarlyError(BatchAIError):
    """The job was stopped before its first process could be started."""


class StopSignal:
    """Set by any thread. The first reason stays, except that a lost lease overrides all; a later one that
    leaves little time is heeded in that."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._reason: StopReason | None = None
        self._said: set[StopReason] = set()

    def set(self, reason: StopReason) -> None:
        """Say stop."""
        with self._lock:
            self._said.add(reason)
            if self._reason is None or reason is StopReason.LOST:
                self._reason = reason
        self._event.set()

    @property
    def reason(self) -> StopReason | None:
        return self._reason

    @property
    def for_runner(self) -> bool:
        """Whether the job is stopped for the runner's sake."""
        return self._reason is not None and self._reason.for_runner

    def grace_seconds(self, usual: float, hurried: float) -> float:
        """Between SIGTERM and SIGKILL: `usual`, or less for some reasons, at most `hurried` for others."""
        if self._reason is StopReason.LOST:
            return 0.0  # another runner may start at any moment
        return min(usual, hurried) if any(reason.hurries for reason in self._all()) else usual

    def drain_seconds(self) -> float:
        """How long the last lines of the logs may take to reach where people read them."""
        if self._reason is StopReason.LOST:
            return 0.0  # with the lease the files went to another runner
        hands_back = any(reason.hands_back for reason in self._all())
        return _HURRIED_DRAIN_SECONDS if hands_back else _DRAIN_SECONDS

    def _all(self) -> frozenset[StopReason]:
        """Every reason that was given so far."""
        with self._lock:
            return frozenset(self._said)

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`; whether a stop was asked for."""
        return self._event.wait(seconds)
