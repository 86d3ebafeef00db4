"""A sweep lets nodes go or asks for machines; something else happens at the same time, or it ends there."""

import functools
import itertools
from collections.abc import Callable

import pytest

from shared.managers.live_jobs import queued
from shared.stores import scaling_table
from tests.support.memory.faults import Call
from tests.support.memory.scaled import (
    ScaledWorld,
    ended,
    ended_job,
    names,
    scaled_world,
)
from tests.support.memory.world import every_crash


def with_an_idle_node() -> ScaledWorld:
    """A world whose only node has been idle for so long that the next sweep lets it go."""
    world = scaled_world()
    world.accept()
    world.until(lambda: ended_job(world))
    for _ in range(21):
        world.step(sweeps=False)
    assert len(world.runners) == 1
    assert not world.nodes()[0].drain
    return world


def test_the_claim_wins_or_the_way_out_wins() -> None:
    """A job comes with the sweep that lets an idle node go; at each of its storage calls the node's runner
    looks for a job just then, as it does when it has read its row before."""
    ways, idle = set(), with_an_idle_node()
    for at in itertools.count(1):
        world = idle.copy()
        [runner] = world.runners.values()
        world.works = False
        first = len(world.faults.calls)
        world.faults.meanwhile(at_call(world, first + at), functools.partial(late, world))
        world.backend.sweeper.sweep()
        if len(world.faults.calls) < first + at:
            break
        [node] = world.nodes()
        ways.add((bool(runner.claim), node.drain))
        world.works = True
        world.until(functools.partial(ended_job, world, "late"))
        assert world.job("late").attempt == 1, f"call {at}: it was killed"
        world.until(world.is_empty)
    assert {(True, False), (True, True)} <= ways, "before the mark, and in the very moment of it"


def at_call(world: ScaledWorld, number: int) -> Callable[[Call], bool]:
    """Whether this is the call of storage with that number."""
    return lambda _: len(world.faults.calls) == number


def late(world: ScaledWorld) -> None:
    """A job comes, and the runner takes it."""
    world.accept("late")
    for runner in world.runners.values():
        runner.take()


@pytest.mark.parametrize("what", ["grow", "shrink"])
def test_a_sweep_that_dies_anywhere_is_made_good_by_the_next(what: str) -> None:
    crashes = every_crash(
        growing if what == "grow" else with_an_idle_node, lambda w: w.backend.sweeper.sweep()
    )
    for world, where in crashes:
        for _ in range(12):
            world.step()
            assert len(world.machines()) <= 2, where
        if what == "grow":
            world.until(functools.partial(ended, world, 2))
        world.until(world.is_empty)
    assert len(crashes) > 3


def growing() -> ScaledWorld:
    """A world whose next sweep asks for two machines."""
    world = scaled_world(most=2)
    world.pools.down = True
    for name in names(2):
        world.accept(name)
    world.pools.down = False
    world.clock.move(1)
    return world


@pytest.mark.parametrize("what", ["grow", "shrink"])
def test_two_sweeps_at_once_do_no_more_than_one(what: str) -> None:
    """The second runs as a whole at each storage call of the first, and before the first's change of the pool
    arrives."""
    begun = growing() if what == "grow" else with_an_idle_node()
    for at in itertools.count(0):
        world = begun.copy()
        other = world.start()
        first = len(world.faults.calls)
        if at == 0:
            world.pools.before = other.sweeper.sweep
        else:
            world.faults.meanwhile(
                at_call(world, first + at),
                other.sweeper.sweep,
            )
        world.backend.sweeper.sweep()
        if len(world.faults.calls) < first + at:
            break
        for _ in range(5):
            assert len(world.machines()) <= 2, at
            world.step()
        if what == "grow":
            world.until(functools.partial(ended, world, 2))
        world.until(world.is_empty)
    assert at > 5


def test_a_sweep_that_comes_too_late_takes_no_machine_away() -> None:
    """It has seen a pool of one machine and asks for two; meanwhile another has asked for three."""
    world = scaled_world(most=3)
    world.accept("a")
    world.clock.move(30)
    look = world.backend.scaler.begin(world.clock())
    assert look
    row = world.backend.clusters.get(world.cluster)
    nodes, _ = world.backend.clusters.look_at(row)
    world.accept("b")
    stale = queued(world.manager.live(world.cluster))
    world.accept("c")
    world.pools.before = None
    pool = look.pool_of(row, False, "STANDARD_D1")
    assert pool and len(pool.machines) >= 1
    world.step()
    assert len(world.machines()) == 3
    world.backend.scaler.turn(look, row, nodes, stale)
    assert len(world.machines()) == 3


def test_a_sweep_that_read_the_cluster_before_it_was_resized_lets_no_machine_go() -> None:
    """It has listed the clusters when somebody asks for two machines and gets them."""
    world = ScaledWorld({"manual": {"targetNodeCount": 0}})
    world.faults.meanwhile(
        lambda call: call.service == "table" and call.name.startswith(f"{scaling_table.TABLE}"),
        lambda: world.resize({"manual": {"targetNodeCount": 2}}),
    )
    world.step()
    assert len(world.machines()) == 2
    assert not [node.node_id for node in world.nodes() if node.drain]
    world.until(lambda: len([node for node in world.nodes() if node.state == "idle"]) == 2)
    assert [call for call in world.pools.calls if "set_" in call] == ["set_capacity pool 2"]
