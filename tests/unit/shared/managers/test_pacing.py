"""shared.managers.pacing, and the looks at drop containers that keep to it."""

import pytest

from shared.managers.drop_reconciler import Reconciler
from shared.managers.near_misses import NearMisses
from shared.managers.pacing import Pace
from tests.support.memory.clock import FakeClock
from tests.support.memory.faults import Call
from tests.support.memory.world import MemoryWorld, memory_world


def test_a_cheap_turn_is_due_again_after_the_least_time() -> None:
    clock = FakeClock()
    pace = Pace(clock.monotonic, 10.0)
    assert pace.due
    with pace.turn():
        clock.move(0.05)
    clock.move(9.9)
    assert not pace.due
    clock.move(0.05)
    assert pace.due


def test_a_dear_turn_takes_a_hundredth_of_the_time_even_if_it_fails() -> None:
    clock = FakeClock()
    pace = Pace(clock.monotonic, 10.0)
    with pytest.raises(RuntimeError), pace.turn():
        clock.move(2.0)
        raise RuntimeError("storage away")
    clock.move(197.9)
    assert not pace.due
    clock.move(0.2)
    assert pace.due


def _slow_listings(world: MemoryWorld, seconds: float) -> None:
    """Every listing of blobs takes so long."""

    def listing(call: Call) -> bool:
        return call.service == "blob" and call.verb == "list"

    for _ in range(500):
        world.faults.meanwhile(listing, lambda: world.clock.move(seconds))


def _listings(world: MemoryWorld) -> int:
    return sum(call.service == "blob" and call.verb == "list" for call in world.faults.calls)


def test_an_idle_hour_with_a_huge_container_costs_few_listings() -> None:
    """The timer comes every 15 s; a listing that takes half a second is not repeated so often."""
    world = memory_world()
    _slow_listings(world, 0.5)
    looks = NearMisses(world.settings, world.backend.documents, world.clock, world.clock.monotonic)
    poison = world.backend.reconciler({}).poison
    takes = {"job.json": (world.settings.jobs_container, lambda *_: None)}
    turns = Reconciler(world.backend.documents, poison, takes, Pace(world.clock.monotonic))
    before = _listings(world)
    for _ in range(4 * 60):
        world.wait(15.0)
        looks.look()
        turns.turn()
    # Near misses: two containers at 0.5 s, so one look in 300 s (100 s would be due, the setting says 300).
    assert _listings(world) - before <= 2 * 3600 // 300 + 3600 // 50
