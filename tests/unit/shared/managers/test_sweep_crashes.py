"""The process ends at any of its storage calls while it does something with a sweep. What comes next, the
trigger's next delivery, a message or the timer, loses no run and makes none twice."""

from collections.abc import Callable

import pytest

from shared.sweeps.model import SweepState
from tests.support.memory.world import MemoryWorld, every_crash, memory_world
from tests.support.sweeps import FAILED, Sweeps, sweep_document

THREE = sweep_document(maxConcurrent=2)


def made() -> MemoryWorld:
    world = memory_world()
    Sweeps(world).accept(THREE)
    return world


def ended() -> MemoryWorld:
    world = made()
    sweeps = Sweeps(world)
    sweeps.deliver()
    while sweeps.run_one(FAILED):
        sweeps.deliver()
    return world


def healed(world: MemoryWorld) -> list[str]:
    """What the timer, the host and a runner do in ten minutes; the jobs that ran."""
    sweeps, ran = Sweeps(world), []
    for _ in range(10):
        world.clock.move(61)
        sweeps.manager.mend()
        sweeps.deliver()
        if claim := world.claim():
            world.finish(claim)
            ran.append(claim.job.id.job)
        world.backend.sweeper.sweep()
    return ran


def runs_made(world: MemoryWorld) -> dict[str, int]:
    """How many runs there were under the name of each job."""
    names = [f"s-{number}" for number in range(3)]
    return {name: len(world.manager.runs(world.id(name))) for name in names if world.job_or_none(name)}


def test_a_submission_is_healed_by_the_next_delivery_of_the_drop() -> None:
    for world, where in every_crash(memory_world, lambda w: Sweeps(w).accept(THREE)):
        sweeps = Sweeps(world)
        sweeps.accept(THREE)
        assert sorted(healed(world)) == ["s-0", "s-1", "s-2"], where
        assert sweeps.get().state is SweepState.SUCCEEDED, where
        assert world.status("s")["state"] == "succeeded", where
        kept = [n for n in world.backend.documents.list_accepted() if not n.startswith("cluster-")]
        assert len(kept) == 4, where


@pytest.mark.parametrize("act", ["first", "ends"])
def test_making_runs_is_healed_by_the_timer(act: str) -> None:
    """Messages are lost with the process."""

    def start() -> MemoryWorld:
        world = made()
        if act == "ends":
            sweeps = Sweeps(world)
            sweeps.deliver()
            sweeps.run_one()
        return world

    for world, where in every_crash(start, lambda w: Sweeps(w).deliver()):
        world.account.queues.queues["sweeps"].clear()
        healed(world)
        assert Sweeps(world).get().state is SweepState.SUCCEEDED, where
        assert runs_made(world) == {"s-0": 1, "s-1": 1, "s-2": 1}, where
        assert world.messages() == 0, where


def test_the_end_of_a_run_is_counted_once() -> None:
    def start() -> MemoryWorld:
        world = made()
        Sweeps(world).deliver()
        return world

    def act(world: MemoryWorld) -> None:
        sweeps = Sweeps(world)
        sweeps.run_one()
        sweeps.deliver()

    for world, where in every_crash(start, act):
        healed(world)
        sweep = Sweeps(world).get()
        assert (sweep.state, sweep.ended_count) == (SweepState.SUCCEEDED, 3), where
        assert runs_made(world) == {"s-0": 1, "s-1": 1, "s-2": 1}, where


@pytest.mark.parametrize(
    ("start", "act"),
    [
        (made, lambda s: (s.deliver(), s.manager.terminate(s.id), s.deliver())),
        (made, lambda s: (s.manager.terminate(s.id), s.deliver())),
    ],
)
def test_a_termination_is_carried_on(
    start: Callable[[], MemoryWorld], act: Callable[[Sweeps], object]
) -> None:
    for world, where in every_crash(start, lambda w: act(Sweeps(w))):
        sweeps = Sweeps(world)
        asked = sweeps.get().state is not SweepState.RUNNING
        if not asked:
            sweeps.manager.terminate(sweeps.id)
        healed(world)
        assert sweeps.get().state is SweepState.TERMINATED, where
        assert world.manager.live(world.cluster) == [], where
        assert world.status("s")["state"] == "terminated", where


def test_a_deletion_is_carried_on() -> None:
    def start() -> MemoryWorld:
        world = made()
        sweeps = Sweeps(world)
        sweeps.deliver()
        sweeps.run_one()
        return world

    def act(world: MemoryWorld) -> None:
        sweeps = Sweeps(world)
        sweeps.manager.delete(sweeps.id)
        sweeps.deliver()

    for world, where in every_crash(start, act):
        sweeps = Sweeps(world)
        if (found := sweeps.manager.find(sweeps.id)) and not found.deleting:
            sweeps.manager.delete(sweeps.id)  # nobody knows that it had begun
        healed(world)
        world.backend.cascading_deletion.resume()
        assert sweeps.manager.find(sweeps.id) is None, where
        assert sweeps.jobs() == {}, where
        assert list(world.account.tables.tables["sweeps"]) == [], where
        kept = [n for n in world.backend.documents.list_accepted() if not n.startswith("cluster-")]
        assert kept == [], where


def test_doing_failed_runs_again_is_carried_on() -> None:
    def act(world: MemoryWorld) -> None:
        sweeps = Sweeps(world)
        sweeps.manager.rerun(sweeps.id)
        sweeps.deliver()

    for world, where in every_crash(ended, act):
        sweeps = Sweeps(world)
        if sweeps.get().generation == 0:
            sweeps.manager.rerun(sweeps.id)
        healed(world)
        assert sweeps.get().state is SweepState.SUCCEEDED, where
        assert runs_made(world) == {"s-0": 2, "s-1": 2, "s-2": 2}, where
