"""shared.jobs.changes: the changes of a job's state, and which are still to be announced."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.jobs import transitions
from shared.jobs.changes import announced, changes, unannounced
from shared.jobs.events import MOST_EVENTS, EventKind, JobEvent
from shared.jobs.model import Job, Noted, Outcome, Reason, State
from tests.support.jobs import a_job, after

DONE, LOST = Outcome(Reason.SUCCEEDED, 0), Outcome(Reason.RUNNER_LOST, message="gone")


def new(**fields: object) -> Job:
    return a_job(noted=Noted(), **fields)


def claimed(job: Job, at: float = 1) -> Job:
    return transitions.claim(job, "node-0", f"m{at}", after(at))


def shown(job: Job) -> list[tuple[int, str, int]]:
    return [(change.sequence, str(change.state), change.attempt) for change in changes(job)]


def test_a_job_that_runs_once() -> None:
    job = transitions.finish(claimed(new()), DONE, after(2))
    assert shown(job) == [(1, "queued", 0), (2, "running", 1), (3, "succeeded", 1)]
    accepted, running, ended = changes(job)
    assert (accepted.before, accepted.nodes, accepted.at) == (None, (), job.created)
    assert (running.before, running.nodes, running.at) == (State.QUEUED, ("node-0",), after(1))
    assert (ended.before, ended.reason, ended.exit_code) == (State.RUNNING, "Succeeded", 0)


def test_a_failure_says_why() -> None:
    job = transitions.finish(claimed(new()), Outcome(Reason.JOB_FAILED, 3, "secret words"), after(2))
    ended = changes(job)[-1]
    assert (ended.state, ended.reason, ended.exit_code) == (State.FAILED, "JobFailed", 3)


def test_another_attempt_says_what_ended_the_one_before() -> None:
    again = claimed(transitions.requeue(claimed(new()), LOST, after(2)), 3)
    assert shown(again) == [(1, "queued", 0), (2, "running", 1), (3, "queued", 1), (4, "running", 2)]
    assert [change.reason for change in changes(again)] == ["", "", "RunnerLost", ""]


def test_a_takeover_is_a_change_although_the_state_is_the_same() -> None:
    left = replace(claimed(new()), lease_seconds=1.0, age_seconds=2.0)
    taken = transitions.claim(left, "node-1", "m1", after(9))
    assert shown(taken)[-2:] == [(2, "running", 1), (3, "running", 2)]
    assert changes(taken)[-1].nodes == ("node-1",)


def test_terminating_and_terminated() -> None:
    asked = transitions.request_termination(claimed(new()), after(2))
    ended = transitions.finish(asked, LOST, after(3))
    assert [state for _, state, _ in shown(ended)] == ["queued", "running", "terminating", "failed"]
    assert changes(ended)[-1].reason == "JobTerminated"
    at_once = transitions.request_termination(new(), after(1))
    assert [state for _, state, _ in shown(at_once)] == ["queued", "failed"]


def test_a_job_of_several_nodes_runs_when_they_are_together() -> None:
    held = claimed(new(node_count=2))
    assert shown(held) == [(1, "queued", 0)]
    dissolved = transitions.dissolve(held, "too few", after(2))
    assert shown(dissolved) == [(1, "queued", 0)]
    running = transitions.assembled(claimed(dissolved, 3), after(4), ["node-0", "node-1"])
    assert shown(running) == [(1, "queued", 0), (2, "running", 2)]
    assert changes(running)[-1].nodes == ("node-0", "node-1")


def test_words_of_people_are_no_reason() -> None:
    dissolved = transitions.dissolve(claimed(new()), "node-1 said: /secret/path", after(2))
    assert changes(dissolved)[-1].reason == ""


def test_a_state_of_a_newer_version_is_announced_as_it_is() -> None:
    job, first = announced(new())
    later = replace(job, state=State("suspended"), state_since=after(5))
    noted, missing = announced(later)
    assert [(c.sequence, str(c.state), c.before) for c in missing] == [(2, "suspended", State.QUEUED)]
    assert [c.sequence for c in first] == [1]
    assert announced(noted)[1] == ()


def test_after_a_state_of_a_newer_version_numbers_continue() -> None:
    """It noted a state that the history does not show, and this version ends the job."""
    noted = replace(claimed(new()), noted=Noted(3, State("suspended"), 1))
    ended, missing = announced(transitions.finish(noted, DONE, after(2)))
    assert [(c.sequence, str(c.state), c.before) for c in missing] == [(4, "succeeded", State("suspended"))]
    assert announced(ended)[1] == ()
    still = replace(noted, state=State("suspended"), attempt=2)
    assert unannounced(still) == ()


def test_nobody_asked_nothing_is_missing() -> None:
    job = transitions.finish(claimed(a_job()), DONE, after(2))
    assert unannounced(job) == ()
    assert announced(job) == (job, ())


def test_what_an_earlier_version_left_out_is_found_in_the_history() -> None:
    """It carries `noted` along and changes the rest."""
    job, _ = announced(new())
    lost = transitions.requeue(claimed(job), LOST, after(2))
    ended = transitions.finish(claimed(lost, 3), DONE, after(4))
    noted, missing = announced(ended)
    assert [(c.sequence, str(c.state)) for c in missing] == [
        (2, "running"),
        (3, "queued"),
        (4, "running"),
        (5, "succeeded"),
    ]
    assert noted.noted == Noted(5, State.SUCCEEDED, 2)
    back, missing = announced(transitions.requeue(claimed(job), LOST, after(2)))
    assert [str(c.state) for c in missing] == ["running", "queued"], "it is queued again, not still"
    assert back.noted == Noted(3, State.QUEUED, 1)


def test_numbers_go_on_in_a_history_that_has_lost_its_middle() -> None:
    job = replace(new(), max_attempts=100)
    for at in range(60):
        job, _ = announced(claimed(job, at))
        job, _ = announced(transitions.requeue(job, LOST, after(at)))
    assert len(job.events) == MOST_EVENTS
    job, missing = announced(claimed(job, 99))
    assert [(c.sequence, c.attempt) for c in missing] == [(122, 61)]
    many = tuple(JobEvent(after(n), EventKind.MOUNTED, 61, "", str(n)) for n in range(70))
    job, missing = announced(transitions.finish(transitions.happened(job, many), DONE, after(200)))
    assert [(c.sequence, str(c.state)) for c in missing] == [(123, "succeeded")]


_STEPS: dict[str, Callable[[Job, float], Job]] = {
    "claim": claimed,
    "lose": lambda job, at: transitions.requeue(job, LOST, after(at)),
    "hand back": lambda job, at: transitions.requeue(job, LOST, after(at), spend=False),
    "assemble": lambda job, at: transitions.assembled(job, after(at), ["node-0", "node-1"]),
    "dissolve": lambda job, at: transitions.dissolve(job, "why", after(at)),
    "terminate": lambda job, at: transitions.request_termination(job, after(at)),
    "finish": lambda job, at: transitions.finish(job, DONE, after(at)),
    "abandon": lambda job, at: replace(job, lease_seconds=1.0, age_seconds=2.0),
    "notice": lambda job, at: transitions.happened(
        job, [JobEvent(after(at), EventKind.MOUNTED, job.attempt)]
    ),
}


@given(
    st.sampled_from([1, 2]), st.lists(st.tuples(st.sampled_from(sorted(_STEPS)), st.booleans()), max_size=40)
)
def test_whoever_writes_each_change_is_announced_once_and_in_order(
    nodes: int, steps: list[tuple[str, bool]]
) -> None:
    """Writers that know events, and earlier ones (False), in any order."""
    job, all_of_them = announced(new(node_count=nodes, max_attempts=50))
    states = [job.state]
    for at, (step, knows) in enumerate(steps, 1):
        try:
            changed = _STEPS[step](job, float(at))
        except Exception:
            continue
        if changed.state != states[-1]:
            states.append(changed.state)
        job = changed
        if knows:
            job, more = announced(job)
            all_of_them += more
    job, more = announced(job)
    all_of_them += more
    assert [change.sequence for change in all_of_them] == list(range(1, len(all_of_them) + 1))
    assert all(first.state == then.before for first, then in pairwise(all_of_them))
    different = [
        c.state for at, c in enumerate(all_of_them) if not at or c.state != all_of_them[at - 1].state
    ]
    assert different == states
    assert unannounced(job) == ()
