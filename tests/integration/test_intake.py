"""Drops whose names are traps, or nearly right."""

import json
import logging
from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobServiceClient

from api.blob_drops import take_cluster, take_job
from shared.managers.near_misses import NearMisses
from tests.support.world import World, document


def names(world: World) -> set[str]:
    """Every table's rows, queue and blob of the account by name, and how many messages the world's own queues
    hold: other tests' messages come into sight when their time is up."""
    connection = world.backend.connection
    found = {
        f"messages {world.messages()}",
        *(f"queue {queue.name}" for queue in connection.queues.list_queues()),
    }
    for table in connection.tables.list_tables():
        rows = connection.tables.get_table_client(table.name).list_entities(select=["PartitionKey", "RowKey"])
        found |= {f"table {table.name} {row['PartitionKey']} {row['RowKey']}" for row in rows}
    for container in connection.blobs.list_containers():
        blobs = connection.blobs.get_container_client(container.name).list_blob_names()
        found |= {f"blob {container.name}/{blob}" for blob in blobs}
    return found


@pytest.mark.parametrize("folders", ["../accepted/x", "a/../../accepted", "./x", "a/.", ".."])
def test_a_drop_with_dots_for_folders_is_left_alone(world: World, folders: str) -> None:
    before = names(world)
    take_job(world.backend, f"jobs/{folders}/job.json", document(), "0x1")
    take_cluster(world.backend, f"clusters/{folders}/cluster.json", b"{}")
    assert names(world) == before


def test_a_drop_in_a_wrong_place_is_answered_beside_it(world: World) -> None:
    take_job(world.backend, f"jobs/{world.cluster.workspace}/a/b/c/d/job.json", document(), "0x1")
    beside = f"blob jobs/{world.cluster.workspace}/a/b/c/d/status.json"
    assert beside in names(world)


@pytest.fixture
def blobs(world: World) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(world.settings.storage) as client:
        yield client


def _put(blobs: BlobServiceClient, place: str, data: bytes = b"{}") -> None:
    blobs.get_blob_client(*place.split("/", 1)).upload_blob(data, overwrite=True)


def _read(blobs: BlobServiceClient, place: str) -> bytes:
    return blobs.get_blob_client(*place.split("/", 1)).download_blob().readall()


class HourlyLooks:
    """What the timer does, with an hour between any two looks."""

    def __init__(self, world: World) -> None:
        self._now = 0.0
        self._near = NearMisses(world.settings, world.backend.documents, world.clock, lambda: self._now)

    def look(self) -> int:
        self._now += 3600
        return self._near.look()


@pytest.fixture
def looks(world: World) -> HourlyLooks:
    """What other tests left is seen already."""
    hourly = HourlyLooks(world)
    hourly.look()
    return hourly


def test_a_near_miss_is_answered_beside_it_once(
    world: World, blobs: BlobServiceClient, looks: HourlyLooks
) -> None:
    folder = f"jobs/{world.cluster.workspace}/exp/near"
    _put(blobs, f"{folder}/Job.json")
    assert looks.look() == 1
    status = json.loads(_read(blobs, f"{folder}/status.json"))
    assert status["state"] == "refused"
    assert "'Job.json' is not read" in status["problems"][0]["message"]
    assert looks.look() == 0
    # Called as it should be it is read, and the answer is its own
    take_job(world.backend, f"{folder}/job.json", document(), "0x1")
    assert json.loads(_read(blobs, f"{folder}/status.json"))["state"] == "queued"


def test_what_lies_there_is_never_written_over(
    world: World, blobs: BlobServiceClient, looks: HourlyLooks
) -> None:
    folder = f"jobs/{world.cluster.workspace}/exp/kept"
    _put(blobs, f"{folder}/Job.json")
    _put(blobs, f"{folder}/status.json", b"mine")
    assert looks.look() == 0
    assert _read(blobs, f"{folder}/status.json") == b"mine"


def test_a_job_at_the_root_is_answered(blobs: BlobServiceClient, looks: HourlyLooks) -> None:
    _put(blobs, "jobs/job.json")
    try:
        assert looks.look() == 1
        message = json.loads(_read(blobs, "jobs/status.json"))["problems"][0]
        assert "<workspace>/<experiment>/<job>/job.json" in json.dumps(message)
    finally:
        blobs.get_blob_client("jobs", "job.json").delete_blob()
        blobs.get_blob_client("jobs", "status.json").delete_blob()


def test_foreign_names_are_reported_in_the_log_once(
    world: World, blobs: BlobServiceClient, looks: HourlyLooks, caplog: pytest.LogCaptureFixture
) -> None:
    folder = f"jobs/{world.cluster.workspace}/exp/foreign"
    _put(blobs, f"{folder}/other.json")
    _put(blobs, f"{folder}/train.py")
    before = names(world)
    with caplog.at_level(logging.INFO, logger="shared.managers.near_misses"):
        assert looks.look() == looks.look() == 0
        assert caplog.text.count("foreign/other.json") == 1
        assert "train.py" not in caplog.text
        assert names(world) == before


def test_looking_costs_two_listings_every_few_minutes(world: World) -> None:
    world.counter.reset()
    world.backend.near_misses.look()
    world.backend.near_misses.look()
    assert dict(world.counter.snapshot()) == {"GET blob": 2}
