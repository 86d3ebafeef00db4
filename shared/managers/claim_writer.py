"""The two writes that a message of a queued or abandoned job may lead to: it is claimed, or given up."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from shared.errors import LostOwnershipError
from shared.fail_points import reach
from shared.jobs import transitions
from shared.jobs.model import NOTHING_REPORTED, AttemptReport, Job, Lease, Outcome, Reason, State
from shared.managers import job_traces
from shared.managers.attempts import Attempts
from shared.stores.job_queues import JobMessage
from shared.stores.job_table import JobTable
from shared.telemetry import tracing

log = logging.getLogger(__name__)


class ClaimWriter:
    """Keeps nothing between calls. Every method raises StoreError."""

    def __init__(
        self,
        lease_seconds: float,
        jobs: JobTable,
        attempts: Attempts,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._lease_seconds = lease_seconds
        self._jobs = jobs
        self._attempts = attempts
        self._now = now
        self._monotonic = monotonic

    def take(self, job: Job, message: JobMessage, owner: str) -> tuple[Job, Lease] | None:
        """Write the row; None when somebody else was faster: the message comes back and is judged then."""
        lease_seconds = self._lease_seconds
        wanted = transitions.claim(
            job, owner, message.message_id, self._now(), message.last_heard, lease_seconds
        )
        began, before = self._now(), self._monotonic()
        try:
            claimed = self._jobs.update(wanted)
        except LostOwnershipError:
            found = self._jobs.get(job.id)
            # The answer to our own write, which has noted its event, may have been lost on the way back.
            ours = replace(wanted, etag="")
            if found is None or replace(found, etag="", noted=wanted.noted) != ours:
                return None
            claimed = found
        tracing.follow(message.traceparent, job.uuid)
        job_traces.claimed(job, claimed, began, self._now())
        reach("claimed")
        lease = Lease(
            job=job.id,
            uuid=job.uuid,
            attempt=claimed.attempt,
            owner=owner,
            queue=message.queue,
            message_id=message.message_id,
            pop_receipt=message.pop_receipt,
            deadline=before + lease_seconds,
            excused=message.excused,
            traceparent=message.traceparent,
        )
        return claimed, lease

    def give_up(self, job: Job, message: JobMessage) -> None:
        """End a job that nobody can run any more: asked to terminate, or out of attempts."""
        if job.attempt >= job.max_attempts or job.state is State.TERMINATING:
            text = f"The runner of attempt {job.attempt} was lost; no attempt is left"
            outcome = Outcome(Reason.RUNNER_LOST, message=text)
        else:
            text = f"Its message was delivered {message.dequeue_count} times and no runner came to claim it"
            outcome = Outcome(Reason.POISON, message=text)
        now, report = self._now(), NOTHING_REPORTED
        if job.owner is not None:
            lost = transitions.lost_event(job, now, message.last_heard)
            report = AttemptReport(message.last_heard, (lost,))
            job_traces.lost(job, now)
        ended = transitions.finish(job, outcome, now, report)
        # infra/alerts.json looks for the words.
        log.warning("given up as %s", outcome.reason, extra={"action": "given_up", "job": str(job.id)})
        if self._attempts.status.report(self._jobs.end(ended)):
            self._attempts.delete_message(message.queue, message.message_id, message.pop_receipt)
