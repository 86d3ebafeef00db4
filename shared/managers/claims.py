"""Claims: how a free runner comes by a job. The message is only a wake-up; the row says what it means.

What is written then is in claim_writer.py. The order of effects makes a crash anywhere harmless;
docs/explanation/protocol.md has "crash after / what is left / what heals it".
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.documents.spec import JobSpec
from shared.errors import (
    BatchAIError,
    NewerVersionError,
    NotFoundError,
    StoreError,
    UnreadableError,
)
from shared.fail_points import reach
from shared.jobs import transitions
from shared.jobs.gang import Gang, rank_of
from shared.jobs.model import Job, Lease, Outcome, Reason, State
from shared.managers.attempts import Attempts
from shared.managers.carried_jobs import CarriedJobs
from shared.managers.claim_writer import ClaimWriter
from shared.managers.gang_manager import Gangs
from shared.stores.job_queues import JobMessage, JobQueues
from shared.stores.job_table import JobTable

log = logging.getLogger(__name__)

#: More than an outage of storage may cost between receiving and claiming.
_MOST_IDLE_DELIVERIES = 25
#: Runners that may be about to claim a job after so many deliveries, and not live to do it.
_MOST_SUSPICIONS = 3
#: Messages that lead to nothing, looked at before a queue is taken for empty for a moment.
_MOST_LOOKS = 32
#: Until a message is looked at again that storage kept from being judged.
_STORAGE_AWAY_SECONDS = 2.0
#: Until the message of a younger gang is looked at again.
_ASIDE_SECONDS = 1.0
#: Until the message of a gang is looked at again for which there are too few nodes, at most.
_MOST_RETRY_SECONDS = 15.0


@dataclass(frozen=True)
class Claim:
    """A job that a runner may run now: what it is, what the user asked for, and the right to run it."""

    job: Job
    lease: Lease
    spec: JobSpec
    cluster_revision: str  #: of the cluster's document when the job was accepted


@dataclass(frozen=True)
class Help:
    """Returned by next_job instead of a Claim: join `gang`, which has priority over queued jobs."""

    gang: Gang


def _retry_seconds(excused: int) -> float:
    """Seconds until a message that was put back `excused` times is looked at again."""
    # Counted in days of waiting the power alone would overflow.
    return float(min(_MOST_RETRY_SECONDS, 1.5 ** min(excused, 20)))


class Claims:
    """Receives messages and claims rows. Keeps nothing between calls; safe to use from several threads."""

    def __init__(
        self,
        lease_seconds: float,
        jobs: JobTable,
        queues: JobQueues,
        gangs: Gangs,
        attempts: Attempts,
        carried: CarriedJobs,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._lease_seconds = lease_seconds
        self._jobs = jobs
        self._queues = queues
        self._gangs = gangs
        self._attempts = attempts
        self._carried = carried
        self._writer = ClaimWriter(lease_seconds, jobs, attempts, now, monotonic)

    def next_job(self, queue: str, owner: str) -> Claim | Help | None:
        """Take the next job of a queue: receive, claim the row, read the document. Or learn that a gang lacks
        nodes, which comes first.

        None when there is nothing to run; messages that mean nothing any more are deleted on the way, those
        that mean nothing now are put back. Raises StoreError.
        """
        for _ in range(_MOST_LOOKS):
            message = self._queues.receive(queue, self._lease_seconds)
            if message is None:
                return None
            try:
                found = self._judge(message, owner)
            except UnreadableError as error:
                log.error("left alone: %s", error, extra={"action": "unreadable", "uuid": message.uuid})
                self._put_back(message, self._lease_seconds)
                continue
            except StoreError:
                # Not the job's fault: it is looked at again in a while, and this delivery does not count.
                if message.job:
                    self._put_back(message, _STORAGE_AWAY_SECONDS)
                raise
            if found:
                return found
        return None

    def _judge(self, message: JobMessage, owner: str) -> Claim | Help | None:
        """What a message means for a runner that is free; None: nothing, and it was dealt with."""
        if message.hint:
            # Used up by looking, and never more than a hint: any gang of the cluster may lack nodes by now.
            self._attempts.delete_message(message.queue, message.message_id, message.pop_receipt)
            lacking = self._gangs.to_help(message.hint)
            return Help(lacking) if lacking else None
        if message.newer:
            log.warning(
                "left alone: a newer version's message", extra={"action": "newer", "queue": message.queue}
            )
            return None
        if found := self._claim_as_carried(message, owner):
            return found
        job = self._jobs.get(message.job) if message.job else None
        if job is not None and job.uuid == message.uuid and not job.state.known:
            log.warning(
                "left alone: job in state %s", job.state, extra={"action": "newer", "job": str(job.id)}
            )
            self._put_back(message, self._lease_seconds)
            return None
        if job is None or job.uuid != message.uuid or not job.state.live:
            # Its runner may have gone between the ended row and status.json.
            if job is not None and job.uuid == message.uuid and not self._attempts.status.report(job):
                return None  # the message comes back, and with it the next try
            self._drop(message, "it means no live job")
            return None
        if job.waits_for_limit:
            # A function app of an earlier version took its message for lost. It gets one when it is let go.
            self._drop(message, f"job {job.id} waits for a limit")
            return None
        if job.owner is not None and not transitions.is_abandoned(job, message.message_id):
            self._leave_alone(job, message)
            return None
        if job.state is State.TERMINATING or job.attempt >= job.max_attempts:
            self._writer.give_up(job, message)
            return None
        if job.node_count > 1 and job.owner is None and (instead := self._instead(job, message)):
            return instead[0]
        # Deliveries that did not become attempts. Outages of storage make them, and so does
        # something about the job that ends runners just before they claim it: only that is held against it.
        if message.dequeue_count - message.excused - job.attempt > _MOST_IDLE_DELIVERIES:
            if message.suspected >= _MOST_SUSPICIONS:
                self._writer.give_up(job, message)
                return None
            message = self._queues.suspect(message, self._lease_seconds)
        reach("received")
        return self._claim(job, message, owner)

    def _leave_alone(self, job: Job, message: JobMessage) -> None:
        """The message of a job that somebody runs: its own is put back until the lease can be over, any other
        is a duplicate."""
        if job.message_id == message.message_id:
            self._put_back(message, math.ceil(job.lease_left or 1.0))
        else:
            self._drop(message, f"job {job.id} is {job.state} under another message")

    def _instead(self, job: Job, message: JobMessage) -> tuple[Help | None] | None:
        """What to do before a job of several nodes, if it is not its turn: then its message was put back."""
        if older := self._gangs.to_help(job.cluster, rank_of(job)):
            self._put_back(message, _ASIDE_SECONDS)
            return (Help(older),)
        if self._gangs.usable_nodes(job.cluster) < job.node_count:
            self._put_back(message, _retry_seconds(message.excused))
            return (None,)
        return None

    def _put_back(self, message: JobMessage, seconds: float) -> None:
        try:
            self._queues.put_back(message, seconds)
        except StoreError:
            # It comes back once its time is up, and this delivery is held against it.
            log.warning("message not put back", extra={"action": "put_back", "uuid": message.uuid})

    def _claim_as_carried(self, message: JobMessage, owner: str) -> Claim | None:
        """The claim of a job that its message describes in full; None where it must be looked at: a message
        that was delivered before means a row that has been written since."""
        if message.job is None or not message.carried or message.dequeue_count > 1:
            return None
        carried = self._carried.read(message.carried, message.job, message.uuid)
        if carried is None or carried.job.state is not State.QUEUED or carried.job.owner is not None:
            return None
        reach("received")
        try:
            claimed = self._writer.take(carried.job, message, owner)
        except NotFoundError:
            return None  # it was deleted while it waited: a look at the row says so
        return Claim(*claimed, carried.spec, carried.cluster_revision) if claimed else None

    def _claim(self, job: Job, message: JobMessage, owner: str) -> Claim | None:
        """Read the document first: while storage does not answer no attempt has begun. One that cannot be
        read for good costs attempts, and at last the job."""
        try:
            accepted: tuple[JobSpec, str] | BatchAIError = self._attempts.spec(job)
        except NewerVersionError as error:
            log.warning("left alone: %s", error, extra={"action": "newer", "job": str(job.id)})
            self._put_back(message, self._lease_seconds)
            return None
        except NotFoundError as error:
            accepted = error
        except StoreError:
            raise
        except BatchAIError as error:
            accepted = error
        claimed = self._writer.take(job, message, owner)
        if claimed is None:
            return None
        if isinstance(accepted, BatchAIError):
            log.error("accepted document: %s", accepted, extra={"action": "claim", "job": str(job.id)})
            outcome = Outcome(
                Reason.RUNNER_FAULT, message=f"The accepted document cannot be read: {accepted}"
            )
            self._attempts.finish(*claimed, outcome)
            return None
        return Claim(*claimed, *accepted)

    def _drop(self, message: JobMessage, reason: str) -> None:
        log.info(
            "message dropped: %s", reason, extra={"action": "drop_message", "message_id": message.message_id}
        )
        self._attempts.delete_message(message.queue, message.message_id, message.pop_receipt)
