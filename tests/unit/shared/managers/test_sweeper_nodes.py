"""What the sweeper does about nodes: instructs them, forgets them, ends the jobs of those that leave."""

import pytest

from shared.jobs.model import State
from shared.stores import cluster_table
from shared.stores.node_table import NodeRow
from tests.support.memory.sweeping import alive, at_nodes, resize, standby, sweep, writes_a_node
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.world import CLUSTER


@pytest.fixture
def world() -> MemoryWorld:
    """A lease of 60 s; a message is sent again 5 s after it was lost; a node is forgotten after a day."""
    return memory_world()


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
