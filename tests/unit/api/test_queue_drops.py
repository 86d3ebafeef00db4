"""Messages of the queue `drops`, whatever becomes of them: the process ends anywhere, they come again, in
another order, late. The host deletes one after its function has ended well: what is not done comes again."""

import json

import azure.functions as func
import pytest

from api import blob_drops, queue_drops
from shared.jobs.model import State
from tests.support.memory.faults import Call, Crash
from tests.support.memory.world import MemoryWorld, every_crash, memory_world
from tests.support.world import CLUSTER, document

OLD, NEW = document("echo old"), document("echo new")


def drop(world: MemoryWorld, data: bytes, place: str = "") -> None:
    """Somebody writes the file."""
    container, _, path = (place or world.place()).partition("/")
    world.backend.connection.blobs.get_blob_client(container, path).upload_blob(data, overwrite=True)


def remove(world: MemoryWorld) -> None:
    container, _, path = world.place().partition("/")
    world.backend.connection.blobs.get_blob_client(container, path).delete_blob()


def message(place: str) -> func.QueueMessage:
    container, _, path = place.partition("/")
    subject = f"/blobServices/default/containers/{container}/blobs/{path}"
    event = {"id": "1", "eventType": "Microsoft.Storage.BlobCreated", "subject": subject}
    return func.QueueMessage(body=json.dumps(event).encode())


def deliver(world: MemoryWorld, place: str = "") -> None:
    """What the host does with a message about a drop."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(queue_drops, "backend", lambda: world.backend)
        queue_drops.drop_announced(message(place or world.place()))


def give_up(world: MemoryWorld) -> None:
    """What it does with one that failed five times."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(queue_drops, "backend", lambda: world.backend)
        queue_drops.drop_given_up(message(world.place()))


def ran_once(world: MemoryWorld, command: str, where: str = "") -> None:
    """There is one job, of this command; a runner gets it once, and no message is left then."""
    job = world.job()
    assert json.loads(job.properties)["customToolkitSettings"]["commandLine"] == command, where
    assert (job.state, world.status()["state"]) == (State.QUEUED, "queued"), where
    claim = world.must_claim()
    assert claim.job.uuid == job.uuid, where
    world.finish(claim)
    assert world.claim("node-1") is None, where
    assert (world.messages(), world.status()["state"]) == (0, "succeeded"), where
    assert len(world.manager.runs(job.id)) == 1, where


def test_a_host_that_ends_anywhere_is_healed_by_the_next_delivery() -> None:
    def dropped() -> MemoryWorld:
        world = memory_world()
        drop(world, OLD)
        return world

    for world, where in every_crash(dropped, deliver):
        deliver(world)
        ran_once(world, "echo old", where)


def test_so_is_one_that_ends_while_a_clusters_file_is_taken() -> None:
    place = "clusters/ws/more/cluster.json"

    def dropped() -> MemoryWorld:
        world = memory_world()
        drop(world, json.dumps(CLUSTER).encode(), place)
        return world

    for world, where in every_crash(dropped, lambda w: deliver(w, place)):
        deliver(world, place)
        assert [row.id.cluster for row in world.stores.clusters.list_workspace("ws")] == [
            "default",
            "more",
        ], where
        answer = world.account.blobs.of("clusters")["ws/more/status.json"]
        assert answer, where


def test_so_is_one_that_ends_while_it_answers_what_was_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("AccountKey=secret")

    monkeypatch.setattr(blob_drops, "take", fails)

    def dropped() -> MemoryWorld:
        world = memory_world()
        drop(world, OLD)
        return world

    for world, where in every_crash(dropped, give_up):
        give_up(world)
        assert world.status()["state"] == "refused", where
        assert "five tries" in json.dumps(world.status()), where
        assert "secret" not in json.dumps(world.status()), where


def test_the_same_drop_announced_twice_sends_two_messages_and_runs_once() -> None:
    """The second message is meant: whether the first delivery's was sent before its process ended cannot be
    known, a job without one waits for the timer, and one too many is dropped at the claim."""
    world = memory_world()
    drop(world, OLD)
    deliver(world)
    deliver(world)
    assert world.messages() == 2
    ran_once(world, "echo old")


def test_a_drop_whose_job_was_claimed_or_has_ended_gets_no_second_message() -> None:
    world = memory_world()
    drop(world, OLD)
    deliver(world)
    claim = world.must_claim()
    deliver(world)
    assert world.messages() == 1
    world.finish(claim)
    deliver(world)
    assert (world.messages(), world.status()["state"], world.claim()) == (0, "succeeded", None)


def test_events_in_reverse_order_lead_to_what_lies_there() -> None:
    """A message says only where to look: the first one that comes finds the last version."""
    world = memory_world()
    drop(world, OLD)
    drop(world, NEW)
    deliver(world)  # the second file's
    deliver(world)  # the first file's
    ran_once(world, "echo new")


def test_a_file_that_is_overwritten_while_it_is_taken_is_answered_by_its_own_event() -> None:
    """The version that was read is the job; the other one is a drop of its own, refused while that lives."""

    def accepts(call: Call) -> bool:
        return call.service == "blob" and call.writes and call.name.startswith("accepted/")

    world = memory_world()
    drop(world, OLD)
    world.faults.meanwhile(accepts, lambda: drop(world, NEW))
    deliver(world)
    assert world.status()["state"] == "queued"
    deliver(world)
    assert world.status()["state"] == "refused"
    assert "it continues unchanged" in world.status()["problems"][0]["message"]
    world.finish(world.must_claim())
    assert world.claim() is None


def test_a_faulty_file_that_is_overwritten_while_it_is_taken_leaves_the_good_ones_answer() -> None:
    world = memory_world()
    drop(world, b"{")

    def looks_again(call: Call) -> bool:
        return call.service == "blob" and call.verb == "properties" and call.name == world.place()

    world.faults.meanwhile(looks_again, lambda: drop(world, NEW))
    deliver(world)
    assert world.status() == {}
    deliver(world)
    ran_once(world, "echo new")


def test_a_file_that_is_gone_when_its_event_comes_is_no_drop() -> None:
    world = memory_world()
    drop(world, OLD)
    remove(world)
    deliver(world)
    give_up(world)
    assert (world.status(), world.messages(), world.job_or_none()) == ({}, 0, None)


def test_a_file_that_is_removed_while_it_is_taken_is_a_job() -> None:
    """As it would be, had it gone a moment later: to remove a file stops no job."""
    world = memory_world()
    drop(world, OLD)
    world.faults.meanwhile(lambda call: call.service == "table", lambda: remove(world))
    deliver(world)
    deliver(world)
    ran_once(world, "echo old")


def test_a_crash_ends_the_function_and_not_only_its_try() -> None:
    """What is patient with storage must not swallow it: these tests would prove nothing."""
    world = memory_world()
    drop(world, OLD)
    world.faults.crash(1, arrived=False)
    with pytest.raises(Crash):
        deliver(world)
