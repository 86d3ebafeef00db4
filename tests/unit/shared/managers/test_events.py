"""Events of jobs: what is written with the rows, and what the sender makes of it."""

from dataclasses import replace

import pytest

from shared.jobs.model import Noted, State
from shared.stores import outbox_rows
from shared.stores.outbox_table import MOST_REMOVED
from shared.telemetry.names import Metric
from tests.support.events import ON, WHOLE, EventWorld, by_uuid, faults_of
from tests.support.kept_metrics import kept_metrics
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.world import document

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
