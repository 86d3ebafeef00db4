"""shared.managers.pacing, and the looks at drop containers that keep to it."""

import pytest

from shared.errors import StoreError
from shared.managers.drop_reconciler import Reconciler
from shared.managers.near_misses import NearMisses
from shared.managers.pacing import Pace
from tests.support.memory.clock import FakeClock
from tests.support.memory.faults import Call
from tests.support.memory.world import MemoryWorld, memory_world


def test_a_cheap_turn_is_due_again_after_the_least_time() -> None:
    clock = FakeClock()
    pace = Pace(clock.monotonic, 10.0)
    assert pace.is_due()
    with pace.turn():
        clock.move(0.05)
    clock.move(9.9)
    assert not pace.is_due()
    clock.move(0.1)
    assert pace.is_due()


def test_a_dear_turn_takes_a_hundredth_of_the_time_even_if_it_fails() -> None:
    clock = FakeClock()
    pace = Pace(clock.monotonic, 10.0)
    with pytest.raises(RuntimeError), pace.turn():
        clock.move(2.0)
        raise RuntimeError("storage away")
    clock.move(197.9)
    assert not pace.is_due()
    clock.move(0.2)
    assert pace.is_due()


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


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The time of day, and when a blob was written last, both in seconds; the emulator says."""
    times = {"now": 10_000.0, "written": 9_990.0}
    monkeypatch.setattr("time.time", lambda: times["now"])
    return times


def test_near_misses_are_not_looked_for_while_nothing_is_written(reported: dict[str, float]) -> None:
    world = memory_world()
    looks = NearMisses(
        world.settings,
        world.backend.documents,
        world.clock,
        world.clock.monotonic,
        lambda: reported["written"],
    )

    def look() -> int:
        """The listings of a look that is due."""
        world.wait(world.settings.look_seconds + 1)
        reported["now"] += world.settings.look_seconds + 1
        before = _listings(world)
        looks.look()
        return _listings(world) - before

    assert [look(), look(), look()] == [2, 0, 0]
    reported["written"] = reported["now"]
    assert [look(), look()] == [2, 0]


def test_a_look_that_failed_is_repeated(reported: dict[str, float]) -> None:
    world = memory_world()
    looks = NearMisses(
        world.settings,
        world.backend.documents,
        world.clock,
        world.clock.monotonic,
        lambda: reported["written"],
    )
    world.faults.throttle(lambda call: call.service == "blob" and call.verb == "list")
    with pytest.raises(StoreError):
        looks.look()
    world.wait(world.settings.look_seconds + 1)
    looks.look()
    assert _listings(world) == 3


def test_drops_without_an_answer_are_looked_for_until_all_are_answered(reported: dict[str, float]) -> None:
    """An idle container is listed until a round that began two minutes after the last write; a drop that
    could not be taken keeps the rounds going."""
    world = memory_world()
    taken: list[str] = []
    container = world.settings.jobs_container
    takes = {"job.json": (container, lambda where, *_: taken.append(where))}
    reconciler = Reconciler(
        world.backend.documents,
        world.backend.reconciler({}).poison,
        takes,
        Pace(world.clock.monotonic),
        lambda: reported["written"],
    )

    def turn(seconds: float) -> int:
        world.wait(seconds)
        reported["now"] += seconds
        before = _listings(world)
        reconciler.turn()
        return _listings(world) - before

    world.account.blobs.get_blob_client(container, "default/exp/lost/job.json").upload_blob(b"{}")
    reported["written"] = reported["now"]
    assert [turn(60), turn(59)] == [1, 1]
    assert taken == []
    assert [turn(10), turn(10)] == [1, 1]  # late now, taken, and not answered by what takes it here
    assert len(taken) == 2
    world.account.blobs.get_blob_client(container, "default/exp/lost/status.json").upload_blob(b"{}")
    reported["written"] = reported["now"]
    assert [turn(60), turn(59), turn(10), turn(10), turn(3600)] == [1, 1, 1, 0, 0]
    assert len(taken) == 2
