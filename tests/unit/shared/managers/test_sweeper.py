"""The sweeper on a storage in memory: what it mends, what it leaves alone, and who may be faster."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.errors import StoreError
from shared.jobs import transitions
from shared.jobs.model import Job, State
from shared.managers.sweeper import SweepReport
from shared.stores import cluster_table, job_table, node_table
from shared.stores.job_table import JobTable
from shared.stores.node_table import NodeRow
from tests.support.memory.faults import Call
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.world import CLUSTER

LEASE = 60.0


@pytest.fixture
def world() -> MemoryWorld:
    """A lease of 60 s; a message is sent again 5 s after it was lost; a node is forgotten after a day."""
    return memory_world()


def jobs(world: MemoryWorld) -> JobTable:
    return JobTable(world.backend.connection)


def writes_a_job(call: Call) -> bool:
    return call.service == "table" and call.writes and call.name.startswith(f"{job_table.TABLE}/")


def writes_a_node(call: Call) -> bool:
    return call.service == "table" and call.writes and call.name.startswith(f"{node_table.TABLE}/")


def counts_messages(call: Call) -> bool:
    """After the live jobs are listed, before any row is read."""
    return call.service == "queue" and call.verb == "properties"


def lose_messages(world: MemoryWorld) -> None:
    for messages in world.account.queues.queues.values():
        messages.clear()


def alive(world: MemoryWorld, node: str = "node-0", job: str = "") -> None:
    world.stores.nodes.report(NodeRow(world.cluster, node, "running", 0, job=job))


def sweep(world: MemoryWorld, after: float = 0.0) -> SweepReport:
    world.clock.move(after)
    return world.backend.sweeper.sweep()


def orphan(world: MemoryWorld) -> Job:
    """A job whose runner and whose message are gone."""
    world.accept()
    job = world.must_claim().job
    lose_messages(world)
    return job


def test_where_nothing_is_wrong_nothing_is_written(world: MemoryWorld) -> None:
    world.accept("waiting")
    world.accept("running")
    claim = world.must_claim()
    alive(world, job=claim.job.uuid)
    calls = world.calls(lambda: sweep(world, 10))
    assert not [call for call in calls if call.writes]


def test_an_empty_cluster_is_seen_and_left(world: MemoryWorld) -> None:
    assert sweep(world) == SweepReport(clusters=1)


# Whether nodes serve.


def resize(world: MemoryWorld, target: int, leaving: str = "requeue") -> None:
    manual = {"targetNodeCount": target, "nodeDeallocationOption": leaving}
    properties = CLUSTER["properties"] | {"scaleSettings": {"manual": manual}}
    data = json.dumps({"properties": properties}).encode()
    assert world.backend.cluster_manager.resize(world.cluster, data).accepted


def standby(world: MemoryWorld, node: str = "node-0") -> str:
    found = world.stores.nodes.node(world.cluster, node)
    assert found is not None
    return found[0].standby


def at_nodes(verb: str) -> Callable[[Call], bool]:
    return lambda call: call.name.startswith(node_table.TABLE) and call.verb == verb


@pytest.mark.parametrize(("before", "after", "says"), [(1, 0, "requeue"), (0, 1, "")])
@pytest.mark.parametrize("verb", ["query", "update"])
def test_a_sweep_that_read_the_cluster_before_it_was_resized_takes_nothing_back(
    world: MemoryWorld, verb: str, before: int, after: int, says: str
) -> None:
    """The cluster is resized after the sweep has listed the clusters: before it reads the nodes, or before
    what it has to say to a node arrives."""
    resize(world, before)
    alive(world)
    if verb == "update":
        world.stores.nodes.report(NodeRow(world.cluster, "node-0", "idle", 0, standby=says))
    world.faults.meanwhile(at_nodes(verb), lambda: resize(world, after))
    assert sweep(world).faults == 0
    assert standby(world) == says


def test_a_sweep_that_is_too_old_ends_no_job(world: MemoryWorld) -> None:
    """Of "terminate": the cluster has nodes again before the sweep looks at them."""
    world.accept()
    claim = world.must_claim()
    alive(world, job=claim.job.uuid)
    resize(world, 0, "terminate")
    world.faults.meanwhile(at_nodes("query"), lambda: resize(world, 1, "terminate"))
    sweep(world)
    assert (standby(world), world.job().state) == ("", State.RUNNING)


def test_a_node_that_reports_while_it_is_instructed_hears_of_it(world: MemoryWorld) -> None:
    alive(world)
    alive(world, "node-1")
    world.faults.meanwhile(at_nodes("update"), lambda: alive(world))
    resize(world, 0)
    assert (standby(world), standby(world, "node-1")) == ("requeue", "requeue")


def test_a_node_that_leaves_while_it_is_instructed_is_fine(world: MemoryWorld) -> None:
    alive(world)
    gone = NodeRow(world.cluster, "node-0", "idle", 0)
    world.faults.meanwhile(at_nodes("update"), lambda: world.stores.nodes.forget(gone))
    resize(world, 0)
    assert world.stores.nodes.node(world.cluster, "node-0") is None


def test_nodes_of_a_cluster_that_is_gone_are_sent_nothing(world: MemoryWorld) -> None:
    """The sweep has listed it before it was removed; a runner that is still up reports."""
    resize(world, 0)
    row = world.backend.clusters.get(world.cluster)
    world.backend.cluster_manager.end_deletion(row)
    alive(world)
    [node] = world.backend.cluster_manager.instruct_nodes(row)
    assert (node.standby, standby(world)) == ("requeue", "")


def test_a_node_whose_row_others_keep_writing_is_left_to_the_next_sweep(world: MemoryWorld) -> None:
    alive(world)
    world.faults.refuse(at_nodes("update"), 412, "UpdateConditionNotSatisfied", times=5)
    resize(world, 0)
    assert standby(world) == ""
    assert sweep(world).faults == 0
    assert standby(world) == "requeue"


def test_a_cluster_that_was_read_before_it_was_resized_is_not_remembered(world: MemoryWorld) -> None:
    """Somebody looks it up, and it is resized before what was read is kept for half a minute."""
    reader = world.backend.clusters
    reader.forget(world.cluster)
    reads = f"{cluster_table.TABLE}/"
    world.faults.afterwards(lambda call: call.name.startswith(reads), lambda: resize(world, 0))
    reader.find(world.cluster)
    assert reader.most_nodes(world.cluster) == 0


def test_nothing_is_left_of_a_job_that_is_deleted_while_its_waiting_is_reported(world: MemoryWorld) -> None:
    world.accept()

    def writes_status(call: Call) -> bool:
        return call.writes and call.name.endswith("/status.json")

    world.faults.meanwhile(writes_status, lambda: world.manager.delete(world.id()))
    sweep(world, 30)
    assert (world.job_or_none(), world.status()) == (None, {})


# Messages that were lost.


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


# Runners that were lost.


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


# Nodes.


def test_nodes_that_were_silent_for_a_day_are_forgotten(world: MemoryWorld) -> None:
    alive(world, "gone")
    world.clock.move(86_000)
    alive(world, "here")
    assert sweep(world, 500).forgotten == 1
    assert [row.node_id for row in world.stores.nodes.nodes(world.cluster)[0]] == ["here"]


def test_a_node_that_comes_back_just_then_is_not_forgotten(world: MemoryWorld) -> None:
    alive(world)
    world.clock.move(90_000)
    world.faults.meanwhile(writes_a_node, lambda: alive(world))
    assert sweep(world).forgotten == 0
    assert world.stores.nodes.node(world.cluster, "node-0") is not None


def test_storage_that_fails_while_nodes_are_forgotten_is_counted(world: MemoryWorld) -> None:
    alive(world)
    world.faults.throttle(writes_a_node)
    report = sweep(world, 90_000)
    assert (report.faults, report.forgotten) == (1, 0)
    assert sweep(world).forgotten == 1


# A cluster that cannot be swept.


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


# Why a job waits.


def test_a_wait_is_explained_once_it_is_long_and_again_when_the_reason_changes(world: MemoryWorld) -> None:
    world.accept()
    sweep(world, 10)
    assert "waiting" not in world.status()
    sweep(world, 15)
    assert world.status()["waiting"]["reason"] == "NoNodeAlive"
    calls = world.calls(lambda: sweep(world, 1))
    assert not [call for call in calls if call.service == "blob"], "it is reported once"
    alive(world)
    sweep(world)
    assert world.status()["waiting"]["reason"] == "WaitingForNode"


def test_a_job_that_ends_while_its_reason_is_written_shows_its_end(world: MemoryWorld) -> None:
    world.accept()
    world.clock.move(30)

    def ends() -> None:
        world.finish(world.must_claim())

    world.faults.meanwhile(lambda call: call.service == "blob" and call.writes, ends)
    sweep(world)
    assert world.status()["state"] == "succeeded"


def test_a_job_that_was_written_since_it_was_explained_is_read_again(world: MemoryWorld) -> None:
    world.accept()
    sweep(world, 30)
    lose_messages(world)
    assert sweep(world, 600).resent == 1
    world.clock.move(30)
    calls = world.calls(lambda: sweep(world))
    assert [call for call in calls if call.service == "blob"], "its status is written anew"
    assert world.status()["waiting"]["reason"] == "NoNodeAlive"


def test_a_queue_longer_than_a_sweep_writes_is_served_over_several(world: MemoryWorld) -> None:
    names = [f"job-{number}" for number in range(60)]
    for name in names:
        world.accept(name)

    def explained() -> int:
        return sum("waiting" in world.status(name) for name in names)

    sweep(world, 30)
    assert explained() == 50
    sweep(world)
    assert explained() == 60


def test_what_was_reported_of_a_queue_that_is_empty_is_forgotten(world: MemoryWorld) -> None:
    world.accept()
    sweep(world, 30)
    world.finish(world.must_claim())
    assert sweep(world) == SweepReport(clusters=1)
    assert world.status()["state"] == "succeeded"


# Nodes that serve no longer.


@pytest.mark.parametrize(("option", "state"), [("terminate", State.TERMINATING), ("requeue", State.RUNNING)])
def test_jobs_of_nodes_that_serve_no_longer_end_where_the_cluster_says_so(
    world: MemoryWorld, option: str, state: State
) -> None:
    world.accept()
    claim = world.must_claim()
    alive(world, job=claim.job.uuid)
    scale = {"manual": {"targetNodeCount": 0, "nodeDeallocationOption": option}}
    world.create_cluster({"properties": CLUSTER["properties"] | {"scaleSettings": scale}})
    world.restart()
    sweep(world)
    assert world.job().state is state
