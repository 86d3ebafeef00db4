"""The process ends at any of its storage calls, before the request is sent or after it has arrived; what is
left is healed by what comes next: the trigger's next delivery, the next runner, the timer."""

import functools
import itertools
from collections.abc import Callable

import pytest

from shared.jobs.model import State
from shared.stores.workspace_table import Kind
from tests.support.memory.faults import Crash
from tests.support.memory.world import MemoryWorld, crashed, every_crash, memory_world
from tests.support.world import document


def test_submission_is_healed_by_the_next_delivery() -> None:
    for world, where in every_crash(memory_world, lambda w: w.accept()):
        job = world.accept()
        assert job.state is State.QUEUED, where
        claim = world.must_claim()
        assert claim.job.uuid == job.uuid, where
        world.finish(claim)
        assert world.claim() is None, where
        assert (world.messages(), world.status()["state"]) == (0, "succeeded"), where
        kept = list(world.backend.documents.list_accepted())
        assert len([name for name in kept if not name.startswith("cluster-")]) == 1, where


def test_a_claim_and_an_end_are_healed_by_the_next_runner() -> None:
    def submitted() -> MemoryWorld:
        world = memory_world()
        world.accept()
        return world

    for world, where in every_crash(submitted, lambda w: w.finish(w.must_claim())):
        for _ in range(4):
            world.clock.move(61)
            if claim := world.claim("node-1"):
                world.finish(claim)
            world.backend.sweeper.sweep()
        job = world.job()
        assert (job.state, job.attempt <= 2) == (State.SUCCEEDED, True), where
        assert (world.messages(), world.status()["state"]) == (0, "succeeded"), where
        assert world.manager.live(world.cluster) == [], where


@pytest.mark.parametrize("kind", [Kind.EXPERIMENT, Kind.WORKSPACE])
def test_a_cascading_deletion_is_finished_by_the_timer(kind: Kind) -> None:
    def ran_twice() -> MemoryWorld:
        world = memory_world()
        for number in range(2):
            world.accept(data=document(f"echo {number}"), etag=f"0x{number}")
            world.finish(world.must_claim())
        world.accept("waiting")
        return world

    def delete(world: MemoryWorld) -> None:
        deletion = world.backend.cascading_deletion
        if kind is Kind.WORKSPACE:
            deletion.delete_workspace("ws")
        else:
            deletion.delete_experiment("ws", "exp")

    for world, where in every_crash(ran_twice, delete):
        if not world.backend.workspaces.deletions():
            delete(world)  # nobody knew that it had begun
        for _ in range(3):
            world.clock.move(61)
            world.backend.cascading_deletion.resume()
        name = "ws" if kind is Kind.WORKSPACE else "exp"
        assert world.backend.workspaces.find(kind, "ws", name) is None, where
        assert world.manager.in_workspace("ws", 10) == [], where
        assert world.backend.workspaces.deletions() == [], where
        kept = [n for n in world.backend.documents.list_accepted() if not n.startswith("cluster-")]
        assert kept == [], where
        left = set(world.account.blobs.of(world.settings.jobs_container))
        assert left == set(), where


@pytest.mark.parametrize("act", [lambda w: w.accept(), lambda w: w.finish(w.must_claim())])
def test_every_crash_is_there_and_none_twice(act: Callable[[MemoryWorld], object]) -> None:
    """What the tests above begin with is what processes leave that really end at a call."""
    first = memory_world()
    first.accept("earlier")
    wanted = []
    for arrived in (False, True):
        for at in itertools.count(1):
            world = first.copy()
            if not crashed(world, at, arrived, functools.partial(act, world)):
                break
            wanted.append(world.state())
    found = [world.state() for world, _ in every_crash(lambda: first, act)]
    assert set(found) == set(wanted)
    assert 3 < len(found) == len(set(found)) < len(wanted)


def test_a_crash_that_is_not_met_is_reported() -> None:
    world = memory_world()
    world.faults.crash(1, arrived=False)
    with pytest.raises(Crash):
        world.accept()
    assert not crashed(world, 1000, True, lambda: world.accept())
