"""The one word that ends a running job early, and who may say it."""

import os
import select
import threading
import time
from collections.abc import Callable, Collection
from enum import Enum

from shared.errors import BatchAIError

#: A job's last lines get this long to reach the share before they are called incomplete.
_DRAIN_SECONDS = 60.0
#: When the runner or the machine stops there is no time for that,
_HURRIED_DRAIN_SECONDS = 2.0
#: and a little more for a job that has ended by itself: no further attempt will bring a better log.
_LAST_DRAIN_SECONDS = 8.0


class StopReason(Enum):
    """Why a job is stopped before its own end."""

    LOST = "lost"  #: the lease is gone: kill, write nothing
    TERMINATED = "terminated"  #: somebody asked for it
    WALL_CLOCK = "wall clock"  #: constraints.maxWallClockTime has passed
    IDLE_GPUS = "idle GPUs"  #: the cluster's idleGpus ends jobs whose GPUs do nothing
    DRAIN = "drain"  #: the runner itself is stopping
    EVICTED = "evicted"  #: the machine is about to be taken away
    PEER = "another node"  #: another node of the job has ended the attempt
    PEER_LOST = "another node was lost"  #: or has gone silent: the attempt is over, for a fault of ours
    PEER_LEAVES = "another node leaves"  #: or is drained or evicted

    @property
    def hands_back(self) -> bool:
        """Whether the job returns to the queue, for another runner and without using up an attempt."""
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

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._reason: StopReason | None = None
        self._said: set[StopReason] = set()
        self._leaves_since: float | None = None  #: monotonic
        self._job_is_over = False
        self._bells: set[int] = set()  #: event counters of threads that wait for other things too

    def set(self, reason: StopReason) -> None:
        """Say stop."""
        with self._lock:
            self._set(reason)

    def _set(self, reason: StopReason) -> None:
        """`set`, by who holds the lock."""
        self._said.add(reason)
        if reason.hands_back and self._leaves_since is None:
            self._leaves_since = self._monotonic()
        if self._reason is None or reason is StopReason.LOST:
            self._reason = reason
        self._event.set()
        for bell in self._bells:
            os.eventfd_write(bell, 1)

    def job_is_over(self) -> bool:
        """It has come to an end of its own: what is left is to report it; whether it is this runner's to
        report. A lease that lapsed a moment before is not kept any more."""
        with self._lock:
            self._job_is_over = self._reason is not StopReason.LOST
            return self._job_is_over

    def lapse(self) -> bool:
        """The lease was not renewed in time. Then it is lost while the job runs, which must be dead before
        anybody else may begin it; whether it is. Of a job that is over nothing can run twice: it stays this
        runner's until somebody is found to have taken it."""
        with self._lock:
            if self._job_is_over:
                return False
            self._set(StopReason.LOST)
        return True

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
        with self._lock:
            hurries = any(reason.hurries for reason in self._said)
        return min(usual, hurried) if hurries else usual

    def drain_until(self, begun: float) -> float:
        """Until when the last lines of the logs, waited for since `begun`, may take to reach where people
        read them. Both monotonic."""
        if self._reason is StopReason.LOST:
            return begun  # with the lease the files went to another runner
        if self._leaves_since is None:
            return begun + _DRAIN_SECONDS
        hurried = _LAST_DRAIN_SECONDS if self._job_is_over else _HURRIED_DRAIN_SECONDS
        return min(begun + _DRAIN_SECONDS, max(begun, self._leaves_since) + hurried)

    def wait(self, seconds: float, files: Collection[int] = ()) -> bool:
        """Wait up to `seconds`, or until one of these files can be read; whether a stop was asked for."""
        if not files:
            return self._event.wait(seconds)
        bell = os.eventfd(0, os.EFD_CLOEXEC)
        waiting = select.poll()
        for file in (bell, *files):
            waiting.register(file, select.POLLIN)
        try:
            with self._lock:
                self._bells.add(bell)
            if not self._event.is_set():
                waiting.poll(seconds * 1000)
        finally:
            with self._lock:
                self._bells.discard(bell)
            os.close(bell)
        return self._event.is_set()
