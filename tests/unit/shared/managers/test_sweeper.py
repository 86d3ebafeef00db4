"""The sweeper on a storage in memory: what it mends, what it leaves alone, and who may be faster."""

from dataclasses import replace

import pytest

from shared.errors import StoreError
from shared.jobs import transitions
from shared.jobs.model import State
from shared.managers.sweeper import SweepReport
from shared.stores import job_table
from tests.support.memory.sweeping import (
    alive,
    at_nodes,
    counts_messages,
    jobs,
    lose_messages,
    orphan,
    resize,
    standby,
    sweep,
    writes_a_job,
)
from tests.support.memory.world import MemoryWorld, memory_world

LEASE = 60.0


@pytest.fixture
def world() -> MemoryWorld:
    """A lease of 60 s; a message is sent again 5 s after it was lost; a node is forgotten after a day."""
    return memory_world()


def test_where_nothing_is_wrong_nothing_is_written(world: MemoryWorld) -> None:
    world.accept("waiting")
    world.accept("running")
    claim = world.must_claim()
    alive(world, job=claim.job.uuid)
    calls = world.calls(lambda: sweep(world, 10))
    assert not [call for call in calls if call.writes]


def test_an_empty_cluster_is_seen_and_left(world: MemoryWorld) -> None:
    assert sweep(world) == SweepReport(clusters=1)


def test_a_sweep_that_is_too_old_ends_no_job(world: MemoryWorld) -> None:
    """Of "terminate": the cluster has nodes again before the sweep looks at them."""
    world.accept()
    claim = world.must_claim()
    alive(world, job=claim.job.uuid)
    resize(world, 0, "terminate")
    world.faults.meanwhile(at_nodes("query"), lambda: resize(world, 1, "terminate"))
    sweep(world)
    assert (standby(world), world.job().state) == ("", State.RUNNING)


def test_a_lost_message_is_replaced_once_it_is_late_and_once_only(world: MemoryWorld) -> None:
    world.accept()
    lose_messages(world)
    assert (sweep(world, 4).resent, world.messages()) == (0, 0)
    assert (sweep(world, 2).resent, world.messages()) == (1, 1)
    assert (sweep(world, 600).resent, world.messages()) == (0, 1)
    assert world.must_claim().job.attempt == 1


def test_no_more_messages_are_sent_than_are_missing(world: MemoryWorld) -> None:
    for name in ("a", "b", "c"):
        world.accept(name)
    world.account.queues.queues[world.queue()].pop()
    assert (sweep(world, 10).resent, world.messages()) == (1, 3)


def test_a_sweep_that_lost_against_another_sends_nothing(world: MemoryWorld) -> None:
    world.accept()
    lose_messages(world)
    world.faults.refuse(writes_a_job, 412, "UpdateConditionNotSatisfied")
    assert (sweep(world, 10).resent, world.messages()) == (0, 0)
    assert sweep(world, 10).resent == 1


def test_a_job_that_was_claimed_after_it_was_listed_gets_no_message(world: MemoryWorld) -> None:
    world.accept()
    lose_messages(world)
    job = world.job()

    def claimed() -> None:
        jobs(world).update(transitions.claim(job, "node-0", "m", world.clock(), (), LEASE))

    world.faults.meanwhile(counts_messages, claimed)
    assert (sweep(world, 10).resent, world.messages()) == (0, 0)
    assert world.job().owner == "node-0"


def test_a_row_that_cannot_be_read_keeps_nothing_else_from_being_mended(world: MemoryWorld) -> None:
    world.accept("broken")
    world.accept("fine")
    lose_messages(world)
    table, uuid = world.account.tables.get_table_client(job_table.TABLE), world.job("broken").uuid
    for entity in list(table.list_entities()):
        if entity.get("Uuid") == uuid and "Properties0" in entity:
            table.update_entity({**entity, "Events": "no JSON"})
    report = sweep(world, 10)
    assert (report.resent, report.faults) == (1, 0)
    assert world.must_claim().job.id.job == "fine"


def test_an_orphan_waits_again_when_its_lease_has_been_over_as_long_as_it_held(
    world: MemoryWorld,
) -> None:
    orphan(world)
    assert sweep(world, 1.5 * LEASE).ended == 0
    assert sweep(world, LEASE).ended == 1
    job = world.job()
    assert (job.state, job.owner, job.attempt) == (State.QUEUED, None, 1)
    assert world.status()["errors"][0]["code"] == "RunnerLost"
    assert world.must_claim("node-1").job.attempt == 2


def test_an_orphan_that_was_asked_to_end_ends(world: MemoryWorld) -> None:
    orphan(world)
    world.manager.terminate(world.id())
    assert sweep(world, 3 * LEASE).ended == 1
    assert (world.job().state, world.job().errors[0].code) == (State.FAILED, "JobTerminated")
    assert (world.messages(), world.status()["state"]) == (0, "failed")


def test_an_orphan_without_attempts_fails(world: MemoryWorld) -> None:
    world.accept()
    for number in range(world.job().max_attempts):
        world.expire(world.must_claim(f"node-{number}"))
    lose_messages(world)
    assert sweep(world, 3 * LEASE).ended == 1
    assert (world.job().state, world.job().errors[0].code) == (State.FAILED, "RunnerLost")


def test_an_orphan_that_somebody_wrote_meanwhile_is_left_to_them(world: MemoryWorld) -> None:
    orphan(world)
    world.faults.refuse(writes_a_job, 412, "UpdateConditionNotSatisfied")
    assert sweep(world, 3 * LEASE).ended == 0
    assert world.job().owner == "node-0"


def test_a_job_whose_node_works_on_it_is_no_orphan(world: MemoryWorld) -> None:
    job = orphan(world)
    world.clock.move(3 * LEASE)
    alive(world, job=job.uuid)
    assert sweep(world).ended == 0


def test_a_job_that_is_claimed_again_after_it_was_listed_is_no_orphan(world: MemoryWorld) -> None:
    job = orphan(world)
    table = jobs(world)
    world.clock.move(3 * LEASE)

    def taken_over() -> None:
        stale = table.get(job.id)
        assert stale is not None
        table.update(transitions.claim(stale, "node-1", "m2", world.clock(), (), LEASE))

    world.faults.meanwhile(counts_messages, taken_over)
    assert sweep(world).ended == 0
    assert (world.job().owner, world.job().attempt) == ("node-1", 2)


def test_a_job_in_a_state_of_a_newer_version_is_left_alone(world: MemoryWorld) -> None:
    job = orphan(world)
    table = world.account.tables.get_table_client(job_table.TABLE)
    for entity in list(table.list_entities()):
        if entity.get("Uuid") == job.uuid and "State" in entity:
            table.update_entity({**entity, "State": "paused"})
    assert sweep(world, 3 * LEASE).ended == 0
    assert str(world.job().state) == "paused"


def test_a_row_of_an_older_runner_is_an_orphan_when_its_node_is_silent_too(world: MemoryWorld) -> None:
    job = orphan(world)
    jobs(world).update(replace(job, lease_seconds=None))
    world.clock.move(3 * LEASE)
    alive(world, "node-0")
    assert sweep(world).ended == 0
    assert sweep(world, 3 * LEASE).ended == 1


def test_a_fault_is_counted_and_the_next_sweep_does_the_rest(world: MemoryWorld) -> None:
    world.accept()
    lose_messages(world)
    world.faults.throttle(lambda call: call.service == "queue")
    report = sweep(world, 10)
    assert (report.faults, report.resent) == (1, 0)
    assert sweep(world).resent == 1


def test_clusters_that_cannot_be_listed_are_reported(world: MemoryWorld) -> None:
    world.faults.throttle(lambda call: call.name.startswith("clusters"))
    with pytest.raises(StoreError):
        sweep(world)
