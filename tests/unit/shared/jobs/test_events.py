from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.jobs import transitions
from shared.jobs.events import MOST_EVENTS, EventKind, JobEvent, appended
from shared.jobs.model import AttemptReport, Job, Outcome, Reason, State
from shared.jobs.timeline import durations, in_words, timeline
from tests.support.jobs import CREATED, a_job, after, in_state


def event(seconds: float, kind: EventKind, attempt: int = 1, detail: str = "") -> JobEvent:
    return JobEvent(after(seconds), kind, attempt, "node-0", detail)


WHOLE = (
    event(6, EventKind.MOUNTED),
    event(8, EventKind.PREPARED),
    event(8.5, EventKind.STARTED),
    event(18.5, EventKind.STOPPED),
    event(19, EventKind.UPLOADED),
)


def ended() -> Job:
    job = transitions.claim(a_job(), "node-0", "message-1", after(5))
    return transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(20), AttemptReport((), WHOLE, 7200.0))


def test_each_part_has_its_seconds() -> None:
    assert durations(ended()) == {
        "queued": 5,
        "mounting": 1,
        "preparing": 2,
        "running": 10,
        "uploading": 0.5,
        "total": 20,
    }


def test_the_time_line_begins_with_the_queue_and_ends_with_the_reason() -> None:
    shown = timeline(ended())
    assert [entry["event"] for entry in shown["events"]] == [
        "Queued",
        "Claimed",
        "Mounted",
        "Prepared",
        "Started",
        "Stopped",
        "Uploaded",
        "Ended",
    ]
    assert shown["events"][-1]["detail"] == "Succeeded"
    assert (shown["attempts"], shown["gpuHours"]) == (1, 2.0)


def test_the_time_line_says_who_submitted() -> None:
    assert timeline(a_job(submitted_by="ada@example.com"))["events"][0]["detail"] == "by ada@example.com"
    assert "detail" not in timeline(a_job(submitted_by=""))["events"][0]


def test_what_the_nodes_of_a_job_took_to_come_together_is_a_part_of_its_own() -> None:
    together = (event(5, EventKind.CLAIMED), event(5.5, EventKind.ASSEMBLED), event(6, EventKind.MOUNTED))
    parts = durations(a_job(attempt=1, events=together))
    assert parts == {"queued": 5, "assembling": 0.5, "mounting": 0.5}


def test_a_job_without_preparation_has_no_such_part() -> None:
    job = a_job(attempt=1, events=tuple(e for e in WHOLE if e.kind is not EventKind.PREPARED))
    assert "preparing" not in durations(job)


def test_durations_are_those_of_the_latest_attempt() -> None:
    job = a_job(attempt=2, events=(*WHOLE, event(30, EventKind.STARTED, 2)))
    assert "running" not in durations(job)


def test_gpu_hours_of_all_attempts_count() -> None:
    job = transitions.requeue(
        in_state(State.RUNNING), Outcome(Reason.RUNNER_FAULT), after(9), report=AttemptReport((), (), 1800)
    )
    assert job.gpu_seconds == 1800
    job = transitions.claim(job, "node-1", "message-2", after(10))
    assert (
        transitions.finish(
            job, Outcome(Reason.SUCCEEDED, 0), after(20), AttemptReport((), (), 1800)
        ).gpu_seconds
        == 3600
    )


def test_clocks_that_disagree_give_no_negative_seconds() -> None:
    job = transitions.claim(a_job(), "node-0", "message-1", CREATED - timedelta(seconds=600))
    assert durations(job)["queued"] == 0


@given(st.integers(0, 300))
def test_a_long_history_keeps_its_beginning_and_its_end(count: int) -> None:
    events: tuple[JobEvent, ...] = ()
    for number in range(count):
        events = appended(events, event(number, EventKind.CLAIMED, number, "x" * 500))
    assert len(events) == min(count, MOST_EVENTS)
    if count:
        assert (events[0].attempt, events[-1].attempt) == (0, count - 1)
        assert len(events[-1].detail) == 200


def test_preparing_in_a_container_begins_when_it_has_started() -> None:
    events = (
        event(5, EventKind.CLAIMED),
        event(6, EventKind.MOUNTED),
        event(9, EventKind.CONTAINER_STARTED),
        event(10, EventKind.PREPARED),
    )
    assert durations(a_job(attempt=1, events=events))["preparing"] == 1


def test_a_runner_that_says_more_gives_finer_parts() -> None:
    events = (
        event(5, EventKind.CLAIMED),
        event(1, EventKind.NODE_STARTED),
        event(4, EventKind.NODE_READY),
        event(6, EventKind.MOUNTED),
        event(8, EventKind.IMAGE_READY),
        event(9, EventKind.CONTAINER_STARTED),
        event(10, EventKind.PREPARATION_STARTED),
        event(12, EventKind.PREPARED),
    )
    parts = durations(a_job(attempt=1, events=events))
    assert parts == {
        "queued": 5,
        "starting": 3,
        "mounting": 1,
        "image": 2,
        "container": 1,
        "preparing": 2,
    }


def test_the_nodes_start_is_shown_before_it_has_claimed_the_job() -> None:
    claimed = (event(5, EventKind.CLAIMED), event(1, EventKind.NODE_STARTED), event(4, EventKind.NODE_READY))
    alone = (event(1, EventKind.NODE_STARTED, attempt=2),)
    shown = timeline(a_job(attempt=2, events=(*claimed, *alone)))["events"]
    assert [entry["event"] for entry in shown] == [
        "Queued",
        "NodeStarted",
        "NodeReady",
        "Claimed",
        "NodeStarted",
    ]


def test_a_part_ends_when_it_has_ended_on_the_last_node() -> None:
    late = JobEvent(after(9), EventKind.MOUNTED, 1, "node-1")
    for order in ((late, event(6, EventKind.MOUNTED)), (event(6, EventKind.MOUNTED), late)):
        assert durations(a_job(attempt=1, events=(event(5, EventKind.CLAIMED), *order)))["mounting"] == 4


def test_what_a_runner_reports_again_is_there_once() -> None:
    job = transitions.claim(a_job(), "node-0", "message-1", after(5))
    early = transitions.happened(job, WHOLE[:2])
    again = transitions.happened(early, WHOLE[:2])
    assert again == early
    done = transitions.finish(again, Outcome(Reason.SUCCEEDED, 0), after(20), AttemptReport((), WHOLE))
    assert (
        done.events
        == transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(20), AttemptReport((), WHOLE)).events
    )


def test_a_job_that_nobody_claimed_has_no_parts() -> None:
    assert durations(a_job()) == {}


def test_a_line_of_words_leaves_out_what_is_not_known() -> None:
    assert in_words(timeline(ended())).endswith("attempts 1, GPU hours 2.0")
    assert in_words({}) == ""


def test_an_event_before_the_first_attempt_names_neither_attempt_nor_node() -> None:
    job = a_job(events=(JobEvent(after(1), EventKind.MESSAGE_SENT_AGAIN, 0),))
    assert timeline(job)["events"][-1].keys() == {"time", "event"}
