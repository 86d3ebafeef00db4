"""Attempts: what runners do to a job, next_job, renew, finish and give_back. The runners' half of JobManager.

The order of effects makes a crash anywhere harmless; docs/explanation/protocol.md has the table "crash after / what
is left / what heals it".
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.documents.spec import JobSpec, job_from_document
from shared.errors import (
    BatchAIError,
    LostOwnershipError,
    NewerVersionError,
    NotFoundError,
    StoreError,
    UnreadableError,
)
from shared.fail_points import reach
from shared.jobs import status_json, transitions
from shared.jobs.gang import Gang, rank_of
from shared.jobs.model import NOTHING_TOLD, AttemptReport, Job, Lease, Outcome, Reason, State, StreamSeal
from shared.jobs.waiting_reason import Waiting
from shared.managers import admission
from shared.managers.conflict_retry import arrived, retry_pause
from shared.managers.gang_manager import Gangs
from shared.managers.job_removal import Remover
from shared.managers.leases import Leases
from shared.settings import Settings
from shared.stores.document_blobs import Documents
from shared.stores.job_queues import JobMessage, JobQueues
from shared.stores.job_table import JobTable
from shared.stores.secrets.sealing import Sealer

log = logging.getLogger(__name__)

#: More than storage that comes and goes may cost between receiving and claiming.
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
_MOST_PATIENCE_SECONDS = 15.0


@dataclass(frozen=True)
class Claim:
    """A job that a runner may run now: what it is, what the user asked for, and the right to run it."""

    job: Job
    lease: Lease
    spec: JobSpec
    cluster_revision: str  #: of the cluster's document when the job was accepted


@dataclass(frozen=True)
class Help:
    """Another job's gang lacks nodes and goes first."""

    gang: Gang


def _patience(excused: int) -> float:
    """Seconds until a message that was put back `excused` times is looked at again."""
    # Counted in days of waiting the power alone would overflow.
    return float(min(_MOST_PATIENCE_SECONDS, 1.5 ** min(excused, 20)))


def utc_now() -> datetime:
    """The clock of this machine; used for what people read, never to compare machines."""
    return datetime.now(UTC)


class Attempts:
    """Claims, leases and outcomes. Keeps nothing between calls; safe to use from several threads."""

    def __init__(
        self,
        settings: Settings,
        jobs: JobTable,
        queues: JobQueues,
        documents: Documents,
        sealer: Sealer,
        remover: Remover,
        gangs: Gangs,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.jobs = jobs
        self.queues = queues
        self.documents = documents
        self.gangs = gangs
        self.now = now
        self._sealer = sealer
        self._remover = remover
        self._monotonic = monotonic
        self._leases = Leases(settings.lease_seconds, jobs, queues, monotonic)

    def spec(self, job: Job) -> tuple[JobSpec, str]:
        """What was accepted for a run, secrets opened, and the revision of the cluster it was accepted for.

        Raises NotFoundError, StoreError, DocumentError.
        """
        document = self.documents.get_accepted(job.uuid)
        spec = job_from_document(document, lambda sealed: self._sealer.unseal(sealed, job.uuid))
        return spec, str(document.get("clusterRevision", ""))

    def next_job(self, queue: str, owner: str) -> Claim | Help | None:
        """Take the next job of a queue: receive, claim the row, read the document. Or learn that a gang lacks
        nodes, which goes before.

        None when there is nothing to run; messages that mean nothing any more are deleted on the way, those
        that mean nothing now are put back. Raises StoreError.
        """
        for _ in range(_MOST_LOOKS):
            message = self.queues.receive(queue, self.settings.lease_seconds)
            if message is None:
                return None
            try:
                found = self._judge(message, owner)
            except UnreadableError as error:
                log.error("left alone: %s", error, extra={"action": "unreadable", "uuid": message.uuid})
                self._put_back(message, self.settings.lease_seconds)
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
            self._delete_message(message.queue, message.message_id, message.pop_receipt)
            lacking = self.gangs.to_help(message.hint)
            return Help(lacking) if lacking else None
        if message.newer:
            log.warning(
                "left alone: a newer version's message", extra={"action": "newer", "queue": message.queue}
            )
            return None
        job = self.jobs.get(message.job) if message.job else None
        if job is not None and job.uuid == message.uuid and not job.state.known:
            log.warning(
                "left alone: job in state %s", job.state, extra={"action": "newer", "job": str(job.id)}
            )
            self._put_back(message, self.settings.lease_seconds)
            return None
        if job is None or job.uuid != message.uuid or not job.state.live:
            # Its runner may have gone between the ended row and status.json.
            if job is not None and job.uuid == message.uuid and not self._tell(job):
                return None  # the message comes back, and with it the next try
            self._drop(message, "it means no live job")
            return None
        if job.owner is not None and not transitions.is_abandoned(job, message.message_id):
            self._leave_alone(job, message)
            return None
        if job.state is State.TERMINATING or job.attempt >= job.max_attempts:
            self._give_up(job, message)
            return None
        if job.node_count > 1 and job.owner is None and (instead := self._instead(job, message)):
            return instead[0]
        # Deliveries that did not become attempts. Storage that comes and goes makes them, and so does
        # something about the job that ends runners just before they claim it: only that is held against it.
        if message.dequeue_count - message.excused - job.attempt > _MOST_IDLE_DELIVERIES:
            if message.suspected >= _MOST_SUSPICIONS:
                self._give_up(job, message)
                return None
            message = self.queues.suspect(message, self.settings.lease_seconds)
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
        if older := self.gangs.to_help(job.cluster, rank_of(job)):
            self._put_back(message, _ASIDE_SECONDS)
            return (Help(older),)
        if self.gangs.usable_nodes(job.cluster) < job.node_count:
            self._put_back(message, _patience(message.excused))
            return (None,)
        return None

    def _put_back(self, message: JobMessage, seconds: float) -> None:
        try:
            self.queues.put_back(message, seconds)
        except StoreError:
            # It comes back once its time is up, and this delivery is held against it.
            log.warning("message not put back", extra={"action": "put_back", "uuid": message.uuid})

    def _claim(self, job: Job, message: JobMessage, owner: str) -> Claim | None:
        """Read the document first: while storage does not answer no attempt has begun. One that cannot be
        read for good costs attempts, and at last the job."""
        try:
            accepted: tuple[JobSpec, str] | BatchAIError = self.spec(job)
        except NewerVersionError as error:
            log.warning("left alone: %s", error, extra={"action": "newer", "job": str(job.id)})
            self._put_back(message, self.settings.lease_seconds)
            return None
        except StoreError as error:
            if not isinstance(error, NotFoundError):
                raise
            accepted = error
        except BatchAIError as error:
            accepted = error
        claimed = self._take(job, message, owner)
        if claimed is None:
            return None
        if isinstance(accepted, BatchAIError):
            log.error("accepted document: %s", accepted, extra={"action": "claim", "job": str(job.id)})
            outcome = Outcome(
                Reason.RUNNER_FAULT, message=f"The accepted document cannot be read: {accepted}"
            )
            self.finish(*claimed, outcome)
            return None
        return Claim(*claimed, *accepted)

    def _take(self, job: Job, message: JobMessage, owner: str) -> tuple[Job, Lease] | None:
        """Write the row; None when somebody else was faster: the message comes back and is judged then."""
        lease_seconds = self.settings.lease_seconds
        wanted = transitions.claim(
            job, owner, message.message_id, self.now(), message.last_heard, lease_seconds
        )
        before = self._monotonic()
        try:
            claimed = self.jobs.update(wanted)
        except LostOwnershipError:
            found = self.jobs.get(job.id)
            # The answer to our own write may have been lost on the way back.
            if found is None or replace(found, etag="") != replace(wanted, etag=""):
                return None
            claimed = found
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
        )
        return claimed, lease

    def _drop(self, message: JobMessage, reason: str) -> None:
        log.info(
            "message dropped: %s", reason, extra={"action": "drop_message", "message_id": message.message_id}
        )
        self._delete_message(message.queue, message.message_id, message.pop_receipt)

    def _give_up(self, job: Job, message: JobMessage) -> None:
        """End a job that nobody can run any more: asked to terminate, or out of attempts."""
        if job.attempt >= job.max_attempts or job.state is State.TERMINATING:
            text = f"The runner of attempt {job.attempt} was lost; no attempt is left"
            outcome = Outcome(Reason.RUNNER_LOST, message=text)
        else:
            text = f"Its message was delivered {message.dequeue_count} times and no runner came to claim it"
            outcome = Outcome(Reason.POISON, message=text)
        now, report = self.now(), NOTHING_TOLD
        if job.owner is not None:
            lost = transitions.lost_event(job, now, message.last_heard)
            report = AttemptReport(message.last_heard, (lost,))
        ended = transitions.finish(job, outcome, now, report)
        if self._tell(self.jobs.end(ended)):
            self._delete_message(message.queue, message.message_id, message.pop_receipt)

    def renew(self, job: Job, lease: Lease, logs: tuple[StreamSeal, ...] = ()) -> tuple[Lease, Job]:
        """Prolong a lease: two calls (`Leases.renew`). Raises LostOwnershipError, StoreError."""
        return self._leases.renew(job, lease, logs)

    def look(self, lease: Lease) -> Job:
        """The job as it stands now: one call. Raises LostOwnershipError as `renew`."""
        return self._leases.look(lease)

    def finish(self, job: Job, lease: Lease, outcome: Outcome, report: AttemptReport = NOTHING_TOLD) -> Job:
        """End the attempt: row, then status.json, then message.

        `job` is the job as last seen (claimed or renewed), `lease` the latest renewal. An outcome that is
        ours to try again puts the job back while attempts are left, for a pause that grows.
        Raises LostOwnershipError when somebody else has taken over: then nothing was written.
        """
        retry = outcome.retried
        pause = retry_pause(self.settings.retry_seconds, job.attempt) if retry else 0.0

        def ended(current: Job) -> Job:
            now = self.now()
            if retry:
                again = now + timedelta(seconds=pause)
                return transitions.requeue(current, outcome, now, report=report, retry_at=again)
            return transitions.finish(current, outcome, now, report)

        return self._conclude(job, lease, ended, pause)

    def give_back(self, job: Job, lease: Lease, message: str, report: AttemptReport = NOTHING_TOLD) -> Job:
        """Put a job back at once and without using up an attempt (the runner drains)."""
        outcome = Outcome(Reason.RUNNER_LOST, message=message)
        return self._conclude(
            job,
            lease,
            lambda current: transitions.requeue(current, outcome, self.now(), spend=False, report=report),
        )

    def assembled(self, job: Job, lease: Lease, nodes: Sequence[str]) -> Job:
        """Every node of a held job is there: it runs from now on. Raises LostOwnershipError, StoreError."""
        return self._write_owned(job, lease, lambda held: transitions.assembled(held, self.now(), nodes))

    def dissolve(self, job: Job, lease: Lease, why: str, pause_seconds: float) -> Job:
        """Put a held job back, to be looked at again in `pause_seconds`; uses up no attempt.

        Raises LostOwnershipError, StoreError.
        """
        return self._conclude(
            job, lease, lambda held: transitions.dissolve(held, why, self.now()), pause_seconds
        )

    def _conclude(
        self, job: Job, lease: Lease, change: Callable[[Job], Job], pause_seconds: float = 0.0
    ) -> Job:
        written = self._write_owned(job, lease, change)
        reach("ended")
        told = self._tell(written)
        reach("told")
        if written.state.live:
            self._leases.release(written, lease, pause_seconds)
        elif told:
            # Otherwise the message is left: who receives it next brings status.json up to date.
            self._delete_message(lease.queue, lease.message_id, lease.pop_receipt)
        reach("deleted")
        return written

    def _write_owned(self, job: Job, lease: Lease, change: Callable[[Job], Job]) -> Job:
        """Write `change(job)` while the lease holds; a job changed meanwhile (terminate) is read again."""
        for _ in range(5):
            wanted = change(transitions.owned(job, lease))
            try:
                return self.jobs.update(wanted) if wanted.state.live else self.jobs.end(wanted)
            except LostOwnershipError:
                found = self.jobs.get(lease.job)
            if found is None:
                raise LostOwnershipError(f"job {lease.job} was deleted")
            if arrived(found, wanted):
                return found
            job = found
        raise StoreError(f"job {lease.job} is being written by others at the same time")

    def _tell(self, job: Job) -> bool:
        """What follows a written row: status.json, or the removal of a job that was to go at its end.
        False when status.json could not be written."""
        if job.state.live or not job.deleting:
            return self.write_status(job)
        try:
            self._remover.remove(job)
        except StoreError:
            # The list of deletions still holds it; the timer finishes it.
            log.warning("job not removed yet", extra={"action": "remove", "job": str(job.id)})
        return True

    def _delete_message(self, queue: str, message_id: str, pop_receipt: str) -> None:
        try:
            self.queues.delete(queue, message_id, pop_receipt)
        except StoreError:
            # It comes back once its lease runs out, finds an ended job and is deleted then.
            log.warning("message not deleted", extra={"action": "delete_message", "message_id": message_id})

    def write_status(self, job: Job, waiting: Waiting | None = None) -> bool:
        """Bring status.json up to date. A failure is logged and answered by False: the row is what counts."""
        place = admission.place_of(job.source)
        try:
            self.documents.put_status(
                place, status_json.of_job(job, self.settings.scope, self.now(), waiting)
            )
        except StoreError as error:
            log.warning("status.json not written: %s", error, extra={"action": "status", "job": str(job.id)})
            return False
        return True
