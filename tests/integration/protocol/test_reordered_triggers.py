"""Events of dropped files that come late, twice or in another order than the files: what lies there counts.

The containers are shared by all tests: names of clusters have a part of their own.
"""

import json
from typing import Any

import pytest

from api.blob_drops import take_cluster, take_job
from shared.jobs.model import State
from tests.support.world import CLUSTER, World, document

OLD, NEW = document("echo old"), document("echo new")


def drop(world: World, path: str, data: bytes) -> str:
    """Write the file; its ETag. The event is up to the test."""
    container, _, name = path.partition("/")
    client = world.backend.connection.blobs.get_blob_client(container, name)
    return str(client.upload_blob(data, overwrite=True)["etag"])


def event(world: World, data: bytes, etag: str) -> None:
    """The trigger of a drop with what it has read, however long ago that was."""
    take_job(world.backend, world.place(), data, etag)


def command(world: World) -> str:
    found: str = json.loads(world.job().properties)["customToolkitSettings"]["commandLine"]
    return found


def test_an_older_event_after_the_newer_one_of_a_waiting_job(world: World) -> None:
    first = drop(world, world.place(), OLD)
    second = drop(world, world.place(), NEW)
    event(world, NEW, second)
    event(world, OLD, first)
    assert (command(world), world.job().state) == ("echo new", State.QUEUED)
    assert world.status()["state"] == "queued"
    assert world.must_claim() and world.claim() is None


def test_an_older_event_after_the_newer_job_has_ended_runs_nothing(world: World) -> None:
    first = drop(world, world.place(), OLD)
    second = drop(world, world.place(), NEW)
    event(world, NEW, second)
    ended = world.finish(world.must_claim())
    event(world, OLD, first)
    assert world.job().uuid == ended.uuid
    assert world.status()["state"] == "succeeded"
    assert world.claim() is None


def test_an_event_of_the_last_run_but_one_runs_nothing(world: World) -> None:
    """Delivered once more when its job and the next one are over."""
    first = drop(world, world.place(), OLD)
    event(world, OLD, first)
    world.finish(world.must_claim())
    second = drop(world, world.place(), NEW)
    event(world, NEW, second)
    ended = world.finish(world.must_claim())
    event(world, OLD, first)
    assert world.job().uuid == ended.uuid
    assert world.claim() is None


def test_a_faulty_file_that_was_overwritten_is_not_reported_beside_the_good_one(world: World) -> None:
    first = drop(world, world.place(), b"{")
    second = drop(world, world.place(), NEW)
    event(world, NEW, second)
    event(world, b"{", first)
    assert world.status()["state"] == "queued"


def test_of_three_files_the_middle_ones_event_comes_last(world: World) -> None:
    """The first runs, the last is refused, and that answer stays."""
    first = drop(world, world.place(), OLD)
    event(world, OLD, first)
    second = drop(world, world.place(), document("echo middle"))
    third = drop(world, world.place(), NEW)
    event(world, NEW, third)
    assert world.status()["state"] == "refused"
    event(world, document("echo middle"), second)
    assert (command(world), world.status()["state"]) == ("echo old", "queued")


def test_an_event_whose_file_was_removed_counts(world: World) -> None:
    """As it would have, had it come in time: to remove a file stops no job."""
    etag = drop(world, world.place(), NEW)
    container, _, name = world.place().partition("/")
    world.backend.connection.blobs.get_blob_client(container, name).delete_blob()
    event(world, NEW, etag)
    assert world.job().state is State.QUEUED


def cluster_place(world: World) -> str:
    return f"{world.settings.clusters_container}/{world.cluster}/cluster.json"


def cluster_document(nodes: int) -> bytes:
    scale: dict[str, Any] = {"scaleSettings": {"manual": {"targetNodeCount": nodes}}}
    return json.dumps({"properties": CLUSTER["properties"] | scale}).encode()


def test_an_older_event_of_a_cluster_changes_nothing(world: World) -> None:
    place = cluster_place(world)
    first = drop(world, place, cluster_document(2))
    second = drop(world, place, cluster_document(3))
    take_cluster(world.backend, place, cluster_document(3), second)
    take_cluster(world.backend, place, cluster_document(2), first)
    row = world.backend.clusters.fresh(world.cluster)
    assert row is not None
    assert '"targetNodeCount":3' in row.properties


def later(world: World) -> str:
    """The name of a cluster that is not there yet."""
    return f"later-{world.cluster.workspace}"


@pytest.mark.parametrize("folder", ["{workspace}/{name}", "{name}"])
def test_a_cluster_whose_event_comes_after_that_of_its_job(world: World, folder: str) -> None:
    """A folder with both is uploaded; the events come as they like."""
    where = folder.format(workspace=world.cluster.workspace, name=later(world))
    place = f"{world.settings.clusters_container}/{where}/cluster.json"
    made = drop(world, place, cluster_document(2))
    data = document(cluster={"id": later(world)})
    event(world, data, drop(world, world.place(), data))
    assert world.status()["state"] == "queued"
    before = world.backend.clusters.fresh(world.job().cluster)
    take_cluster(world.backend, place, cluster_document(2), made)
    now = world.backend.clusters.fresh(world.job().cluster)
    assert now is not None and before is not None and now.revision == before.revision


def test_a_faulty_cluster_file_refuses_its_job_too(world: World) -> None:
    place = cluster_place(world).replace("/default/", f"/{later(world)}/")
    drop(world, place, b"{}")
    data = document(cluster={"id": later(world)})
    event(world, data, drop(world, world.place(), data))
    assert world.status()["state"] == "refused"


def test_a_cluster_dropped_after_the_job_that_names_it(world: World) -> None:
    """The job is refused with what to do; dropped again once the cluster is there it is a job."""
    data = document(cluster={"id": later(world)})
    etag = drop(world, world.place(), data)
    event(world, data, etag)
    problem = world.status()["problems"][0]
    assert (world.status()["state"], "later" in problem["message"]) == ("refused", True)
    place = cluster_place(world).replace("/default/", f"/{later(world)}/")
    made = drop(world, place, cluster_document(1))
    take_cluster(world.backend, place, cluster_document(1), made)
    again = drop(world, world.place(), data)
    event(world, data, again)
    assert world.status()["state"] == "queued"
