"""Events of jobs whose receiver is away, refuses or is slow, or whose listing lacks some."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.managers import event_sender
from shared.stores.event_target import Event
from tests.support.events import ON, WHOLE, EventWorld, by_uuid, faults_of
from tests.support.memory.faults import Call

# ---- receivers in trouble


def test_a_receiver_that_is_away_for_an_hour_gets_everything_in_order(made: EventWorld) -> None:
    """With a job every three minutes, and a turn every ten seconds."""
    made.receiver.answer = lambda events: 0
    jobs = []
    for number in range(20):
        jobs.append(made.run(f"job-{number}"))
        for _ in range(18):
            made.world.clock.move(10)
            report = made.turn()
    assert (report.waiting, round(report.oldest_seconds)) == (60, 3600)
    assert made.receiver.requests <= 70, "it is left alone for longer and longer"
    assert made.receiver.taken == []
    made.receiver.answer = lambda events: 200
    made.world.clock.move(60)
    assert made.turn().sent == 60
    assert faults_of(made.receiver.taken, by_uuid(*jobs)) == []
    assert made.rows("event|") == []


def test_while_it_is_away_nobody_asks_it_for_each_job(made: EventWorld) -> None:
    made.receiver.answer = lambda events: 503
    for number in range(20):
        made.run(f"job-{number}")
    made.turn()
    assert made.receiver.requests == 1


def test_an_event_that_is_refused_holds_up_its_own_job_only() -> None:
    for batch in (1, 10):
        made = EventWorld(replace(ON, batch=batch))
        jobs = [made.run(name) for name in ("bad", "good")]
        refuses = lambda events: 400 if any(e["data"]["job"] == "bad" for e in events) else 200  # noqa: E731
        made.receiver.answer = refuses
        made.turn()
        assert (made.receiver.states("good"), made.receiver.states("bad")) == (WHOLE, [])
        assert len(made.rows("event|")) == 3
        made.receiver.answer = lambda events: 200
        made.world.clock.move(2)
        made.turn()
        assert faults_of(made.receiver.taken, by_uuid(*jobs)) == []
        assert made.rows("event|") == []


def test_any_number_of_refused_events_keeps_no_other_waiting(
    made: EventWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_sender, "_PAGE", 2)
    jobs = [made.run(name) for name in ("bad-1", "bad-2", "good")]
    made.receiver.answer = lambda events: 400 if events[0]["data"]["job"].startswith("bad") else 200
    report = made.turn()
    assert (report.sent, made.receiver.states("good")) == (3, WHOLE)
    made.receiver.answer = lambda events: 200
    made.world.clock.move(2)
    made.turn()
    assert faults_of(made.receiver.taken, by_uuid(*jobs)) == []
    assert made.rows("event|") == []


def test_only_the_first_event_of_a_refused_run_is_tried(made: EventWorld) -> None:
    made.run()
    made.receiver.answer = lambda events: 400 if events[0]["sequence"] == "000002" else 200
    made.turn()
    assert made.receiver.states() == ["queued"]
    assert made.receiver.requests == 2


@pytest.mark.parametrize("batch", [1, 2, 10])
def test_a_refusal_that_took_its_time_still_holds_up_the_rest_of_its_run(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then its pause is over; what follows it must wait all the same."""
    made = EventWorld(replace(ON, batch=batch))
    job = made.run()

    def slowly(events: Sequence[Event]) -> int:
        return 400 if any(event["sequence"] == "000001" for event in events) else 200

    made.receiver.answer = slowly
    # However soon a refused run may be tried again
    monkeypatch.setattr("shared.managers.event_backoff._FIRST_SECONDS", 0.0)
    made.turn()
    assert made.receiver.taken == []
    made.receiver.answer = lambda events: 200
    made.turn()
    assert faults_of(made.receiver.taken, by_uuid(job)) == []


def test_a_slow_receiver_ends_a_turn(made: EventWorld) -> None:
    for number in range(20):
        made.run(f"job-{number}")

    def slow(events: object) -> int:
        made.world.clock.move(4)
        return 200

    made.receiver.answer = slow
    begun = made.world.clock.monotonic()
    made.turn()
    assert made.world.clock.monotonic() - begun <= 44
    while made.turn().waiting:
        pass
    assert faults_of(made.receiver.taken, {}) == []


def test_storage_in_trouble_loses_nothing(made: EventWorld) -> None:
    job = made.run()
    made.world.faults.throttle(lambda call: call.verb == "transaction")
    made.turn()
    assert made.receiver.states() == WHOLE
    assert len(made.rows("event|")) == 3
    made.turn()
    assert made.receiver.states() == WHOLE * 2, "again, for nobody knows whether they arrived"
    assert made.rows("event|") == []
    assert faults_of(made.receiver.taken, by_uuid(job)) == []
    made.world.faults.throttle(lambda call: call.verb == "query", times=3)
    assert made.turn().sent == made.turn().sent == 0


# ---- order


def test_a_listing_that_lacks_an_event_sends_none_before_it(made: EventWorld) -> None:
    """A listing is no snapshot: it passed the place of an event before that was written."""
    job = made.run()
    rows = made.world.account.tables.tables["jobs"]
    key = next(key for key in rows if key[1].startswith("event|") and key[1].endswith("|000001"))
    hidden = rows.pop(key)
    made.turn()
    assert made.receiver.taken == []
    rows[key] = hidden
    made.turn()
    assert faults_of(made.receiver.taken, by_uuid(job)) == []


def test_the_second_look_finds_it(made: EventWorld) -> None:
    made.run()
    rows = made.world.account.tables.tables["jobs"]
    key = next(key for key in rows if key[1].startswith("event|") and key[1].endswith("|000001"))
    hidden = rows.pop(key)
    looks: list[Call] = []

    def meant(call: Call) -> bool:
        looks.append(call) if call.verb == "query" else None
        return len(looks) == 4  # workspaces, waiting, sent, and the run's own

    made.world.faults.meanwhile(meant, lambda: rows.__setitem__(key, hidden))
    made.turn()
    assert made.receiver.states() == WHOLE


def test_an_event_that_is_gone_for_ever_holds_its_run_up_for_a_minute(
    made: EventWorld, caplog: pytest.LogCaptureFixture
) -> None:
    made.run()
    rows = made.world.account.tables.tables["jobs"]
    del rows[next(key for key in rows if key[1].startswith("event|") and key[1].endswith("|000001"))]
    made.turn()
    made.world.clock.move(30)
    assert made.turn().sent == 0
    made.world.clock.move(31)
    assert made.turn().sent == 2
    assert "missing" in caplog.text
