"""Attempts: what a runner does with a job that it has claimed: renew, finish, give back, assemble, dissolve.

The order of effects makes a crash anywhere harmless; docs/explanation/protocol.md has the table
"crash after / what is left / what heals it".
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from shared.documents.spec import JobSpec
from shared.errors import LostOwnershipError, StoreError
from shared.fail_points import reach
from shared.jobs import transitions
from shared.jobs.events import JobEvent
from shared.jobs.model import NOTHING_REPORTED, AttemptReport, Job, Lease, Outcome, Reason, StreamSeal
from shared.managers import job_traces
from shared.managers.accepted_jobs import AcceptedJobs
from shared.managers.conflict_retry import Overtaken, arrived, retry_pause, until_written
from shared.managers.leases import Leases
from shared.managers.status_writer import StatusWriter
from shared.names.ids import JobId
from shared.settings import Settings
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable

log = logging.getLogger(__name__)


class Attempts:
    """Leases and outcomes. Keeps nothing between calls; safe to use from several threads."""

    def __init__(
        self,
        settings: Settings,
        jobs: JobTable,
        queues: JobQueues,
        accepted: AcceptedJobs,
        status: StatusWriter,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self.status = status
        self._settings = settings
        self._jobs = jobs
        self._queues = queues
        self._accepted = accepted
        self._now = now
        self._leases = Leases(settings.lease_seconds, jobs, queues, monotonic)

    def spec(self, job: Job) -> tuple[JobSpec, str]:
        """As AcceptedJobs.spec. Raises NotFoundError, StoreError, DocumentError."""
        return self._accepted.spec(job)

    def job(self, job: JobId) -> Job | None:
        """The latest run under a name, or None: one call."""
        return self._jobs.get(job)

    def renew(
        self,
        job: Job,
        lease: Lease,
        logs: tuple[StreamSeal, ...] = (),
        events: tuple[JobEvent, ...] = (),
    ) -> tuple[Lease, Job]:
        """Prolong a lease: two calls (`Leases.renew`). Raises LostOwnershipError, StoreError."""
        return self._leases.renew(job, lease, logs, events)

    def look(self, lease: Lease) -> Job:
        """The job as it stands now: one call. Raises LostOwnershipError as `renew`."""
        return self._leases.look(lease)

    def finish(
        self, job: Job, lease: Lease, outcome: Outcome, report: AttemptReport = NOTHING_REPORTED
    ) -> Job:
        """End the attempt: row, then status.json, then message.

        `job` is the job as last seen (claimed or renewed), `lease` the latest renewal. An outcome that is
        ours to try again puts the job back while attempts are left, for a pause that grows.
        Raises LostOwnershipError when somebody else has taken over: then nothing was written.
        """
        retry = outcome.retried
        pause = retry_pause(self._settings.retry_seconds, job.attempt) if retry else 0.0

        def ended(current: Job) -> Job:
            now = self._now()
            if retry:
                again = now + timedelta(seconds=pause)
                return transitions.requeue(current, outcome, now, report=report, retry_at=again)
            return transitions.finish(current, outcome, now, report)

        return self._conclude(job, lease, ended, str(outcome.reason), pause)

    def give_back(
        self, job: Job, lease: Lease, message: str, report: AttemptReport = NOTHING_REPORTED
    ) -> Job:
        """Put a job back at once and without using up an attempt (the runner drains)."""
        outcome = Outcome(Reason.RUNNER_LOST, message=message)
        return self._conclude(
            job,
            lease,
            lambda current: transitions.requeue(current, outcome, self._now(), spend=False, report=report),
            job_traces.HANDED_BACK,
        )

    def assembled(self, job: Job, lease: Lease, nodes: Sequence[str]) -> Job:
        """Every node of a held job is there: it runs from now on. Raises LostOwnershipError, StoreError."""
        return self._write_owned(job, lease, lambda held: transitions.assembled(held, self._now(), nodes))

    def dissolve(self, job: Job, lease: Lease, why: str, pause_seconds: float) -> Job:
        """Put a held job back, to be looked at again in `pause_seconds`; uses up no attempt.

        Raises LostOwnershipError, StoreError.
        """

        def dissolved(held: Job) -> Job:
            return transitions.dissolve(held, why, self._now())

        return self._conclude(job, lease, dissolved, job_traces.DISSOLVED, pause_seconds)

    def _conclude(
        self,
        job: Job,
        lease: Lease,
        change: Callable[[Job], Job],
        reason: str,
        pause_seconds: float = 0.0,
    ) -> Job:
        written = self._write_owned(job, lease, change)
        used = written.gpu_seconds - job.gpu_seconds
        job_traces.attempt_over(written, lease.owner, reason, self._now(), used)
        reach("ended")
        reported = self.status.report(written)
        reach("reported")
        if written.state.live:
            self._leases.release(written, lease, pause_seconds)
        elif reported:
            # Otherwise the message is left: who receives it next brings status.json up to date.
            self.delete_message(lease.queue, lease.message_id, lease.pop_receipt)
        reach("deleted")
        return written

    def _write_owned(self, job: Job, lease: Lease, change: Callable[[Job], Job]) -> Job:
        """Write `change(job)` while the lease holds; a job changed meanwhile (terminate) is read again."""
        current = job

        def write() -> Job:
            nonlocal current
            wanted = change(transitions.owned(current, lease))
            try:
                return self._jobs.write(wanted)
            except LostOwnershipError as error:
                found = self._jobs.get(lease.job)
                if found is None:
                    raise LostOwnershipError(f"job {lease.job} was deleted") from error
                if arrived(found, wanted):
                    return found
                current = found
                raise Overtaken from error

        return until_written(write, f"job {lease.job}")

    def delete_message(self, queue: str, message_id: str, pop_receipt: str) -> None:
        """Remove the message of a job that has ended. Raises nothing."""
        try:
            self._queues.delete(queue, message_id, pop_receipt)
        except StoreError:
            # It comes back once its lease runs out, finds an ended job and is deleted then.
            log.warning("message not deleted", extra={"action": "delete_message", "message_id": message_id})
