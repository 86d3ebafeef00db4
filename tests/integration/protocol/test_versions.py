"""Old and new run side by side: what a newer version wrote is left alone, shown as it is, stops nobody."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from azure.data.tables import TableClient, UpdateMode

from shared.jobs import layouts
from shared.jobs.events import EventKind
from shared.jobs.model import State
from shared.names.ids import queue_name
from shared.stores import job_entries, row_keys
from shared.stores.job_table import TABLE
from shared.stores.node_table import NodeRow
from tests.support.world import World, document


def table(world: World) -> TableClient:
    return world.backend.connection.tables.get_table_client(TABLE)


def change(world: World, row: str, **columns: Any) -> None:
    """What another version does to a row."""
    entity = {"PartitionKey": row_keys.partition(world.cluster.workspace), "RowKey": row, **columns}
    table(world).update_entity(entity, mode=UpdateMode.MERGE)


def of_a_newer_version(world: World) -> None:
    """Two jobs: one that is suspended, one whose history holds a new kind of event."""
    world.accept("suspended")
    world.receive()
    job = world.job("suspended")
    mark = layouts.marked(job.layout, f"{job.attempt}|suspended")
    change(world, row_keys.whole_live_row(job), State="suspended", Priority="urgent", Layout=mark, Budget=17)
    world.accept("with-events")
    world.receive()
    seen = [["2030-01-01T00:00:00+00:00", "Checkpointed", 1, "node-0", "", "more"]]
    change(world, job_entries.row_key(world.job("with-events")), Events=json.dumps(seen))


def test_words_of_a_newer_version_are_shown_as_they_are(world: World) -> None:
    of_a_newer_version(world)
    assert [(j.id.job, str(j.state)) for j in world.manager.list_jobs(world.id().workspace, "exp")] == [
        ("suspended", "suspended"),
        ("with-events", "queued"),
    ]
    assert not world.job("suspended").state.known
    assert [str(event.kind) for event in world.job("with-events").events] == ["Checkpointed"]
    assert world.manager.why(world.job("with-events")) is not None


def test_they_stop_neither_claims_nor_sweeps(world: World) -> None:
    of_a_newer_version(world)
    world.accept("plain")
    assert world.backend.sweeper.sweep().faults == 0
    assert world.finish(world.must_claim()).id.job == "plain"
    before = world.job("suspended")
    world.stores.queues.send(replace(before, priority="normal"))
    assert world.claim() is None
    assert (world.job("suspended"), world.job("suspended").etag) == (before, before.etag)
    assert world.backend.sweeper.sweep().faults == 0


def test_columns_and_events_of_a_newer_version_are_carried_along(world: World) -> None:
    world.accept()
    change(world, job_entries.row_key(world.job()), Budget=17, Policy="fair")
    world.finish(world.must_claim())
    entity = table(world).get_entity(
        row_keys.partition(world.cluster.workspace), row_keys.job_row(world.id())
    )
    assert (entity["Budget"], entity["Policy"], entity["State"]) == (17, "fair", "succeeded")
    assert world.job().state is State.SUCCEEDED


def test_a_row_that_cannot_be_read_is_left_alone_and_the_others_go_on(world: World) -> None:
    world.accept("strange")
    world.accept("plain")
    change(world, job_entries.row_key(world.job("strange")), Events='{"in": "another form"}')
    assert [j.id.job for j in world.manager.list_jobs(world.id().workspace, "exp")] == ["plain"]
    assert world.backend.sweeper.sweep().faults == 0
    assert world.must_claim().job.id.job == "plain"
    assert world.messages() == 2


def test_a_message_of_a_newer_version_is_left_for_its_own_runners(world: World) -> None:
    client = world.stores.queue(world.queue())
    client.send_message(json.dumps({"v": 2, "task": "something else"}))
    world.accept()
    assert world.must_claim().job.id == world.id()
    assert world.messages() == 2


@pytest.mark.parametrize("word", ["suspended", "Zurückgestellt"])
def test_a_word_that_is_not_known_is_one_thing(word: str) -> None:
    assert State(word) is State(word)
    assert (State(word).known, State("queued").known, str(State(word))) == (False, True, word)
    assert State(word).live
    assert EventKind("Claimed") is EventKind.CLAIMED
    assert word not in list(State)


def test_a_newer_versions_columns_of_clusters_and_nodes_are_kept(world: World) -> None:
    tables = world.backend.connection.tables
    at = {"PartitionKey": row_keys.partition(world.cluster.workspace), "RowKey": world.cluster.cluster}
    of_clusters = tables.get_table_client("clusters")
    of_clusters.update_entity({**at, "Budget": 17}, mode=UpdateMode.MERGE)
    data = {"properties": {"scaleSettings": {"manual": {"targetNodeCount": 3}}}}
    world.backend.cluster_manager.resize(world.cluster, json.dumps(data).encode())
    assert of_clusters.get_entity(**_keys(at))["Budget"] == 17
    row = NodeRow(world.cluster, "node-0", "idle", 0)
    etag = world.stores.nodes.report(row)
    node = {"PartitionKey": row_keys.cluster_partition(world.cluster), "RowKey": "node-0"}
    of_nodes = tables.get_table_client("nodes")
    of_nodes.update_entity({**node, "Rack": "b"}, mode=UpdateMode.MERGE)
    found = world.stores.nodes.node(world.cluster, "node-0")
    assert found and found[1] != etag
    world.stores.nodes.report(row, found[1])
    world.stores.nodes.report(row)
    assert of_nodes.get_entity(**_keys(node))["Rack"] == "b"


def _keys(entity: dict[str, str]) -> dict[str, str]:
    return {"partition_key": entity["PartitionKey"], "row_key": entity["RowKey"]}


#: One that does not travel with its message: the runner reads it where it lies.
SECRET = document(secrets=[{"name": "A", "value": "hidden"}])


@pytest.mark.parametrize("form", ["document", "secret"])
def test_an_accepted_document_of_a_newer_version_is_put_back_and_costs_nothing(
    world: World, form: str
) -> None:
    world.accept(data=SECRET)
    documents, uuid = world.backend.documents, world.job().uuid
    accepted, etag = documents.read_accepted(uuid)
    newer = copy.deepcopy(accepted)
    if form == "document":
        newer["v"] = 2
    else:
        sealed = {"sealed": {"v": 3, "key": "0", "data": ""}}
        newer["properties"]["secrets"] = [{"name": "A", "value": sealed}]
    documents.replace_accepted(uuid, newer, etag)
    assert world.claim() is None
    assert (world.job().state, world.job().attempt, world.messages()) == (State.QUEUED, 0, 1)
    _, etag = documents.read_accepted(uuid)
    documents.replace_accepted(uuid, accepted, etag)
    world.restart()
    world.stores.queues.send(world.job())
    assert world.finish(world.must_claim()).state is State.SUCCEEDED


@pytest.mark.parametrize("version", [2, "2.1", None, 0])
def test_a_message_of_another_version_is_not_deleted(world: World, version: object) -> None:
    world.accept()
    world.receive()
    queue = world.backend.connection.queues.get_queue_client(queue_name(world.cluster, "normal"))
    queue.clear_messages()
    queue.send_message(json.dumps({"v": version, "run": "x"}))
    assert world.claim() is None
    assert world.messages() == 1
