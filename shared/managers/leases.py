"""Leases: the right of one runner to one attempt, kept by the job's row; the message of a job that is taken.

docs/adr/0150: the row carries the lease, the message is a wake-up.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.errors import LostOwnershipError, NotFoundError, StoreError
from shared.jobs import transitions
from shared.jobs.events import JobEvent
from shared.jobs.model import Job, Lease, StreamSeal
from shared.managers.conflict_retry import Overtaken, until_written
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Leases:
    """Renews leases and lets messages go. Keeps nothing between calls; safe to use from several threads."""

    seconds: float
    jobs: JobTable
    queues: JobQueues
    monotonic: Callable[[], float]

    def renew(
        self,
        job: Job,
        lease: Lease,
        logs: tuple[StreamSeal, ...] = (),
        events: tuple[JobEvent, ...] = (),
    ) -> tuple[Lease, Job]:
        """Prolong a lease: two calls. The new lease and the job as it stands now. `job`: as last seen;
        `logs`: how far they have come, which is what will be known of them if this runner is lost; `events`:
        of the attempt so far, for the row, which is written anyway.

        Raises LostOwnershipError when the attempt is no longer the lease's: stop, write nothing. StoreError
        when the row could not be written: the lease in hand holds until its deadline.
        """
        job, deadline = self._prolong(job, lease, events)
        lease = replace(lease, deadline=deadline)
        try:
            receipt = self.queues.renew(
                lease.queue,
                lease.message_id,
                lease.pop_receipt,
                self.seconds,
                (lease, logs) if logs else None,
            )
            return replace(lease, pop_receipt=receipt), job
        except LostOwnershipError:
            return self._call_anew(job, lease, logs)
        except StoreError as error:
            # Whoever receives it meanwhile finds a lease that lives and puts it back.
            log.warning("message not renewed: %s", error, extra={"action": "renew", "job": str(job.id)})
            return lease, job

    def _prolong(self, job: Job, lease: Lease, events: tuple[JobEvent, ...]) -> tuple[Job, float]:
        """The row with a lease that begins anew, and until when it holds by our monotonic clock."""
        current = job

        def write() -> tuple[Job, float]:
            nonlocal current
            # From before the first try of the client, which may repeat it: the row never says less.
            before = self.monotonic()
            try:
                known = transitions.happened(current, events)
                news = known.events != current.events
                return self.jobs.prolong(known, self.seconds, with_events=news), before + self.seconds
            except LostOwnershipError as error:
                # Somebody has changed it, or only the answer to our own last write was lost.
                current = self.look(lease)
                raise Overtaken from error
            except NotFoundError as error:
                raise LostOwnershipError(f"job {lease.job} was deleted") from error

        return until_written(write, f"job {lease.job}")

    def _call_anew(self, job: Job, lease: Lease, logs: tuple[StreamSeal, ...]) -> tuple[Lease, Job]:
        """Another message for a job that is held, in place of one whose receipt is dead: an answer was lost,
        or somebody received it while the queue was away."""
        try:
            message_id, receipt = self.queues.send(job, self.seconds, logs)
            lease = replace(lease, message_id=message_id, pop_receipt=receipt)
            job = self.jobs.prolong(transitions.woken_by(job, message_id), self.seconds)
            log.info("message sent anew", extra={"action": "renew", "job": str(job.id), "uuid": job.uuid})
        except StoreError as error:
            # Each of the two may be dropped as a duplicate; then the sweeper sends one after the lease.
            log.warning("message not sent anew: %s", error, extra={"action": "renew", "job": str(job.id)})
        return lease, job

    def look(self, lease: Lease) -> Job:
        """The job as it stands now: one call. Raises LostOwnershipError as `renew`."""
        job = self.jobs.get(lease.job)
        if job is None:
            raise LostOwnershipError(f"job {lease.job} was deleted")
        return transitions.owned(job, lease)

    def release(self, job: Job, lease: Lease, seconds: float) -> None:
        """Let the message of a job that is queued again be seen in `seconds`. Raises nothing: the sweeper
        sends another one where none is left."""
        try:
            self.queues.renew(lease.queue, lease.message_id, lease.pop_receipt, seconds)
        except LostOwnershipError:
            self._send_again(job, seconds)
        except StoreError:
            log.warning("message not released", extra={"action": "release", "job": str(lease.job)})

    def _send_again(self, job: Job, seconds: float) -> None:
        try:
            self.queues.send(job, seconds)
        except StoreError:
            log.warning("message not sent again", extra={"action": "release", "job": str(job.id)})
