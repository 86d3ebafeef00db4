"""What a message says of its job spares a runner two reads, and is never more than the row is."""

import json
from collections import Counter
from typing import Any

import pytest

from shared.jobs.model import State
from tests.support.world import World, document

SECRET = [{"name": "A", "value": "hidden"}]


def text_of(world: World) -> dict[str, Any]:
    """The message as it lies in the queue."""
    (message,) = world.stores.queue(world.queue()).peek_messages()
    reported: dict[str, Any] = json.loads(message.content)
    return reported


def replace_message(world: World, reported: dict[str, Any]) -> None:
    queue = world.stores.queue(world.queue())
    queue.clear_messages()
    queue.send_message(json.dumps(reported), time_to_live=-1)


def test_a_claim_reads_nothing_and_is_what_reading_would_have_reported(world: World) -> None:
    world.accept(data=document("echo 1", environmentVariables=[{"name": "A", "value": "é"}]))
    reported = text_of(world)
    world.counter.reset()
    claim = world.must_claim()
    assert world.counter.snapshot() == Counter({"GET queue": 1, "POST table": 1})
    assert claim.job == world.job()
    assert (claim.spec, claim.cluster_revision) == world.backend.attempts.spec(claim.job)
    world.backend.attempts.give_back(claim.job, claim.lease, "stopped")
    assert "carried" in reported
    again = world.must_claim("node-1")
    assert (again.job, again.job.owner) == (world.job(), "node-1"), "delivered again, it is read"


@pytest.mark.parametrize(
    "properties",
    [
        {"secrets": SECRET},
        {"nodeCount": 2},
        {"environmentVariables": [{"name": f"V{n}", "value": "x" * 200} for n in range(100)]},
    ],
    ids=["secrets", "several nodes", "large"],
)
def test_what_does_not_travel(world: World, properties: dict[str, Any]) -> None:
    world.accept(data=document(**properties))
    assert "carried" not in text_of(world)
    assert "hidden" not in json.dumps(text_of(world))


def test_a_row_that_was_written_since_counts(world: World) -> None:
    world.accept()
    reported = text_of(world)
    world.manager.terminate(world.id())
    replace_message(world, reported)
    assert world.job().state is State.FAILED
    assert world.claim() is None
    assert (world.job().state, world.job().attempt, world.messages()) == (State.FAILED, 0, 0)


def test_a_second_message_of_a_running_job_is_dropped(world: World) -> None:
    world.accept()
    reported = text_of(world)
    claim = world.must_claim()
    world.stores.queue(world.queue()).send_message(json.dumps(reported), time_to_live=-1)
    assert world.claim("node-1") is None
    assert (world.messages(), world.job().owner) == (1, claim.lease.owner)


@pytest.mark.parametrize("part", ["digest", "row", "version", "nothing"])
def test_what_nobody_with_a_sealing_key_wrote_is_not_believed(world: World, part: str) -> None:
    world.accept(data=document("echo right"))
    reported = text_of(world)
    digest, _, rest = reported["carried"].partition(" ")
    wrong = rest.replace("echo right", "echo wrong")
    assert wrong != rest
    last = "0" if digest[-1] != "0" else "1"
    reported["carried"] = {
        "digest": f"{digest[:-1]}{last} {wrong}",
        "row": f"{digest} {wrong}",
        "version": f"{digest} {rest.replace('1', '2', 1)}",
        "nothing": digest,
    }[part]
    replace_message(world, reported)
    claim = world.must_claim()
    assert claim.spec.custom_toolkit_settings is not None
    assert claim.spec.custom_toolkit_settings.command_line == "echo right"


def test_what_is_said_of_another_job_is_not_believed(world: World) -> None:
    world.accept("one", data=document("echo one"))
    reported = text_of(world)
    world.stores.queue(world.queue()).clear_messages()
    world.accept("two", data=document("echo two"))
    replace_message(world, text_of(world) | {"carried": reported["carried"]})
    assert world.must_claim().job.id.job == "two"
    assert world.claim() is None
