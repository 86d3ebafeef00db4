"""What the sweeper writes of jobs that wait: why, how far, and when it changes."""

import pytest

from shared.managers.sweeper import SweepReport
from tests.support.memory.faults import Call
from tests.support.memory.sweeping import alive, lose_messages, sweep
from tests.support.memory.world import MemoryWorld, memory_world


@pytest.fixture
def world() -> MemoryWorld:
    """A lease of 60 s; a message is sent again 5 s after it was lost; a node is forgotten after a day."""
    return memory_world()


def test_nothing_is_left_of_a_job_that_is_deleted_while_its_waiting_is_reported(world: MemoryWorld) -> None:
    world.accept()

    def writes_status(call: Call) -> bool:
        return call.writes and call.name.endswith("/status.json")

    world.faults.meanwhile(writes_status, lambda: world.manager.delete(world.id()))
    sweep(world, 30)
    assert (world.job_or_none(), world.status()) == (None, {})


def test_a_wait_is_explained_once_it_is_long_and_again_when_the_reason_changes(world: MemoryWorld) -> None:
    world.accept()
    sweep(world, 10)
    assert "waiting" not in world.status()
    sweep(world, 15)
    assert world.status()["waiting"]["reason"] == "NoNodeAlive"
    calls = world.calls(lambda: sweep(world, 1))
    assert not [call for call in calls if call.service == "blob"], "it is reported once"
    alive(world)
    sweep(world)
    assert world.status()["waiting"]["reason"] == "WaitingForNode"


def test_a_job_that_ends_while_its_reason_is_written_shows_its_end(world: MemoryWorld) -> None:
    world.accept()
    world.clock.move(30)

    def ends() -> None:
        world.finish(world.must_claim())

    world.faults.meanwhile(lambda call: call.service == "blob" and call.writes, ends)
    sweep(world)
    assert world.status()["state"] == "succeeded"


def test_a_job_that_was_written_since_it_was_explained_is_read_again(world: MemoryWorld) -> None:
    world.accept()
    sweep(world, 30)
    lose_messages(world)
    assert sweep(world, 600).resent == 1
    world.clock.move(30)
    calls = world.calls(lambda: sweep(world))
    assert [call for call in calls if call.service == "blob"], "its status is written anew"
    assert world.status()["waiting"]["reason"] == "NoNodeAlive"


def test_a_queue_longer_than_a_sweep_writes_is_served_over_several(world: MemoryWorld) -> None:
    names = [f"job-{number}" for number in range(60)]
    for name in names:
        world.accept(name)

    def explained() -> int:
        return sum("waiting" in world.status(name) for name in names)

    sweep(world, 30)
    assert explained() == 50
    sweep(world)
    assert explained() == 60


def test_what_was_reported_of_a_queue_that_is_empty_is_forgotten(world: MemoryWorld) -> None:
    world.accept()
    sweep(world, 30)
    world.finish(world.must_claim())
    assert sweep(world) == SweepReport(clusters=1)
    assert world.status()["state"] == "succeeded"
