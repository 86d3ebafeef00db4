"""The changes of a job's state, in order, as its history shows them, and which of them are still to be
announced. PURE.

A change is a state that differs from the one before, or another attempt that runs. Changes of a run are
numbered from 1 without a gap. `Job.noted` says up to which one events were written. A version that knows no
events changes the state and leaves `noted` as it was: whoever writes or looks at the row next finds what is
missing here (docs/adr/0370).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.jobs.events import EventKind, JobEvent
from shared.jobs.model import Job, Noted, Reason, State

_REASONS = frozenset(map(str, Reason))
#: What puts a job back into its queue.
_PUT_BACK = (EventKind.RETRY_SCHEDULED, EventKind.HANDED_BACK)


@dataclass(frozen=True)
class Change:
    """One change of a job's state."""

    sequence: int  #: in its run, from 1
    at: datetime  #: UTC, by the clock of the machine that made it
    before: State | None  #: None: the job was accepted
    state: State
    attempt: int
    nodes: tuple[str, ...] = ()
    reason: str = ""  #: a word of Reason where an attempt ended
    exit_code: int | None = None


def changes(job: Job) -> tuple[Change, ...]:
    """Every change that the row still shows, oldest first. Of a very long history the middle is missing, and
    numbers are right from there on only where `noted` says one."""
    found = list(_replayed(job))
    if not _is_at(found[-1], job.state, job.attempt):
        found.append(_latest(job, found[-1].state))
    place = _place(found, job.noted)
    first = 1 if place is None or job.noted is None else job.noted.sequence - place
    return tuple(replace(change, sequence=first + index) for index, change in enumerate(found))


def unannounced(job: Job) -> tuple[Change, ...]:
    """The changes of which no event was written; none where nobody wants events of the job."""
    noted = job.noted
    if noted is None:
        return ()
    known = changes(job)
    if noted.state is None or _place(known, noted) is not None:
        return tuple(change for change in known if change.sequence > noted.sequence)
    if job.state == noted.state and (job.state is not State.RUNNING or job.attempt == noted.attempt):
        return ()
    # Where it was noted is no longer in the history.
    return (replace(_latest(job, noted.state), sequence=noted.sequence + 1),)


def announced(job: Job) -> tuple[Job, tuple[Change, ...]]:
    """The job as one whose changes are all announced, and those that were not."""
    missing = unannounced(job)
    if not missing:
        return job, ()
    last = missing[-1]
    return replace(job, noted=Noted(last.sequence, last.state, last.attempt)), missing


def _place(found: Sequence[Change], noted: Noted | None) -> int | None:
    """Where the noted change is among those found."""
    if noted is None:
        return None
    wanted = (noted.state, noted.attempt)
    places = [at for at, change in enumerate(found) if (change.state, change.attempt) == wanted]
    return places[-1] if places else None


def _is_at(change: Change, state: State, attempt: int) -> bool:
    return change.state == state and (state is not State.RUNNING or attempt == change.attempt)


def _replayed(job: Job) -> Iterator[Change]:
    """The job's history as changes, without their numbers."""
    last = Change(0, job.created, None, State.QUEUED, 0)
    yield last
    for event in job.events:
        state = _state_after(event, last.state, job.node_count > 1)
        if state is None or _is_at(last, state, event.attempt):
            continue
        last = _change(event, last.state, state, job)
        yield last


def _state_after(event: JobEvent, before: State, gang: bool) -> State | None:
    """The state that an event leads to; None where it leads to none."""
    if event.kind is EventKind.CLAIMED:
        # Until its nodes are together, a job of several is queued.
        return State.QUEUED if gang else State.RUNNING
    if event.kind is EventKind.ASSEMBLED:
        return State.RUNNING
    if event.kind in _PUT_BACK:
        return State.QUEUED
    if event.kind is EventKind.TERMINATION_REQUESTED:
        return State.TERMINATING if before is State.RUNNING else None  # who waits ends at once
    if event.kind is EventKind.ENDED:
        return State.SUCCEEDED if event.detail == Reason.SUCCEEDED else State.FAILED
    return None


def _change(event: JobEvent, before: State, state: State, job: Job) -> Change:
    ended = not state.live
    nodes = tuple(event.detail.split()) if event.kind is EventKind.ASSEMBLED else (event.node,)
    reason = event.detail.partition(":")[0] if ended or event.kind in _PUT_BACK else ""
    return Change(
        0,
        event.at,
        before,
        state,
        event.attempt,
        # Of very many nodes the event's detail holds the first ones, the last of them cut.
        tuple(node for node in nodes if node and not node.endswith("…")),
        reason if reason in _REASONS else "",
        job.exit_code if ended else None,
    )


def _latest(job: Job, before: State) -> Change:
    """The job's state where its history does not lead there: a newer version knows how it came."""
    ended = not job.state.live
    reason = (job.errors[0].code if job.errors else str(Reason.SUCCEEDED)) if ended else ""
    nodes = (job.owner,) if job.owner else ()
    return Change(0, job.state_since, before, job.state, job.attempt, nodes, reason, job.exit_code)
