"""next_job: what a free runner makes of a message, when others were faster and when storage fails."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import ConflictError, NotFoundError, StoreError
from shared.jobs import layouts, transitions
from shared.jobs.model import State
from shared.managers.claims import Claim
from shared.stores import job_table
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable
from shared.stores.node_table import NodeRow
from tests.support.memory.faults import Call
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.world import DONE, document

#: Its job does not travel with its message: row and document are read.
READ = document(secrets=[{"name": "A", "value": "hidden"}])


@pytest.fixture
def world() -> MemoryWorld:
    made = memory_world()
    made.accept(data=READ)
    return made


@pytest.fixture
def reported() -> MemoryWorld:
    """A world whose message describes its job in full."""
    made = memory_world()
    made.accept()
    return made


def jobs(world: MemoryWorld) -> JobTable:
    return JobTable(world.backend.connection)


def queues(world: MemoryWorld) -> JobQueues:
    return JobQueues(world.backend.connection)


def writes_a_job(call: Call) -> bool:
    return call.service == "table" and call.writes and call.name.startswith(f"{job_table.TABLE}/")


def reads_a_job(call: Call) -> bool:
    return call.service == "table" and not call.writes and call.name.startswith(f"{job_table.TABLE}/")


def rewrites_a_message(call: Call) -> bool:
    return call.service == "queue" and call.verb == "update"


def send(world: MemoryWorld, content: str) -> None:
    world.account.queues.get_queue_client(world.queue()).send_message(content, time_to_live=-1)


def written(world: MemoryWorld, **columns: Any) -> None:
    """Columns of the job's row as another version would have written them."""
    table = world.account.tables.get_table_client(job_table.TABLE)
    uuid = world.job().uuid
    for entity in list(table.list_entities()):
        if entity.get("Uuid") == uuid and "State" in entity:
            table.update_entity({**entity, **columns})


def looked_at_again(world: MemoryWorld, seconds: float) -> bool:
    """Whether the message is seen again in `seconds` and not before."""
    world.clock.move(seconds - 0.5)
    early = world.receive()
    world.clock.move(1.0)
    return early is None and world.receive() is not None


# Somebody else is faster.


def test_a_row_that_another_runner_has_just_taken_is_left_to_it(world: MemoryWorld) -> None:
    def taken() -> None:
        job = world.job()
        jobs(world).update(transitions.claim(job, "node-1", "another", world.clock(), (), 60))

    world.faults.meanwhile(writes_a_job, taken)
    assert world.claim() is None
    assert (world.job().owner, world.job().attempt) == ("node-1", 1)


def test_a_row_that_was_written_meanwhile_is_judged_anew_when_its_message_returns(world: MemoryWorld) -> None:
    world.faults.refuse(writes_a_job, 412, "UpdateConditionNotSatisfied")
    assert world.claim() is None
    assert (world.job().owner, world.job().attempt) == (None, 0)
    world.clock.move(61)
    assert world.must_claim().job.attempt == 1


def test_a_row_that_was_written_since_its_message_was_sent_is_read(reported: MemoryWorld) -> None:
    reported.faults.refuse(writes_a_job, 412, "UpdateConditionNotSatisfied")
    assert reported.must_claim().job.attempt == 1


def test_storage_that_is_busy_at_a_claim_as_carried_costs_no_attempt(reported: MemoryWorld) -> None:
    reported.faults.throttle(writes_a_job)
    with pytest.raises(StoreError, match="503"):
        reported.claim()
    reported.clock.move(2.5)
    assert reported.must_claim().job.attempt == 1


def removed_meanwhile(world: MemoryWorld) -> Claim | None:
    """What a runner finds that has received the message of a job which is removed before it is claimed."""
    world.faults.meanwhile(writes_a_job, lambda: jobs(world).delete(world.job()))
    return world.claim()


def test_a_job_that_was_removed_meanwhile_is_nobody_s(world: MemoryWorld) -> None:
    assert removed_meanwhile(world) is None
    world.clock.move(61)
    assert (world.claim(), world.messages()) == (None, 0)


def test_a_job_of_an_earlier_layout_that_was_removed_meanwhile_is_nobody_s() -> None:
    world = memory_world()
    world.stores.nodes.report(NodeRow(world.cluster, "node-0", "idle", 0, layout=layouts.SECOND))
    world.accept(data=READ)
    with pytest.raises(NotFoundError):
        removed_meanwhile(world)
    world.clock.move(61)
    assert (world.claim(), world.messages()) == (None, 0)


def test_the_job_of_another_s_lease_is_left_alone_and_its_message_comes_back_with_the_lease(
    world: MemoryWorld,
) -> None:
    claim = world.must_claim()
    queues(world).renew(claim.lease.queue, claim.lease.message_id, claim.lease.pop_receipt, 0)
    assert world.claim("node-1") is None
    assert world.job() == claim.job
    assert looked_at_again(world, 60)


def test_another_message_of_a_job_that_runs_is_dropped(world: MemoryWorld) -> None:
    claim = world.must_claim()
    queues(world).send(claim.job)
    assert world.claim("node-1") is None
    assert (world.messages(), world.job()) == (1, claim.job)


# Storage fails.


def test_a_claim_whose_first_answer_is_lost_is_the_runner_s_own(world: MemoryWorld) -> None:
    world.faults.lose_first_answer(writes_a_job)
    claim = world.must_claim()
    assert (claim.job.attempt, claim.job.owner) == (1, "node-0")
    assert claim.job == world.job()
    assert world.finish(claim).state is State.SUCCEEDED


def test_a_claim_that_nobody_heard_of_costs_an_attempt_and_no_more(world: MemoryWorld) -> None:
    world.faults.lose_answer(writes_a_job)
    with pytest.raises(StoreError):
        world.claim()
    assert (world.job().owner, world.job().attempt) == ("node-0", 1)
    while (taken := world.claim("node-1")) is None:
        assert world.clock.monotonic() < 130
        world.clock.move(1)
    assert taken.job.attempt == 2
    assert world.clock.monotonic() >= 60, "not before the lease that may be held is over"


@pytest.mark.parametrize("meant", [reads_a_job, writes_a_job])
def test_storage_that_is_busy_is_reported_and_the_message_comes_back_soon_unblamed(
    world: MemoryWorld, meant: Callable[[Call], bool]
) -> None:
    world.faults.throttle(meant)
    with pytest.raises(StoreError, match="503"):
        world.claim()
    assert world.job().attempt == 0
    world.clock.move(1.5)
    assert world.receive() is None
    world.clock.move(1.0)
    message = world.receive()
    assert message is not None and (message.dequeue_count, message.excused) == (2, 1)


def test_a_conflict_of_storage_is_reported(world: MemoryWorld) -> None:
    world.faults.refuse(writes_a_job, 409, "EntityAlreadyExists")
    with pytest.raises(ConflictError):
        world.claim()
    world.clock.move(61)
    assert world.must_claim().job.attempt == 1


def test_a_message_that_cannot_be_put_back_comes_back_when_its_time_is_up(world: MemoryWorld) -> None:
    claim = world.must_claim()
    queues(world).renew(claim.lease.queue, claim.lease.message_id, claim.lease.pop_receipt, 0)
    world.faults.throttle(rewrites_a_message)
    assert world.claim("node-1") is None
    assert world.job() == claim.job
    assert world.messages() == 1


def test_a_stray_message_that_cannot_be_removed_now_is_removed_later(world: MemoryWorld) -> None:
    world.must_claim()
    send(world, "no job")
    world.faults.throttle(lambda call: call.service == "queue" and call.verb == "delete")
    assert (world.claim("node-1"), world.messages()) == (None, 2)
    world.clock.move(59)
    assert world.messages() == 2
    world.clock.move(2)
    world.expire(world.must_claim("node-1"))


# Messages and rows of other versions.


def test_a_message_of_a_newer_version_is_left_for_its_own_runners(world: MemoryWorld) -> None:
    assert world.claim() is not None
    send(world, json.dumps({"v": 2, "job": ["w", "e", "j"], "uuid": "u"}))
    assert world.claim("node-1") is None
    assert world.messages() == 2


def test_a_job_in_a_state_of_a_newer_version_is_left_alone(world: MemoryWorld) -> None:
    written(world, State="paused")
    assert world.claim() is None
    assert str(world.job().state) == "paused"
    assert looked_at_again(world, 60)


def test_a_row_that_cannot_be_read_is_left_alone(world: MemoryWorld) -> None:
    written(world, Errors="no JSON")
    assert world.claim() is None
    assert looked_at_again(world, 60)


def test_an_accepted_document_of_a_newer_version_is_left_alone(world: MemoryWorld) -> None:
    blobs = world.account.blobs.of(world.settings.accepted_container)
    blob = blobs[next(name for name in blobs if world.job().uuid in name)]
    blob.data = json.dumps(json.loads(blob.data) | {"v": 2}).encode()
    assert world.claim() is None
    assert (world.job().attempt, world.job().owner) == (0, None)
    assert looked_at_again(world, 60)


def test_a_document_that_is_gone_costs_attempts_and_at_last_the_job(world: MemoryWorld) -> None:
    world.backend.documents.delete_accepted(world.job().uuid)
    for _ in range(world.job().max_attempts):
        assert world.claim() is None
        world.clock.move(3600)
    assert (world.job().state, world.job().errors[0].code) == (State.FAILED, "RunnerFault")
    assert "cannot be read" in world.job().errors[0].message


# Jobs that nobody may run any more.


def end(world: MemoryWorld) -> None:
    """A runner ends its job and leaves before it reports anything."""
    claim = world.must_claim()
    jobs(world).end(transitions.finish(claim.job, DONE, world.clock()))
    world.clock.move(61)


def test_a_message_of_an_ended_job_is_dropped_when_its_status_is_reported(world: MemoryWorld) -> None:
    end(world)
    assert world.status()["state"] == "queued"
    assert (world.claim(), world.messages(), world.status()["state"]) == (None, 0, "succeeded")


def test_a_message_of_an_ended_job_stays_until_its_status_can_be_written(world: MemoryWorld) -> None:
    end(world)
    world.faults.throttle(lambda call: call.service == "blob" and call.writes)
    assert (world.claim(), world.messages(), world.status()["state"]) == (None, 1, "queued")
    world.clock.move(61)
    assert (world.claim(), world.messages(), world.status()["state"]) == (None, 0, "succeeded")


def test_a_message_of_an_earlier_run_is_dropped(world: MemoryWorld) -> None:
    claim = world.must_claim()
    world.finish(claim)
    queues(world).send(claim.job)
    second = world.accept(data=document("again"), etag="0x2")
    found = world.must_claim("node-1")
    assert (found.job.uuid, world.messages()) == (second.uuid, 1)


def test_a_job_asked_to_end_whose_runner_is_lost_ends(world: MemoryWorld) -> None:
    world.must_claim()
    world.manager.terminate(world.id())
    world.clock.move(61)
    assert world.claim("node-1") is None
    assert (world.job().state, world.job().errors[0].code) == (State.FAILED, "JobTerminated")
    assert (world.messages(), world.status()["state"]) == (0, "failed")


def test_a_job_without_attempts_fails_with_the_reason(world: MemoryWorld) -> None:
    for number in range(world.job().max_attempts):
        world.must_claim(f"node-{number}")
        world.clock.move(61)
    assert world.claim() is None
    assert (world.job().state, world.job().errors[0].code) == (State.FAILED, "RunnerLost")
    assert world.messages() == 0


def test_a_message_that_never_leads_to_a_claim_is_suspected_and_at_last_given_up(world: MemoryWorld) -> None:
    for _ in range(27):
        assert world.receive() is not None
        world.clock.move(61)
    for _ in range(3):  # each time a runner may be about to claim, and not live to do it
        world.faults.refuse(writes_a_job, 412, "UpdateConditionNotSatisfied")
        assert world.claim() is None
        world.clock.move(61)
    assert world.job().state is State.QUEUED
    assert world.claim() is None
    assert (world.job().state, world.job().errors[0].code) == (State.FAILED, "PoisonJob")


# Queues.


def test_an_empty_queue_gives_nothing_and_a_stray_message_is_dropped(world: MemoryWorld) -> None:
    assert isinstance(world.claim(), Claim)
    for content in ("not json", "[]", '{"uuid": 1}'):
        send(world, content)
    assert (world.claim("node-1"), world.messages()) == (None, 1)


def test_a_hint_that_means_nothing_any_more_is_used_up(world: MemoryWorld) -> None:
    world.must_claim()
    queues(world).send_hints(world.cluster, 1, 60)
    assert (world.claim("node-1", "high"), world.messages()) == (None, 1)


def test_a_queue_of_messages_that_mean_nothing_is_empty_for_a_moment(world: MemoryWorld) -> None:
    """A runner of many stray messages looks at the next queue, too."""
    world.must_claim()
    for _ in range(40):
        send(world, "nonsense")
    assert (world.claim("node-1"), world.messages()) == (None, 1 + 40 - 32)


def test_a_job_of_more_nodes_than_there_are_waits_longer_each_time() -> None:
    world = memory_world()
    world.accept(data=document(nodeCount=2))
    waits = []
    for _ in range(8):
        assert world.next_job() is None
        began = world.clock.monotonic()
        while world.account.queues.queues[world.queue()][0].visible > world.clock():
            world.clock.move(0.5)
        waits.append(world.clock.monotonic() - began)
    assert waits == sorted(waits) and waits[0] <= 1.5
    assert 14.5 <= waits[-1] <= 15.5
