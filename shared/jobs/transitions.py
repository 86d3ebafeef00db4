"""How a job changes: the only place that makes a changed Job. PURE.

    queued --claim--> running --finish--> succeeded | failed
      ^                |    \\--request_termination--> terminating --finish--> failed (JobTerminated)
      |                |--requeue (lost runner, infrastructure)
      \\----------------/
    queued --request_termination--> failed (JobTerminated)

A job of several nodes is claimed before it runs: it stays queued, *held* by the runner that assembles its
nodes, until `assembled`; `dissolve` puts it back.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.environment.layout import attempt_name
from shared.errors import IllegalTransitionError, LostOwnershipError
from shared.jobs.events import EventKind, JobEvent, appended
from shared.jobs.model import (
    MOST_SEALS,
    NOTHING_REPORTED,
    AttemptReport,
    Job,
    Lease,
    Outcome,
    Reason,
    State,
    StreamSeal,
    error_of,
)
from shared.names.submitters import asked_by


def claim(
    job: Job,
    owner: str,
    message_id: str,
    now: datetime,
    last_heard: tuple[StreamSeal, ...] = (),
    lease_seconds: float | None = None,
) -> Job:
    """The job as taken by `owner` for `lease_seconds`, one attempt more: running, or held where it needs
    several nodes. `last_heard`: what the runner before, if it was lost, had reported of its logs.

    A queued job can be claimed by any message. A running or held one once its lease is over (`is_abandoned`).
    Raises IllegalTransitionError otherwise, or when no attempt is left.
    """
    takeover = is_taken(job) and is_abandoned(job, message_id)
    if not takeover and (job.state is not State.QUEUED or job.held):
        raise IllegalTransitionError(f"job {job.id} is {job.state}; it cannot be claimed")
    if job.attempt >= job.max_attempts:
        raise IllegalTransitionError(f"job {job.id} has used its {job.max_attempts} attempts")
    if takeover:
        job = _lost(job, now, last_heard)
    gang = job.node_count > 1
    return replace(
        job,
        state=State.QUEUED if gang else State.RUNNING,
        state_since=job.state_since if gang and job.state is State.QUEUED else now,
        attempt=job.attempt + 1,
        owner=owner,
        message_id=message_id,
        lease_seconds=lease_seconds,
        started=job.started if gang else now,
        retry_at=None,
        events=appended(job.events, JobEvent(now, EventKind.CLAIMED, job.attempt + 1, owner)),
    )


def is_taken(job: Job) -> bool:
    """Whether a runner has claimed it: it runs, or its nodes are being assembled."""
    return job.state is State.RUNNING or job.held


def is_abandoned(job: Job, message_id: str) -> bool:
    """Whether the attempt under way is over without an end, as far as the receiver of `message_id` can know:
    its lease has run out. A row of an older runner does not carry it; there the message that it was claimed
    with is visible again only because it ran out."""
    left = job.lease_left
    return job.message_id == message_id if left is None else left <= 0


def assembled(job: Job, now: datetime, nodes: Sequence[str]) -> Job:
    """A held job whose `nodes` are complete: running. Raises IllegalTransitionError for any other."""
    if not job.held:
        raise IllegalTransitionError(f"job {job.id} is {job.state}; nobody assembles its nodes")
    event = JobEvent(now, EventKind.ASSEMBLED, job.attempt, job.owner or "", " ".join(nodes))
    return replace(job, state=State.RUNNING, state_since=now, started=now, events=appended(job.events, event))


def dissolve(job: Job, why: str, now: datetime) -> Job:
    """A job whose nodes have not begun together: queued as before, the attempt given back. Numbers never go
    back, so the budget grows. One that was asked to end ends. Raises IllegalTransitionError where no runner
    has claimed it."""
    if job.state is State.TERMINATING:
        return finish(job, TERMINATED, now)
    if not is_taken(job):
        raise IllegalTransitionError(f"job {job.id} is {job.state}; nobody assembles its nodes")
    return replace(
        job,
        state=State.QUEUED,
        state_since=job.state_since if job.held else now,
        owner=None,
        message_id=None,
        lease_seconds=None,
        max_attempts=job.max_attempts + 1,
        enqueued=now,
        events=appended(job.events, JobEvent(now, EventKind.HANDED_BACK, job.attempt, job.owner or "", why)),
    )


def _lost(job: Job, now: datetime, last_heard: tuple[StreamSeal, ...]) -> Job:
    """The job with what is known of the attempt whose runner is gone."""
    lost = happened(job, [lost_event(job, now, last_heard)])
    return replace(lost, seals=_kept(job, last_heard))


def lost_event(job: Job, now: datetime, last_heard: tuple[StreamSeal, ...] = ()) -> JobEvent:
    """That the runner of the current attempt is gone, and how much of its logs is known."""
    known = ", ".join(f"{seal.name} {seal.size} bytes" for seal in last_heard) or "nothing"
    return JobEvent(now, EventKind.RUNNER_LOST, job.attempt, job.owner or "", f"known of its logs: {known}")


def _kept(job: Job, seals: tuple[StreamSeal, ...]) -> tuple[StreamSeal, ...]:
    """The job's seals with those of the attempt that is over, under the names its files get now."""
    named = (replace(seal, name=attempt_name(seal.name, job.attempt)) for seal in seals)
    return (*job.seals, *named)[-MOST_SEALS:]


def owned(job: Job, lease: Lease) -> Job:
    """`job` itself if `lease` is its current attempt; else LostOwnershipError: stop, write nothing."""
    if job.uuid != lease.uuid or job.attempt != lease.attempt or job.owner != lease.owner:
        raise LostOwnershipError(
            f"attempt {lease.attempt} of job {job.id} no longer belongs to {lease.owner}"
        )
    if not job.state.live:
        raise LostOwnershipError(f"job {job.id} has already ended as {job.state}")
    return job


def finish(job: Job, outcome: Outcome, now: datetime, report: AttemptReport = NOTHING_REPORTED) -> Job:
    """The job as ended by `outcome`. A job that was asked to terminate ends as terminated, unless it had
    already succeeded or failed by itself with an exit code."""
    if not job.state.live:
        raise IllegalTransitionError(f"job {job.id} has already ended as {job.state}")
    if job.state is State.TERMINATING and outcome.exit_code is None and not outcome.succeeded:
        outcome = TERMINATED
    end = JobEvent(now, EventKind.ENDED, job.attempt, job.owner or "", str(outcome.reason))
    return replace(
        job,
        state=State.SUCCEEDED if outcome.succeeded else State.FAILED,
        state_since=now,
        owner=None,
        message_id=None,
        lease_seconds=None,
        started=job.started or now,
        ended=now,
        exit_code=outcome.exit_code,
        errors=() if outcome.succeeded else (error_of(outcome),),
        seals=(*job.seals, *report.seals)[-MOST_SEALS:],
        events=appended(job.events, *report.events, end),
        gpu_seconds=job.gpu_seconds + report.gpu_seconds,
        retry_at=None,
    )


TERMINATED = Outcome(Reason.TERMINATED, message="The specified job has been terminated by the user")


def request_termination(job: Job, now: datetime, by: str = "") -> Job:
    """Queued: failed at once. Running: terminating. Ended or already terminating: unchanged (a no-op). `by`:
    who asked, for the job's history."""
    if job.state not in (State.QUEUED, State.RUNNING):
        return job
    asked = JobEvent(now, EventKind.TERMINATION_REQUESTED, job.attempt, job.owner or "", asked_by(by))
    if job.state is State.QUEUED:
        return finish(happened(job, [asked]), TERMINATED, now)
    return replace(job, state=State.TERMINATING, state_since=now, events=appended(job.events, asked))


def request_deletion(job: Job, now: datetime, by: str = "") -> Job:
    """The job asked to end, and to vanish once it has. Unchanged where that was asked for before."""
    if job.deleting:
        return job
    return replace(request_termination(job, now, by), deleting=True)


def happened(job: Job, events: Sequence[JobEvent]) -> Job:
    """The job with what is known of its attempt by now."""
    return replace(job, events=appended(job.events, *events))


def sent_again(job: Job, now: datetime) -> Job:
    """A queued job whose message was lost, for which another one is about to be sent."""
    return replace(happened(job, [JobEvent(now, EventKind.MESSAGE_SENT_AGAIN, job.attempt)]), enqueued=now)


def withheld(job: Job, limit: str, now: datetime) -> Job:
    """A job that has to wait for `limit` (for people); "": that does no longer, and is about to be sent."""
    return replace(job, withheld=limit, enqueued=now)


def woken_by(job: Job, message_id: str) -> Job:
    """A job that a runner holds, whose message from now on is another one."""
    return replace(job, message_id=message_id)


def another_run(new: Job, uuid: str) -> Job:
    """The new job under the uuid of a further run of its name."""
    return replace(new, uuid=uuid)


def requeue(
    job: Job,
    outcome: Outcome,
    now: datetime,
    spend: bool = True,
    report: AttemptReport = NOTHING_REPORTED,
    retry_at: datetime | None = None,
) -> Job:
    """The job after an infrastructure failure: queued for another attempt, failed when none is left, ended as
    terminated when that was asked for. The failed attempt's error is kept for people to see.

    `spend` False gives the attempt back (a drained runner): numbers never go back, so the budget grows.
    """
    if not spend:
        job = replace(job, max_attempts=job.max_attempts + 1)
    if job.state is State.TERMINATING or job.attempt >= job.max_attempts:
        return finish(job, outcome, now, report)
    if not is_taken(job):
        raise IllegalTransitionError(f"job {job.id} is {job.state}; it cannot be put back")
    kind = EventKind.RETRY_SCHEDULED if spend else EventKind.HANDED_BACK
    message = JobEvent(now, kind, job.attempt, job.owner or "", f"{outcome.reason}: {outcome.message}")
    return replace(
        job,
        state=State.QUEUED,
        state_since=now,
        owner=None,
        message_id=None,
        lease_seconds=None,
        errors=(error_of(outcome),),
        enqueued=now,
        seals=_kept(job, report.seals),
        events=appended(job.events, *report.events, message),
        gpu_seconds=job.gpu_seconds + report.gpu_seconds,
        retry_at=retry_at,
    )
