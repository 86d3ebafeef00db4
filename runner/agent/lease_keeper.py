"""The threads that keep a lease alive, and say stop when they cannot."""

import logging
import math
import threading
import time
from collections.abc import Callable

from runner.machine.late_thread import LateThread
from runner.processes.stop_signal import StopReason, StopSignal
from shared.errors import LostOwnershipError
from shared.jobs.events import JobEvent
from shared.jobs.model import Job, Lease, State, StreamSeal
from shared.managers.attempts import Attempts

log = logging.getLogger(__name__)

#: Until somebody watches the deadline, at most: a job of a moment needs nobody.
_FIRST_SECONDS = 1.0


class LeaseKeeper:
    """Renews one lease until stopped. Does nothing else, so that nothing else can starve it.

    `margin_seconds`: how long before the deadline the job must be ended, when renewals fail.
    `renewed` is called after every renewal that succeeded; `logs` says how far they have come, `events` what
    has happened so far.
    """

    def __init__(
        self,
        attempts: Attempts,
        job: Job,
        lease: Lease,
        stop: StopSignal,
        renew_seconds: float,
        margin_seconds: float,
        renewed: Callable[[Lease], None] = lambda lease: None,
        logs: Callable[[], tuple[StreamSeal, ...]] = tuple,
        events: Callable[[], tuple[JobEvent, ...]] = tuple,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._attempts = attempts
        self._lease = lease
        self._job = job
        self._stop = stop
        self._renew_seconds = renew_seconds
        self._margin_seconds = margin_seconds
        self._renewed = renewed
        self._logs = logs
        self._events = events
        self._monotonic = monotonic
        self._ended = threading.Event()
        self._wake = threading.Event()
        self._due = monotonic() + renew_seconds  #: the next renewal, monotonic
        self._renewed_at = 0.0  #: when the latest renewal succeeded, monotonic
        self._asked = 0.0  #: since when somebody waits for one, monotonic
        self._keeping = LateThread(self._keep, "lease")
        self._watching = LateThread(self._watch, "lease-watch")

    def start(self) -> None:
        """From now on the lease is kept, by threads that begin before they have anything to do."""
        first = max(0.0, min(_FIRST_SECONDS, self._renew_seconds, self._left()))
        for thread in (self._keeping, self._watching):
            thread.start(first)

    def end(self) -> tuple[Job, Lease]:
        """Stop renewing; the job and the lease as last renewed. A renewal under way is waited for."""
        self._ended.set()
        self._wake.set()
        for thread in (self._keeping, self._watching):
            thread.cancel()
            thread.join()
        return self._job, self._lease

    def _keep(self) -> None:
        while True:
            woken = self._wake.wait(max(0.0, self._due - self._monotonic()))
            if self._ended.is_set():
                return
            if woken:
                self._wake.clear()
                if self._due > self._monotonic():
                    self._look_once()
                    continue
            pause = self._renew_once()
            if pause <= 0:
                return
            self._due = self._monotonic() + pause

    def look(self) -> None:
        """See now whether the job was asked to end, without waiting for the next renewal. From any thread."""
        self._wake.set()
        if not self._ended.is_set():
            self._keeping.begin()

    def renewed_since(self, since: float) -> float:
        """When the lease was renewed after `since`, both monotonic; 0.0: not yet, it is done as soon as
        storage answers. From any thread."""
        if self._renewed_at >= since:
            return self._renewed_at
        if self._asked < since:
            self._asked = self._due = since
            self.look()
        return 0.0

    def _look_once(self) -> None:
        try:
            self._job = self._attempts.look(self._lease)
        except LostOwnershipError as error:
            log.warning("lease lost: %s", error, extra={"action": "lease_lost", "job": str(self._lease.job)})
            self._lost()
        except Exception as error:  # whatever it was: the next renewal looks again
            log.info("not looked: %s", error, extra={"action": "look_failed", "job": str(self._lease.job)})
        else:
            self._heed()

    def _watch(self) -> None:
        """Say stop in time, whatever a renewal under way is waiting for: storage may hang for minutes."""
        pause = 0.0
        while not self._ended.wait(pause):
            pause = max(0.05, min(1.0, self._left()))
            if self._left() <= 0:
                log.warning("no renewal in time", extra={"action": "lease_lost", "job": str(self._lease.job)})
                self._stop.lapse()
                return

    def _left(self) -> float:
        """Seconds until the job must be ended."""
        return self._lease.deadline - self._margin_seconds - self._monotonic()

    def _renew_once(self) -> float:
        """Seconds until the next try; 0 when the lease is lost."""
        try:
            self._lease, self._job = self._attempts.renew(
                self._job, self._lease, self._logs(), self._events()
            )
        except LostOwnershipError as error:
            log.warning("lease lost: %s", error, extra={"action": "lease_lost", "job": str(self._lease.job)})
            return self._lost()
        except Exception as error:  # whatever it was: an unrenewed lease ends, and so does a job that runs
            left = self._left()
            log.warning(
                "renewal failed, %.0f s left: %s",
                left,
                error,
                extra={"action": "renew_failed", "job": str(self._lease.job)},
            )
            if left <= 0 and self._stop.lapse():
                return 0
            return max(0.1, min(left if left > 0 else math.inf, self._renew_seconds / 5))
        if self._stop.reason is StopReason.LOST:
            return 0
        self._renewed(self._lease)
        self._renewed_at = self._monotonic()
        self._heed()
        return self._renew_seconds

    def _heed(self) -> None:
        if self._job.state is State.TERMINATING:
            self._stop.set(StopReason.TERMINATED)

    def _lost(self) -> float:
        self._stop.set(StopReason.LOST)
        return 0
