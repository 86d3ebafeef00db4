"""Drops whose event came to nothing during an outage are found and answered."""

import base64
import json

import pytest

from api.blob_drops import reconciler, take_job
from local.azurite import Endpoints
from local.host.delivery import create_queue
from shared.errors import StoreError
from shared.jobs.model import State
from shared.managers import drop_reconciler
from shared.managers.drop_reconciler import patiently
from shared.stores.poison_queue import QUEUE
from tests.support.waiting import eventually
from tests.support.wire import WiredStorage
from tests.support.world import World, document, settings_for
from tests.support.world import world as open_world


def drop(world: World, name: str, data: bytes = b"") -> str:
    place = world.place(name)
    container, _, path = place.partition("/")
    world.backend.connection.blobs.get_blob_client(container, path).upload_blob(data or document())
    return place


def turn(world: World) -> int:
    """As many turns as it takes to see everything, however much other tests have dropped."""
    made = reconciler(world.backend)
    taken = made.turn()
    while made.is_midway:
        taken += made.turn()
    return taken


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every drop without an answer counts as late."""
    monkeypatch.setattr(drop_reconciler, "_LATE_SECONDS", -2.0)


def test_a_drop_without_an_answer_is_found_and_taken(world: World, at_once: None) -> None:
    drop(world, "lost")
    drop(world, "broken", b"{")
    world.accept("known")
    turn(world)
    assert world.job("lost").state is State.QUEUED
    assert world.status("lost")["state"] == "queued"
    assert world.status("broken")["state"] == "refused"
    before = world.messages()
    turn(world)
    assert world.messages() == before, "an answered drop is left alone"


def test_a_fresh_drop_is_left_to_its_event(world: World) -> None:
    drop(world, "fresh")
    turn(world)
    assert world.status("fresh") == {}


def test_what_the_trigger_gave_up_is_taken(world: World) -> None:
    place = drop(world, "poisoned")
    queue = world.backend.connection.queues.get_queue_client(QUEUE)
    try:
        create_queue(queue)  # other tests may have left one, and messages in it
        queue.clear_messages()
        container, _, path = place.partition("/")
        pointer = {"FunctionId": "Host.Functions.job_dropped", "ContainerName": container, "BlobName": path}
        queue.send_message(base64.b64encode(json.dumps(pointer).encode()).decode())
        queue.send_message("a message of something else")
        turn(world)
        assert world.job("poisoned").state is State.QUEUED
        assert queue.get_queue_properties().approximate_message_count == 1
    finally:
        queue.delete_queue()


def test_an_outage_within_a_try_costs_nothing(azurite: Endpoints, installation: str) -> None:
    with WiredStorage(azurite) as wires, open_world(settings_for(wires.connection_string)) as world:
        drop(world, "job")
        wires.table.refusing = True
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            wires.table.refusing = len(pauses) < 2

        patiently(lambda: take_job(world.backend, world.place("job"), document(), "0x1"), sleep)
        assert world.job("job").state is State.QUEUED
        assert len(pauses) == 2


def test_a_longer_one_continues_to_the_hosts_own_tries() -> None:
    pauses: list[float] = []

    def away() -> None:
        raise StoreError("away")

    with pytest.raises(StoreError):
        patiently(away, pauses.append, 60.0)
    assert 60 <= sum(pauses) <= 70


def test_one_that_cannot_be_taken_keeps_nobody_from_the_others(
    world: World, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(world, "lost")
    bad = drop(world, "bad")
    made = reconciler(world.backend)
    container, take = made.takes["job.json"]

    def refuse(where: str, data: bytes, etag: str) -> None:
        if where == bad:
            raise StoreError("not now")
        take(where, data, etag)

    monkeypatch.setattr(made, "takes", {"job.json": (container, refuse)})
    eventually(lambda: made.turn() >= 0 and world.status("lost"), 20)
    assert world.status("bad") == {}
