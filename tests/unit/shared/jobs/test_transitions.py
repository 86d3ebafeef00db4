"""Every state with every operation: what comes of it, or that it is refused."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.errors import IllegalTransitionError, LostOwnershipError
from shared.jobs import transitions
from shared.jobs.events import EventKind
from shared.jobs.model import RETRIED, AttemptReport, Job, Outcome, Reason, State, StreamSeal
from tests.support.cases import cases
from tests.support.jobs import a_job, after, in_state, lease_of

SUCCEEDED = Outcome(Reason.SUCCEEDED, 0)
EXIT_3 = Outcome(Reason.JOB_FAILED, 3, "Job failed with non-zero exit code")
LOST = Outcome(Reason.RUNNER_LOST, message="gone")
NOW = after(60)

OPERATIONS: dict[str, Callable[[Job], Job]] = {
    "claim, first message": lambda job: transitions.claim(job, "node-1", "message-1", NOW),
    "claim, other message": lambda job: transitions.claim(job, "node-1", "message-2", NOW),
    "finish well": lambda job: transitions.finish(job, SUCCEEDED, NOW),
    "finish with exit 3": lambda job: transitions.finish(job, EXIT_3, NOW),
    "finish without exit code": lambda job: transitions.finish(job, Outcome(Reason.FILE_SHARE_MOUNT), NOW),
    "terminate": lambda job: transitions.request_termination(job, NOW),
    "requeue": lambda job: transitions.requeue(job, LOST, NOW),
}
Q, R, T, S, F = State.QUEUED, State.RUNNING, State.TERMINATING, State.SUCCEEDED, State.FAILED
NO = None  #: refused with IllegalTransitionError
#: operation -> what becomes of a queued, running, terminating, succeeded and failed job
TABLE: dict[str, tuple[State | None, ...]] = {
    "claim, first message": (R, R, NO, NO, NO),
    "claim, other message": (R, NO, NO, NO, NO),
    "finish well": (S, S, S, NO, NO),
    "finish with exit 3": (F, F, F, NO, NO),
    "finish without exit code": (F, F, F, NO, NO),
    "terminate": (F, T, T, S, F),
    "requeue": (NO, Q, F, NO, NO),
}


@cases(
    ("operation", "before", "then"),
    [(op, before, then) for op, row in TABLE.items() for before, then in zip(State, row, strict=True)],
)
def test_every_pair(operation: str, before: State, then: State | None) -> None:
    job = in_state(before)
    if then is NO:
        with pytest.raises(IllegalTransitionError):
            OPERATIONS[operation](job)
    else:
        assert OPERATIONS[operation](job).state is then


def test_a_claim_is_one_attempt_more_by_somebody() -> None:
    job = transitions.claim(a_job(), "node-1", "m", NOW)
    assert (job.attempt, job.owner, job.message_id, job.started, job.state_since) == (
        1,
        "node-1",
        "m",
        NOW,
        NOW,
    )


def test_a_takeover_needs_an_attempt_left() -> None:
    spent = replace(in_state(R), attempt=3, max_attempts=3)
    with pytest.raises(IllegalTransitionError, match="3 attempts"):
        transitions.claim(spent, "node-1", "message-1", NOW)


@pytest.mark.parametrize(
    ("outcome", "code", "reason"),
    [
        (SUCCEEDED, 0, None),
        (EXIT_3, 3, "JobFailed"),
        (Outcome(Reason.WALL_CLOCK), None, "JobTerminated"),
        (LOST, None, "JobTerminated"),
        (transitions.TERMINATED, None, "JobTerminated"),
    ],
)
def test_how_a_terminating_job_ends(outcome: Outcome, code: int | None, reason: str | None) -> None:
    ended = transitions.finish(in_state(T), outcome, NOW)
    assert ended.exit_code == code
    assert [e.code for e in ended.errors] == ([reason] if reason else [])


def test_an_end_lets_go_of_the_runner_and_keeps_the_seals() -> None:
    seal = StreamSeal("stdout.txt", 5, "ab", True)
    ended = transitions.finish(in_state(R), EXIT_3, NOW, AttemptReport((seal,)))
    assert (ended.owner, ended.message_id, ended.ended, ended.seals) == (None, None, NOW, (seal,))
    assert ended.started == after(5)


def test_an_error_message_fits_into_a_column() -> None:
    ended = transitions.finish(in_state(R), Outcome(Reason.START_FAILED, message="x" * 100_000), NOW)
    assert len(ended.errors[0].message) < 20_000


def test_a_job_that_ends_in_the_queue_has_all_its_times() -> None:
    ended = transitions.request_termination(a_job(), NOW)
    assert (ended.started, ended.ended, ended.exit_code) == (NOW, NOW, None)
    assert ended.errors[0].code == "JobTerminated"


@pytest.mark.parametrize("before", [T, S, F])
def test_termination_asked_for_again_changes_nothing(before: State) -> None:
    job = in_state(before)
    assert transitions.request_termination(job, NOW) is job


def test_requeue_frees_the_job_and_keeps_the_error() -> None:
    job = transitions.requeue(in_state(R), LOST, NOW)
    assert (job.owner, job.message_id, job.attempt, job.enqueued) == (None, None, 1, NOW)
    assert job.errors[0].code == "RunnerLost"


def test_requeue_without_an_attempt_left_fails() -> None:
    job = transitions.requeue(replace(in_state(R), max_attempts=1), LOST, NOW)
    assert (job.state, job.errors[0].code) == (F, "RunnerLost")


def test_a_job_given_back_has_as_many_attempts_left_as_before() -> None:
    job = transitions.requeue(replace(in_state(R), max_attempts=1), LOST, NOW, spend=False)
    assert (job.state, job.attempt, job.max_attempts) == (Q, 1, 2)


def test_only_the_holder_of_the_attempt_owns_a_job() -> None:
    job = in_state(R)
    lease = lease_of(job)
    assert transitions.owned(job, lease) is job
    for other in (
        replace(job, attempt=2),
        replace(job, owner="node-1"),
        replace(job, uuid="another"),
        replace(job, state=S),
        replace(job, owner=None, state=Q),
    ):
        with pytest.raises(LostOwnershipError):
            transitions.owned(other, lease)


def test_only_our_own_faults_are_tried_again() -> None:
    assert {Reason.RUNNER_LOST, Reason.RUNNER_FAULT} == RETRIED
    assert {reason for reason in Reason if Outcome(reason).retried} == RETRIED
    assert Outcome(Reason.FILE_SHARE_MOUNT, transient=True).retried


def held() -> Job:
    return transitions.claim(a_job(node_count=2), "node-1", "m", NOW)


def test_a_job_of_several_nodes_is_held_until_they_are_together() -> None:
    job = held()
    assert (job.state, job.held, job.attempt, job.owner, job.started) == (Q, True, 1, "node-1", None)
    assert job.state_since == a_job().state_since, "for people nothing has changed"
    running = transitions.assembled(job, NOW, ["node-1", "node-2"])
    assert (running.state, running.held, running.started) == (R, False, NOW)
    assert (running.events[-1].kind, running.events[-1].detail) == ("Assembled", "node-1 node-2")


def test_a_held_job_is_taken_over_through_its_own_message_only() -> None:
    with pytest.raises(IllegalTransitionError):
        transitions.claim(held(), "node-2", "another message", NOW)
    assert transitions.claim(held(), "node-2", "m", NOW).attempt == 2
    running = transitions.assembled(held(), NOW, [])
    again = transitions.claim(running, "node-2", "m", after(50))
    assert (again.state, again.held, again.state_since) == (Q, True, after(50))


def test_a_gang_that_dissolves_gives_its_attempt_back_without_an_error() -> None:
    job = transitions.dissolve(held(), "an older one comes first", NOW)
    assert (job.state, job.held, job.owner, job.message_id, job.errors) == (Q, False, None, None, ())
    assert job.max_attempts - job.attempt == 3
    assert job.events[-1].detail == "an older one comes first"


def test_only_a_held_job_is_assembled() -> None:
    for job in (a_job(), in_state(R), in_state(State.SUCCEEDED)):
        with pytest.raises(IllegalTransitionError):
            transitions.assembled(job, NOW, [])


def test_only_a_job_that_somebody_has_is_dissolved() -> None:
    for job in (a_job(), in_state(State.SUCCEEDED)):
        with pytest.raises(IllegalTransitionError):
            transitions.dissolve(job, "", NOW)
    running = transitions.assembled(held(), NOW, [])
    assert transitions.dissolve(running, "its leader was not informed", after(70)).state_since == after(70)
    asked = transitions.request_termination(running, NOW)
    assert transitions.dissolve(asked, "", NOW).errors[0].code == "JobTerminated"


@pytest.mark.parametrize("act", [transitions.request_termination, transitions.request_deletion])
@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_the_history_says_who_asked_for_the_end(act: Callable[..., Job], state: State) -> None:
    running = state is State.RUNNING
    before = a_job(state=state, attempt=int(running), owner="node-0" if running else None)
    asked = act(before, after(5), "ada@example.com")
    shown = [(event.kind, event.detail) for event in asked.events]
    assert shown[0] == (EventKind.TERMINATION_REQUESTED, "by ada@example.com")
    assert [kind for kind, _ in shown[1:]] == ([] if running else [EventKind.ENDED])
    (unknown, *_) = act(before, after(5)).events
    assert unknown.detail == ""


def test_a_held_job_can_be_requeued_finished_and_terminated() -> None:
    assert transitions.requeue(held(), LOST, NOW).owner is None
    assert transitions.finish(held(), EXIT_3, NOW).state is State.FAILED
    assert transitions.request_termination(held(), NOW).errors[0].code == "JobTerminated"


def test_the_small_changes_change_one_thing_each() -> None:
    job = in_state(State.RUNNING)
    assert transitions.woken_by(job, "message-9") == replace(job, message_id="message-9")
    assert transitions.another_run(job, "second").uuid == "second"
    again = transitions.sent_again(a_job(), NOW)
    assert (again.enqueued, again.events[-1].kind) == (NOW, EventKind.MESSAGE_SENT_AGAIN)
