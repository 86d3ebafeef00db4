"""When this node came up, for the time lines of the jobs that waited for it."""

from collections.abc import Callable
from datetime import UTC, datetime

import psutil

from shared.jobs.events import EventKind, JobEvent
from shared.jobs.model import Job
from shared.managers.clock import utc_now


class NodeStart:
    """Of one runner. From its own thread, but for `events`."""

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self._now = now
        self._boot = datetime.fromtimestamp(psutil.boot_time(), UTC)
        self._begun = datetime.fromtimestamp(psutil.Process().create_time(), UTC)
        self._ready: datetime | None = None

    def is_ready(self) -> None:
        """It can take jobs; only the first time counts."""
        self._ready = self._ready or self._now()

    def events(self, job: Job, node_id: str) -> tuple[JobEvent, ...]:
        """What of it lies in the life of a job: nothing where the node was ready before the job was there."""
        # A machine that came up meanwhile did so for jobs that waited; else only its runner was started.
        begun = self._boot if self._boot > job.created else self._begun
        if self._ready is None or begun <= job.created:
            return ()
        return (
            JobEvent(begun, EventKind.NODE_STARTED, job.attempt, node_id),
            JobEvent(self._ready, EventKind.NODE_READY, job.attempt, node_id),
        )
