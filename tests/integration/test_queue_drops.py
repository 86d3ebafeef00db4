"""Drops by the queue `drops`: the real function app in the local host over a real Azurite."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from api import blob_drops
from api.blob_drops import take_announced, take_given_up
from local import processes
from local.azurite import Endpoints
from local.environment import machine
from local.host.launch import host_command
from shared.backend import provision
from shared.settings import QUEUE
from tests.support.waiting import eventually
from tests.support.world import CLUSTER, World, document, settings_for

PROJECT = Path(__file__).parents[2]


def _event(place: str, cloud: bool = False) -> bytes:
    container, _, path = place.partition("/")
    kind = "type" if cloud else "eventType"
    subject = f"/blobServices/default/containers/{container}/blobs/{path}"
    return json.dumps({kind: "Microsoft.Storage.BlobCreated", "subject": subject, "id": "1"}).encode()


@pytest.fixture
def blobs(world: World) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(world.settings.storage) as client:
        yield client


def _put(blobs: BlobServiceClient, place: str, data: bytes) -> None:
    blobs.get_blob_client(*place.split("/", 1)).upload_blob(data, overwrite=True)


def _status(blobs: BlobServiceClient, place: str) -> dict[str, Any]:
    beside = place.rpartition("/")[0] + "/status.json"
    client = blobs.get_blob_client(*beside.split("/", 1))
    found: dict[str, Any] = json.loads(client.download_blob().readall()) if client.exists() else {}
    return found


def test_duplicates_order_and_deleted_files(world: World, blobs: BlobServiceClient) -> None:
    place = world.place()
    take_announced(world.backend, place)  # deleted, or not there yet
    assert _status(blobs, place) == {}
    _put(blobs, place, document("first"))
    take_announced(world.backend, place)
    uuid = world.manager.get(world.id()).uuid
    take_announced(world.backend, place)
    assert world.manager.get(world.id()).uuid == uuid


def test_answers_and_other_files_are_no_drops(world: World, blobs: BlobServiceClient) -> None:
    for place in (f"jobs/{world.cluster}/e/status.json", "elsewhere/a/b/job.json", "jobs/../x/job.json"):
        take_announced(world.backend, place)
    assert world.messages() == 0


def test_what_was_given_up_ends_as_an_answer(
    world: World,
    blobs: BlobServiceClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("AccountKey=secret")

    place = world.place("given-up")
    _put(blobs, place, document())
    monkeypatch.setattr(blob_drops, "take", fails)
    take_given_up(world.backend, place)
    status = _status(blobs, place)
    assert status["state"] == "refused"
    assert "five tries" in json.dumps(status) and "secret" not in json.dumps(status) + caplog.text


def test_what_was_given_up_is_taken_where_that_works_now(world: World, blobs: BlobServiceClient) -> None:
    place = world.place("late")
    _put(blobs, place, document())
    take_given_up(world.backend, place)
    assert _status(blobs, place)["state"] == "queued"


def test_the_app_takes_drops_from_the_queue(
    world: World, blobs: BlobServiceClient, azurite: Endpoints, tmp_path: Path
) -> None:
    port = processes.free_port()
    env = machine() | {
        "AzureWebJobsStorage": azurite.connection_string,
        "BATCHAI_STORAGE": azurite.connection_string,
        "BATCHAI_SEALING_KEYS": base64.b64encode(b"k" * 32).decode(),
        "BATCHAI_BLOB_SOURCE": "queue",
        "BATCHAI_SWEEP_SCHEDULE": "0 0 0 1 1 *",
        "BATCHAI_HOST": "thin",
    }
    provision(settings_for(azurite.connection_string, drop_source=QUEUE))
    command = host_command(PROJECT, port, environment=env)
    child = processes.start("host", command, tmp_path / "host.log", env, PROJECT)
    try:
        child.wait_ready(lambda: "Ready:" in (tmp_path / "host.log").read_text(), 40)
        queue = world.backend.connection.queues.get_queue_client("drops")
        cluster = f"clusters/{world.cluster.workspace}/other/cluster.json"
        _put(blobs, cluster, json.dumps(CLUSTER).encode())
        _put(blobs, world.place("q"), document())
        queue.send_message("this is no event")
        queue.send_message(_event(cluster).decode())
        queue.send_message(base64.b64encode(_event(world.place("q"), cloud=True)).decode())
        eventually(lambda: _status(blobs, world.place("q")).get("state") == "queued", 20)
        eventually(lambda: bool(_status(blobs, cluster)), 20)
        eventually(lambda: queue.get_queue_properties().approximate_message_count == 0, 20)
    finally:
        child.stop()


def test_an_installation_is_made_by_many_at_once_and_looked_at_cheaply(azurite: Endpoints) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from shared.stores.connection import CallCounter, Connection
    from shared.stores.installation import make_missing

    counter = CallCounter()
    names = (["tone", "ttwo"], ["cone-made", "ctwo-made"], ["qone-made"])

    def make(_: int) -> tuple[str, ...]:
        connection = Connection(settings_for(azurite.connection_string), counter)
        try:
            return make_missing(connection, *names)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        made = [name for found in pool.map(make, range(4)) for name in found]
    containers = ["container cone-made", "container ctwo-made"]
    assert sorted(made) == [*containers, "queue qone-made", "table tone", "table ttwo"]
    counter.reset()
    assert make(0) == ()
    assert sum(counter.snapshot().values()) <= 4
