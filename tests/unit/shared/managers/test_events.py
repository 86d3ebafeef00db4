"""Events of jobs: what is written with the rows, what the sender makes of it, and that nothing loses one."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BatchAIError
from shared.jobs import transitions
from shared.jobs.model import Job, Noted, Outcome, Reason, State
from shared.managers import event_sender
from shared.stores import outbox_rows
from shared.stores.event_target import Event
from shared.stores.outbox_table import MOST_REMOVED, Outbox
from shared.telemetry.names import Metric
from tests.support.earlier_jobs import EarlierJobs
from tests.support.events import ON, EventWorld, faults_of
from tests.support.kept_metrics import kept_metrics
from tests.support.memory.faults import Call, Crash
from tests.support.memory.world import MemoryWorld, every_crash, memory_world
from tests.support.world import document

WHOLE = ["queued", "running", "succeeded"]
LOST = Outcome(Reason.RUNNER_LOST, message="gone")


@pytest.fixture
def made() -> EventWorld:
    return EventWorld()


def by_uuid(*jobs: Job) -> dict[str, Job]:
    return {job.uuid: job for job in jobs}


def has(word: str) -> "object":
    return lambda call: word in call.name


# ---- off


def test_off_a_job_costs_what_it_did() -> None:
    world = memory_world()
    calls = world.calls(lambda: world.finish(world.must_claim()) if world.accept() else None)
    assert not [call for call in calls if "event" in call.name]
    assert not [row for _, row in world.account.tables.tables["jobs"] if row.startswith(("event|", "sent|"))]
    assert world.job().noted is None
    assert world.calls(lambda: world.backend.events.sender.turn()) == []


def test_on_a_job_costs_no_further_call_once_its_workspace_is_known(made: EventWorld) -> None:
    plain, world = memory_world(), made.world
    for each in (plain, world):
        each.accept("first")
        each.finish(each.must_claim())

    def job(each: MemoryWorld) -> list[tuple[str, str]]:
        calls = each.calls(lambda: each.finish(each.must_claim()) if each.accept("job") else None)
        return [(call.service, call.verb) for call in calls]

    assert job(world) == job(plain)


def test_only_jobs_of_the_workspaces_that_were_asked_for() -> None:
    other = EventWorld(replace(ON, workspaces=("research",)))
    other.run()
    assert other.rows("event|") == []
    asked = EventWorld(replace(ON, workspaces=("ws",)))
    asked.run()
    assert len(asked.rows("event|")) == 3


# ---- sent


def test_the_events_of_a_job_arrive_in_order_and_leave_the_outbox(made: EventWorld) -> None:
    job = made.run()
    assert made.turn().sent == 3
    assert made.receiver.states() == WHOLE
    assert faults_of(made.receiver.taken, by_uuid(job)) == []
    assert made.rows("event|") == made.rows("sent|") == []
    assert made.turn().sent == 0
    assert len(made.receiver.taken) == 3


def test_an_event_says_what_happened(made: EventWorld) -> None:
    job = made.run()
    made.turn()
    event = made.receiver.taken[-1]
    workspace = made.world.settings.scope.workspace("ws")
    assert event == {
        "specversion": "1.0",
        "id": f"{job.uuid}-3",
        "source": workspace,
        "type": "batchai.job.succeeded",
        "subject": f"{workspace}/experiments/exp/jobs/job",
        "time": "2026-03-01T12:00:00.000Z",
        "datacontenttype": "application/json",
        "sequence": "000003",
        "data": {
            "workspace": "ws",
            "experiment": "exp",
            "job": "job",
            "uuid": job.uuid,
            "cluster": "ws/default",
            "stateBefore": "running",
            "state": "succeeded",
            "attempt": 1,
            "nodeCount": 1,
            "nodes": ["node-0"],
            "reason": "Succeeded",
            "exitCode": 0,
        },
    }


def test_events_are_sent_while_the_job_lives(made: EventWorld) -> None:
    made.world.accept()
    made.turn()
    assert (made.receiver.states(), len(made.rows("sent|"))) == (["queued"], 1)
    claim = made.world.must_claim()
    made.restart_sender()
    made.turn()
    assert made.receiver.states() == ["queued", "running"]
    made.world.finish(claim)
    made.restart_sender()
    made.turn()
    assert made.receiver.states() == WHOLE
    assert made.rows("event|") == made.rows("sent|") == []


def test_a_job_of_more_events_than_one_transaction_removes() -> None:
    made = EventWorld(max_attempts=70, retry_seconds=0)
    made.world.accept()
    for _ in range(50):
        made.world.expire(made.world.must_claim())
        made.world.clock.move(1)
    made.world.finish(made.world.must_claim())
    assert len(made.rows("event|")) == 53 > MOST_REMOVED
    assert made.turn().sent == 53
    assert made.rows("event|") == made.rows("sent|") == []


def test_batches_hold_events_of_several_jobs() -> None:
    made = EventWorld(replace(ON, batch=4))
    jobs = [made.run(f"job-{number}") for number in range(3)]
    assert made.turn().sent == 9
    assert made.receiver.requests == 3
    assert faults_of(made.receiver.taken, by_uuid(*jobs)) == []
    assert made.rows("event|") == made.rows("sent|") == []


def test_a_deleted_jobs_last_event_arrives(made: EventWorld) -> None:
    made.world.accept()
    made.turn()
    made.world.manager.delete(made.world.id())
    assert made.world.job_or_none() is None
    made.turn()
    assert made.receiver.states() == ["queued", "failed"]
    assert made.receiver.taken[-1]["data"]["reason"] == "JobTerminated"


def test_a_deleted_workspaces_events_arrive(made: EventWorld) -> None:
    made.world.accept()
    made.world.backend.cascading_deletion.delete_workspace("ws")
    made.turn()
    assert made.receiver.states() == ["queued", "failed"]


def test_a_second_run_of_a_name_has_events_of_its_own(made: EventWorld) -> None:
    first = made.run()
    made.world.accept(data=document("echo again"), etag="0x2")
    second = made.world.finish(made.world.must_claim())
    assert first.uuid != second.uuid
    made.turn()
    assert faults_of(made.receiver.taken, by_uuid(first, second)) == []
    assert made.receiver.states() == WHOLE * 2


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


# ---- crashes


def test_whichever_call_of_a_job_was_the_last_its_events_are_true() -> None:
    def act(world: MemoryWorld) -> None:
        world.accept()
        world.finish(world.must_claim())

    def start() -> MemoryWorld:
        return EventWorld().world

    for world, where in every_crash(start, act):
        made = EventWorld.__new__(EventWorld)
        made.world = world
        made.receiver = EventWorld().receiver
        made.restart_sender()
        world.accept()
        for _ in range(4):
            world.clock.move(61)
            if claim := world.claim("node-1"):
                world.finish(claim)
            world.backend.sweeper.sweep()
            made.turn()
        job = world.job()
        assert job.state is State.SUCCEEDED, where
        assert faults_of(made.receiver.taken, by_uuid(job)) == [], where
        assert made.rows("event|") == made.rows("sent|") == [], where


def test_whichever_call_of_the_sender_was_the_last_everything_arrives() -> None:
    for batch in (1, 10):
        for arrived in (False, True):
            for at in range(1, 30):
                made = EventWorld(replace(ON, batch=batch))
                ended = made.run("ended")
                made.world.accept("lives")
                made.world.faults.crash(at, arrived)
                where = f"call {at}, arrived {arrived}, batch {batch}"
                try:
                    made.turn()
                except Crash:
                    made.restart_sender()
                else:
                    made.world.faults.heal()
                    assert at > 3
                    break
                made.turn()
                lives = made.world.finish(made.world.must_claim())
                made.turn()
                assert faults_of(made.receiver.taken, by_uuid(ended, lives)) == [], where
                assert made.rows("event|") == made.rows("sent|") == [], where


_ACTS = (
    "accept",
    "claim",
    "lose",
    "finish",
    "terminate",
    "turn",
    "restart",
    "away",
    "back",
    "refuse",
    "wait",
)


@given(
    st.lists(st.tuples(st.sampled_from(_ACTS), st.integers(1, 12)), min_size=5, max_size=60), st.booleans()
)
def test_any_order_of_crashes_and_of_trouble(acts: list[tuple[str, int]], batches: bool) -> None:
    """Jobs, runners, the sender and the receiver live and die in any order: at least once, and in order."""
    made = EventWorld(replace(ON, batch=3 if batches else 1), max_attempts=30, retry_seconds=0)
    world, claims, dice = made.world, [], random.Random(len(acts))
    for number, (act, at) in enumerate(acts):
        if at <= 4:
            world.faults.crash(at, arrived=bool(number % 2))
        try:
            match act:
                case "accept":
                    world.accept(f"job-{number}")
                case "claim":
                    claims.append(world.claim(f"node-{number}"))
                case "lose" if any(claims):
                    world.expire(next(claim for claim in claims if claim))
                case "finish" if any(claims):
                    claim = dice.choice([claim for claim in claims if claim])
                    world.finish(claim)
                case "terminate" if number:
                    world.manager.terminate(world.id(f"job-{dice.randrange(number)}"))
                case "turn":
                    made.turn()
                case "restart":
                    made.restart_sender()
                case "away":
                    made.receiver.answer = lambda events: 0
                case "back":
                    made.receiver.answer = lambda events: 200
                case "refuse":
                    made.receiver.answer = lambda events: 400 if events[0]["id"] < "8" else 200
                case "wait":
                    world.clock.move(30 * at)
        except Crash:
            world.restart()
            made.restart_sender()
        except BatchAIError:
            pass
        world.faults.heal()
    made.receiver.answer = lambda events: 200
    for _ in range(40):
        world.clock.move(121)
        world.backend.sweeper.sweep()
        if last := world.claim("last"):
            world.finish(last)
        made.turn()
    jobs = world.manager.in_workspace("ws", 1000)
    assert all(not job.state.live for job in jobs)
    assert faults_of(made.receiver.taken, by_uuid(*jobs)) == []
    assert made.rows("event|") == made.rows("sent|") == []


# ---- runners of earlier versions


def _earlier(made: EventWorld) -> EarlierJobs:
    return EarlierJobs(made.world.backend.connection)


def _as_earlier(job: Job) -> Job:
    """The job as a version that knows no events reads it: `noted` is a column that it carries along."""
    noted = job.noted
    assert noted is not None
    column = ("Noted", f"{noted.sequence}|{noted.attempt}|{noted.state or ''}")
    return replace(job, noted=None, newer=(*job.newer, column))


def test_what_an_earlier_runner_left_out_is_sent_after_a_look(made: EventWorld) -> None:
    world = made.world
    world.accept()
    made.turn()
    _ended_by_an_earlier_runner(made)
    world.clock.move(20)
    assert made.turn().sent == 0
    world.clock.move(61)
    made.turn()
    made.turn()
    assert made.receiver.states() == WHOLE
    assert faults_of(made.receiver.taken, by_uuid(world.job())) == []
    assert made.rows("event|") == made.rows("sent|") == []


def _ended_by_an_earlier_runner(made: EventWorld) -> Job:
    world, jobs = made.world, _earlier(made)
    world.accept()
    world.stores.jobs.fall_back(world.job())
    read = _as_earlier(jobs.get(world.id()))
    jobs.update(transitions.claim(read, "node-0", "m", world.clock(), (), 60.0), State.QUEUED)
    read = _as_earlier(jobs.get(world.id()))
    jobs.end(transitions.finish(read, Outcome(Reason.SUCCEEDED, 0), world.clock()), State.RUNNING)
    return world.job()


def test_a_further_run_of_the_name_takes_the_missing_events_along(made: EventWorld) -> None:
    first = _ended_by_an_earlier_runner(made)
    made.world.accept(data=document("echo again"), etag="0x2")
    made.turn()
    assert made.receiver.states() == [*WHOLE, "queued"]
    assert [event["data"]["uuid"] for event in made.receiver.taken][:3] == [first.uuid] * 3


def test_so_does_the_jobs_removal(made: EventWorld) -> None:
    _ended_by_an_earlier_runner(made)
    made.world.manager.delete(made.world.id())
    made.turn()
    assert made.receiver.states() == WHOLE


def test_whoever_writes_next_fills_the_gap(made: EventWorld) -> None:
    world = made.world
    world.accept()
    jobs = _earlier(made)
    world.stores.jobs.fall_back(world.job())
    read = _as_earlier(jobs.get(world.id()))
    jobs.update(transitions.claim(read, "node-0", "m", world.clock(), (), 60.0), State.QUEUED)
    world.manager.terminate(world.id())
    made.turn()
    assert made.receiver.states() == ["queued", "running", "terminating"]


def test_a_look_finds_a_termination_that_an_earlier_version_asked_for(made: EventWorld) -> None:
    world, jobs = made.world, _earlier(made)
    world.accept()
    world.stores.jobs.fall_back(world.job())
    world.must_claim()
    made.turn()
    read = _as_earlier(jobs.get(world.id()))
    jobs.update(transitions.request_termination(read, world.clock()), State.RUNNING)
    world.clock.move(61)
    made.turn()
    made.turn()
    assert made.receiver.states() == ["queued", "running", "terminating"]


def test_a_look_finds_nothing_where_nothing_is_missing(made: EventWorld) -> None:
    made.world.accept()
    made.turn()
    made.world.clock.move(61)
    before = made.world.job().etag
    made.turn()
    assert made.world.job().etag == before
    assert len(made.rows("sent|")) == 1


def test_a_lost_race_of_a_look_is_nobodys_loss(made: EventWorld) -> None:
    world = made.world
    world.accept()
    made.turn()
    jobs = _earlier(made)
    world.stores.jobs.fall_back(world.job())
    read = _as_earlier(jobs.get(world.id()))
    jobs.update(transitions.claim(read, "node-0", "m", world.clock(), (), 60.0), State.QUEUED)
    world.clock.move(61)
    world.faults.refuse(lambda call: call.verb == "transaction", 412, "UpdateConditionNotSatisfied")
    made.turn()
    world.clock.move(61)
    made.turn()
    made.turn()
    assert made.receiver.states() == ["queued", "running"]


def test_what_was_sent_of_a_job_that_is_gone_is_forgotten(made: EventWorld) -> None:
    world = made.world
    world.accept()
    made.turn()
    rows = world.account.tables.tables["jobs"]
    for key in [key for key in rows if not key[1].startswith(("sent|", "event|")) and key[0] == "ws"]:
        del rows[key]
    world.clock.move(61)
    made.turn()
    assert made.rows("sent|") == []


def test_what_a_sender_notes_late_of_a_run_that_has_ended_is_forgotten(made: EventWorld) -> None:
    """It stalled between sending and removing; another one sent the rest meanwhile."""
    made.world.accept()
    claim = made.world.must_claim()
    outbox = Outbox(made.world.backend.connection)
    late = outbox.waiting("ws", 10)
    made.world.finish(claim)
    made.turn()
    outbox.remove(late)
    assert len(made.rows("sent|")) == 1
    made.world.clock.move(61)
    made.turn()
    assert made.rows("sent|") == []


# ---- marks


def test_a_lost_answer_of_a_write_that_noted_an_event(made: EventWorld) -> None:
    made.world.accept()
    made.world.faults.lose_first_answer(lambda call: call.verb == "transaction")
    claim = made.world.must_claim()
    assert claim.job.noted == Noted(2, State.RUNNING, 1)
    made.world.faults.lose_first_answer(lambda call: call.verb == "transaction")
    made.world.finish(claim)
    made.turn()
    assert made.receiver.states() == WHOLE


def test_switched_off_what_was_begun_continues_and_new_jobs_have_none(made: EventWorld) -> None:
    made.world.accept("old")
    made.world.settings = replace(made.world.settings, events=replace(ON, url=""))
    made.world.restart()
    made.world.accept("new")
    assert (made.world.job("old").noted, made.world.job("new").noted) == (Noted(1, State.QUEUED, 0), None)
    assert made.world.calls(lambda: made.world.backend.events.sender.turn()) == []


def test_a_row_of_another_form_stops_nobody(made: EventWorld) -> None:
    made.run()
    table = made.world.account.tables.get_table_client("jobs")
    table.create_entity(
        {"PartitionKey": "ws", "RowKey": "event|0|x|000001", "At": made.world.clock(), "Data": "{"}
    )
    assert made.turn().sent == 3


# ---- seen


def test_what_waits_can_be_seen(made: EventWorld, caplog: pytest.LogCaptureFixture) -> None:
    made.receiver.answer = lambda events: 0
    made.run()
    caplog.set_level("INFO")
    with kept_metrics() as kept:
        made.world.clock.move(70)
        made.turn()
        made.receiver.answer = lambda events: 200
        made.world.clock.move(70)
        made.turn()
    assert kept.of(Metric.EVENTS_WAITING) == [3, 0]
    assert kept.of(Metric.EVENTS_AGE) == [70, 0]
    assert kept.of(Metric.EVENTS_SENT) == [0, 3]
    assert "events waiting 3, the oldest for 70 s" in caplog.text


def test_keys_of_a_runs_events_lie_together_in_their_order(made: EventWorld) -> None:
    job = made.run()
    run = outbox_rows.run_of(job)
    assert made.rows("event|") == [outbox_rows.event_row(run, number) for number in (1, 2, 3)]
