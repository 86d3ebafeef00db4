"""What a newer version has put into a row is still there after each write of this one."""

from dataclasses import replace
from typing import Any

import pytest
from azure.data.tables import UpdateMode

from shared.jobs import layouts, transitions
from shared.jobs.gang import Phase, Step
from shared.jobs.model import Outcome, Reason
from shared.stores import (
    cluster_table,
    gang_rows,
    gang_table,
    job_entries,
    job_table,
    node_table,
    row_keys,
    workspace_table,
)
from shared.stores.node_table import NodeRow
from shared.stores.workspace_table import Deletion, Kind
from tests.support.contract.gangs import a_gang, member
from tests.support.contract.jobs import a_row as a_job_row
from tests.support.contract.jobs import jobs_of
from tests.support.contract.workspaces import a_workspace_row
from tests.support.jobs import after
from tests.support.world import World


class Row:
    """A row of a table into which a newer version has written a column."""

    def __init__(self, world: World, table: str, entity: dict[str, Any]) -> None:
        self._client = world.backend.connection.tables.get_table_client(table)
        self._key = {name: entity[name] for name in ("PartitionKey", "RowKey")}
        self._client.update_entity({**self._key, "Budget": 17}, mode=UpdateMode.MERGE)

    def kept(self) -> dict[str, Any]:
        """The row; AssertionError where the column is gone."""
        found = dict(self._client.get_entity(*self._key.values()))
        assert found.get("Budget") == 17, found
        return found


def test_of_a_job_its_live_entry_and_its_copies(world: World) -> None:
    table = jobs_of(world)
    job = table.insert(a_job_row(world))
    partition = row_keys.partition(world.cluster.workspace)
    keys = (row_keys.job_row(job.id), row_keys.live_row(job))
    own, live = (Row(world, job_table.TABLE, {"PartitionKey": partition, "RowKey": key}) for key in keys)
    read = table.get(job.id)
    assert read is not None
    claimed = table.update(replace(read, owner="node-0"))
    assert (own.kept()["Owner"], live.kept()["Owner"]) == ("node-0", "node-0")
    given_back = table.update(table.prolong(replace(claimed, owner=None), 30))
    assert ("Owner" in own.kept(), live.kept()["Owner"]) == (False, "")
    assert [entry.owner for entry in table.list_live(world.cluster)] == [None]
    ended = table.end(transitions.finish(given_back, Outcome(Reason.SUCCEEDED, 0), after(9)))
    own.kept()
    # The copies for lists and for the history are made of the job's own row.
    client = world.backend.connection.tables.get_table_client(job_table.TABLE)
    for key in (row_keys.run_row(job), row_keys.time_row(job), row_keys.state_row(job, ended.state)):
        assert client.get_entity(partition, key)["Budget"] == 17


@pytest.mark.parametrize("layout", [layouts.SECOND, layouts.THIRD])
def test_of_a_job_of_a_later_layout_and_its_copies(world: World, layout: int) -> None:
    table = jobs_of(world)
    job = table.insert(replace(a_job_row(world), layout=layout))
    partition = row_keys.partition(world.cluster.workspace)
    own = Row(world, job_table.TABLE, {"PartitionKey": partition, "RowKey": job_entries.row_key(job)})
    client = world.backend.connection.tables.get_table_client(job_table.TABLE)
    read = table.get(job.id)
    assert read is not None
    claimed = table.update(replace(read, owner="node-0", attempt=1))
    own.kept()
    for key in (row_keys.whole_live_row(job), row_keys.time_row(job)):
        copy = client.get_entity(partition, key)
        assert (copy["Budget"], copy["Owner"]) == (17, "node-0")
    ended = table.end(transitions.finish(claimed, Outcome(Reason.SUCCEEDED, 0), after(9)))
    named = client.get_entity(partition, row_keys.job_row(job.id))
    assert (named["Budget"], named["State"]) == (17, "succeeded")
    table.replace_ended(ended, replace(a_job_row(world), uuid="second", created=after(20)))
    assert client.get_entity(partition, row_keys.run_row(job))["Budget"] == 17


def test_of_a_cluster_and_of_a_node(world: World) -> None:
    table, nodes = world.stores.clusters, world.stores.nodes
    key = {
        "PartitionKey": row_keys.partition(world.cluster.workspace),
        "RowKey": world.cluster.cluster.lower(),
    }
    cluster = Row(world, cluster_table.TABLE, key)
    found = table.get(world.cluster)
    assert found is not None
    changed = table.put(replace(found, properties='{"a": "' + "x" * 70_000 + '"}'))
    table.put(replace(changed, properties="{}"))
    assert "Properties1" not in cluster.kept()
    nodes.report(NodeRow(world.cluster, "node-0", "idle", 0))
    of_node = {"PartitionKey": row_keys.cluster_partition(world.cluster), "RowKey": "node-0"}
    node = Row(world, node_table.TABLE, of_node)
    read = nodes.node(world.cluster, "node-0")
    assert read is not None
    nodes.report(NodeRow(world.cluster, "node-0", "running", 0), read[1])
    nodes.report(NodeRow(world.cluster, "node-0", "idle", 0))
    nodes.wake_up(world.cluster, "node-0")
    read = nodes.node(world.cluster, "node-0")
    assert read is not None
    nodes.stand_by(world.cluster, "node-0", "requeue", read[1])
    nodes.mark_drain(world.cluster, "node-0", True)
    assert node.kept()["Drain"] is True


def test_of_a_workspace_and_of_a_deletion(world: World) -> None:
    table = world.stores.workspaces
    table.insert(a_workspace_row(world, tags={"a": "x" * 70_000}))
    key = {"PartitionKey": row_keys.partition(world.cluster.workspace), "RowKey": "experiment|exp"}
    row = Row(world, workspace_table.TABLE, key)
    found = table.get(Kind.EXPERIMENT, world.cluster.workspace, "exp")
    assert found is not None
    table.update(replace(table.update(replace(found, deleting=True)), detail={"tags": {}}))
    assert "Detail1" not in row.kept()
    read = table.get(Kind.EXPERIMENT, world.cluster.workspace, "exp")
    assert read is not None and (read.deleting, read.detail) == (True, {"tags": {}})
    deletion = Deletion(Kind.JOB, world.cluster.workspace, "job", "uuid", "exp")
    table.begin_deletion(deletion)
    noted = Row(world, workspace_table.TABLE, {"PartitionKey": "|deleting", "RowKey": deletion.key})
    table.begin_deletion(deletion)
    noted.kept()
    table.end_deletion(deletion)


def test_of_a_gang_and_of_its_members(world: World) -> None:
    table = world.stores.gangs
    gang = table.open(a_gang(world), member(0))
    own = Row(world, gang_table.TABLE, gang_rows.gang_entity(gang))
    seat = Row(world, gang_table.TABLE, gang_rows.member_entity(gang, member(0)))
    found = table.look_at(gang).find("uuid", 1)
    assert found is not None
    joined = table.join(found, member(1))
    own.kept()
    freed = table.free(joined, joined.members[1])
    own.kept()
    written = table.write(replace(freed, phase=Phase.ASSEMBLED))
    assert own.kept()["Phase"] == "assembled"
    table.write_report(written, replace(written.members[0], step=Step.PREPARED))
    assert seat.kept()["Step"] == "prepared"
    # What was said of one attempt is not said of the next.
    table.open(a_gang(world, 2), member(0))
    client = world.backend.connection.tables.get_table_client(gang_table.TABLE)
    key = gang_rows.gang_entity(gang)
    assert "Budget" not in client.get_entity(key["PartitionKey"], key["RowKey"])
