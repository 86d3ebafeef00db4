"""The tables of clusters and of nodes."""

from dataclasses import replace

import pytest

from shared.errors import ConflictError, LostOwnershipError, NotFoundError
from shared.jobs.waiting_reason import DELETED, RELEASED, is_alive
from shared.names.ids import ClusterId
from shared.stores.cluster_table import ClusterRow
from shared.stores.node_table import NodeRow
from tests.support.jobs import after
from tests.support.world import World


def test_nodes_are_judged_by_the_service_clock(world: World) -> None:
    table = world.stores.nodes
    node = NodeRow(world.cluster, "node-0", "idle", 2, "10.0.0.4", job="u", detail="d", version="1")
    table.report(node)
    nodes, service_time = table.nodes(world.cluster)
    assert [replace(n, heard=None) for n in nodes] == [node]
    assert is_alive(nodes[0].heard, service_time, 5)
    table.forget(node)
    assert table.nodes(world.cluster)[0] == []
    table.forget(node)


def test_a_report_is_refused_once_somebody_else_has_written_the_row(world: World) -> None:
    table, node = world.stores.nodes, NodeRow(world.cluster, "node-0", "idle", 0)
    table.wake_up(world.cluster, "node-0")
    assert table.node(world.cluster, "node-0") is None, "a wake-up makes no node"
    etag = table.report(node)
    etag = table.report(replace(node, state="running"), etag)
    table.wake_up(world.cluster, "node-0")
    with pytest.raises(LostOwnershipError):
        table.report(node, etag)
    found = table.node(world.cluster, "node-0")
    assert found is not None
    with pytest.raises(LostOwnershipError):
        table.stand_by(world.cluster, "node-0", "requeue", etag)
    with pytest.raises(NotFoundError):
        table.stand_by(world.cluster, "node-1", "requeue", found[1])
    table.stand_by(world.cluster, "node-0", "requeue", found[1])
    found = table.node(world.cluster, "node-0")
    assert found is not None
    assert (found[0].standby, found[0].state) == ("requeue", "running")
    table.report(replace(found[0], state="idle"), found[1])


def test_silent_nodes_are_found_and_only_as_they_were_read(world: World) -> None:
    table, node = world.stores.nodes, NodeRow(world.cluster, "node-0", "idle", 0)
    table.report(node)
    written = table.nodes(world.cluster)[0][0].heard
    assert written is not None
    world.wait(0.05)
    table.report(replace(node, node_id="node-1"))
    ours = world.cluster.workspace
    later = table.nodes(world.cluster)[0][1].heard
    assert later is not None and later > written
    silent = [row for row in table.silent(later) if row.partition.startswith(ours)]
    assert [row.node_id for row in silent] == ["node-0"]
    table.report(node)
    assert not table.forget_silent(silent[0]), "it was heard of since"
    assert [n.node_id for n in table.nodes(world.cluster)[0]] == ["node-0", "node-1"]


def test_a_cluster_is_written_over_what_was_read(world: World) -> None:
    table, name = world.stores.clusters, ClusterId(world.cluster.workspace, "Second")
    row = table.put(ClusterRow(name, "r1", after(0.5), properties='{"a": "' + "ä" * 40_000 + '"}'))
    with pytest.raises(ConflictError):
        table.put(replace(row, etag=""))
    guests = tuple(f"workspace-{number}" for number in range(1_500))
    changed = table.put(replace(row, guests=guests, deleting=True))
    read = table.get(ClusterId(name.workspace.upper(), "SECOND"))
    assert read == replace(changed, resized=row.created)
    with pytest.raises(LostOwnershipError):
        table.put(row)
    assert [r.id.cluster for r in table.list_workspace(name.workspace)] == ["default", "Second"]
    assert [r.id.cluster for r in table.list_workspace(name.workspace, "DEFAULT", 1)] == ["Second"]
    assert name in [r.id for r in table.list_all()[0]]
    table.delete(name)
    table.delete(name)
    with pytest.raises(NotFoundError):
        table.put(changed)


def test_a_node_is_released_whether_it_has_a_row_or_not(world: World) -> None:
    table, node = world.stores.nodes, NodeRow(world.cluster, "node-0", "idle", 1, state_seconds=7.5)
    table.report(node)
    table.release(NodeRow(world.cluster, "node-0", "leaving", 0))
    table.release(NodeRow(world.cluster, "new", "leaving", 0, detail="given back"))
    found = {row.node_id: row for row in table.nodes(world.cluster)[0]}
    kept = found["node-0"]
    assert (kept.state, kept.gpus, kept.drain, kept.release) == ("idle", 1, True, RELEASED)
    assert kept.state_seconds == 7.5 and not kept.left
    assert (found["new"].state, found["new"].drain, found["new"].release) == ("leaving", True, RELEASED)
    table.report(NodeRow(world.cluster, "new", "idle", 2, left=True))
    came = table.node(world.cluster, "new")
    assert came and (came[0].drain, came[0].release, came[0].left, came[0].gpus) == (True, RELEASED, True, 2)


def test_a_deletion_is_decided_over_the_row_as_it_was_read(world: World) -> None:
    table, node = world.stores.nodes, NodeRow(world.cluster, "node-0", "leaving", 0)
    table.release(node)
    [read] = table.nodes(world.cluster)[0]
    table.undrain(world.cluster, "node-0", read.etag)
    with pytest.raises(LostOwnershipError):
        table.decide_deletion(world.cluster, "node-0", read.etag)
    table.release(node)
    [again] = table.nodes(world.cluster)[0]
    table.decide_deletion(world.cluster, "node-0", again.etag)
    with pytest.raises(LostOwnershipError):
        table.undrain(world.cluster, "node-0", again.etag)
    assert table.nodes(world.cluster)[0][0].release == DELETED
    with pytest.raises(NotFoundError):
        table.decide_deletion(world.cluster, "other", again.etag)
