"""Drops by the queue `drops` through a real host, with its deliveries: it dies, functions fail, events come
as they like. The functions are the app's own; faults are put before them."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.storage.queue import QueueClient

from local.azurite import Endpoints
from shared.backend import provision
from shared.settings import DROPS, DROPS_POISON, QUEUE
from tests.support.functions_host import HostUnderTest
from tests.support.waiting import eventually
from tests.support.world import World, document, settings_for

#: The two functions of the queue. `FAULT` says what becomes of a drop: it "fails" each time, or the process
#: is killed the first time, "before" it is taken (it has been read) or "after" (its message is still there).
APP = """
import os, signal
from pathlib import Path
from api import blob_drops, queue_drops

app.register_functions(queue_drops.bp)
take, fault = blob_drops.take, os.environ.get("FAULT", "")

def first():
    try:
        Path("first").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True

def faulty(backend, name, data, etag=""):
    print("TAKE", name, flush=True)
    if fault == "fails":
        raise ValueError("AccountKey=secret")
    if fault == "before" and first():
        os.kill(os.getpid(), signal.SIGKILL)
    take(backend, name, data, etag)
    if fault == "after" and first():
        os.kill(os.getpid(), signal.SIGKILL)

blob_drops.take = faulty
"""
#: As the app's host.json, in a hurry.
QUEUES = {"messageEncoding": "none", "visibilityTimeout": "00:00:01", "maxPollingInterval": "00:00:00.2"}
MakeHost = Callable[[str], HostUnderTest]


@pytest.fixture
def make_host(tmp_path: Path, azurite: Endpoints) -> Iterator[MakeHost]:
    """Makes and starts a host whose drops have a fault."""
    made: list[HostUnderTest] = []
    provision(settings_for(azurite.connection_string, drop_source=QUEUE))

    def make(fault: str) -> HostUnderTest:
        environment = {
            "AzureWebJobsStorage": azurite.connection_string,
            "BATCHAI_STORAGE": azurite.connection_string,
            "BATCHAI_SEALING_KEYS": base64.b64encode(b"k" * 32).decode(),
            "BATCHAI_BLOB_SOURCE": "Queue",
            "FAULT": fault,
        }
        host = HostUnderTest(tmp_path / f"app{len(made)}", environment, APP)
        host.write_host_json({"queues": QUEUES})
        made.append(host)
        return host.start()

    yield make
    for host in made:
        if host.running:
            host.kill()


@pytest.fixture
def drops(world: World) -> Iterator[QueueClient]:
    """The queue `drops`, which the test leaves as it found it."""
    queues = world.backend.connection.queues
    yield queues.get_queue_client(DROPS)
    for name in (DROPS, DROPS_POISON):
        queues.get_queue_client(name).clear_messages()


def put(world: World, name: str, data: bytes) -> None:
    container, _, path = world.place(name).partition("/")
    world.backend.connection.blobs.get_blob_client(container, path).upload_blob(data, overwrite=True)


def report(drops: QueueClient, world: World, name: str) -> None:
    """Event Grid's message about a drop."""
    container, _, path = world.place(name).partition("/")
    subject = f"/blobServices/default/containers/{container}/blobs/{path}"
    event = {"id": "1", "eventType": "Microsoft.Storage.BlobCreated", "subject": subject}
    drops.send_message(json.dumps(event))


def is_empty(queue: QueueClient) -> bool:
    return queue.get_queue_properties().approximate_message_count == 0


def test_five_deliveries_that_fail_end_in_an_answer(
    make_host: MakeHost, drops: QueueClient, world: World
) -> None:
    host = make_host("fails")
    put(world, "job", document())
    report(drops, world, "job")
    status = eventually(world.status, 30)
    assert status["state"] == "refused"
    assert "could not be processed in five tries (ValueError)" in status["problems"][0]["message"]
    assert "secret" not in json.dumps(status)
    # Five deliveries of the message, and the one try of what was given up.
    assert host.count(f"TAKE {world.place()}") == 6
    poison = world.backend.connection.queues.get_queue_client(DROPS_POISON)
    eventually(lambda: is_empty(drops) and is_empty(poison))
    assert host.stop() == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_host_that_is_killed_leaves_its_message_to_the_next(
    make_host: MakeHost, drops: QueueClient, world: World, moment: str
) -> None:
    host = make_host(moment)
    put(world, "job", document())
    report(drops, world, "job")
    assert host.exit_code() == -9
    assert world.status().get("state") == (None if moment == "before" else "queued")
    host.start()
    eventually(lambda: is_empty(drops), 30)
    assert host.count(f"TAKE {world.place()}") == 1
    claim = world.must_claim()
    assert claim.job.attempt == 1
    world.finish(claim)
    assert world.claim() is None
    assert (world.status()["state"], world.messages()) == ("succeeded", 0)


def test_events_as_they_like(make_host: MakeHost, drops: QueueClient, world: World) -> None:
    """Twice, at the same time, of a file that is gone, of one that was overwritten before anybody looked."""
    put(world, "gone", document())
    container, _, path = world.place("gone").partition("/")
    world.backend.connection.blobs.get_blob_client(container, path).delete_blob()
    put(world, "job", document("echo old"))
    put(world, "job", document("echo new"))
    for name in ("gone", "job", "job", "job"):
        report(drops, world, name)
    host = make_host("")
    eventually(lambda: is_empty(drops), 30)
    assert host.stop() == 0
    assert world.stores.jobs.get(world.id("gone")) is None
    found = json.loads(world.job().properties)["customToolkitSettings"]["commandLine"]
    assert (found, world.status()["state"]) == ("echo new", "queued")
    world.finish(world.must_claim())
    while world.messages():  # one for each delivery that found the job waiting
        assert world.claim() is None
