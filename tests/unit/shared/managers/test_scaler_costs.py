"""What clusters with pools cost: calls of storage and of the cloud."""

import pytest

from tests.support.examples import examples
from tests.support.memory.scaled import ScaledWorld, auto, cluster_document, names, scaled_world
from tests.support.memory.world import MemoryWorld


def test_a_cluster_without_a_pool_is_not_looked_for_with_every_sweep() -> None:
    world = scaled_world()
    world.pools.sets.clear()
    world.accept()
    for _ in range(10):
        world.step()
    assert world.pools.calls.count("look") <= 2
    assert world.manager.why(world.job()).reason == "NoNodeAlive"


def test_many_who_ask_why_read_what_is_kept_once() -> None:
    world = scaled_world()
    job = world.accept()
    calls = world.calls(lambda: [world.manager.why(job, 60.0) for _ in range(20)])
    assert len([call for call in calls if "scaling" in call.name]) == 1


def calls_of_a_sweep(world: ScaledWorld) -> tuple[int, int]:
    """(storage calls, calls of the cloud) of the next sweep."""
    before = len(world.pools.calls)
    stored = world.calls(world.backend.sweeper.sweep)
    return len(stored), len(world.pools.calls) - before


@pytest.mark.parametrize("clusters", [number for number in (1, 10, 100) if number <= examples(100)])
def test_what_a_sweep_costs_while_nothing_happens(clusters: int) -> None:
    """One call of storage for all pools together; none of the cloud but for a look every ten minutes."""
    world = scaled_world()
    for number in range(1, clusters):
        world.other_cluster(number, auto(0, 2))
    world.step()
    without = MemoryWorld()
    without.create_cluster(cluster_document(auto(0, 3)))
    without.backend.sweeper.sweep()
    without.clock.move(60)  # what is remembered of a cluster is too old by then
    per_cluster = len(without.calls(without.backend.sweeper.sweep)) - 2
    stored, asked = [], []
    for _ in range(60):
        world.clock.move(60)
        one, other = calls_of_a_sweep(world)
        stored.append(one)
        asked.append(other)
    assert min(stored) == 2 + 1 + per_cluster * clusters
    assert max(stored) == min(stored) + 1
    assert (sum(asked), max(asked)) == (6, 1)


def test_what_a_sweep_costs_while_a_cluster_grows_and_works() -> None:
    world = scaled_world(most=3, job_seconds=3000)
    for name in names(3):
        world.accept(name)
    while len(world.nodes()) < 3:
        world.clock.move(30)
        assert calls_of_a_sweep(world)[1] <= 3, "a list, what became of the last growth, and a change"
        world.run_runners()
    world.step()
    world.step()
    before = len(world.pools.calls)
    for _ in range(10):
        world.step()
    assert len(world.pools.calls) - before <= 1, "full, and everybody works: nothing to ask"


def test_without_pools_nothing_is_asked_or_read_for_them() -> None:
    world = MemoryWorld()
    world.create_cluster(cluster_document(auto(0, 3)))
    world.accept()
    world.backend.sweeper.sweep()
    world.manager.why(world.job())
    assert [call for call in world.faults.calls if "scaling/" in call.name] == []
