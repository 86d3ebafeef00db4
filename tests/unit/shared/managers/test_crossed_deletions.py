"""The deletion of a workspace that the timer carries on while somebody else does the same. Of a job and a
cluster, on the real service: tests/integration/protocol/test_deletions.py."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count, product

import pytest

from shared.errors import NotFoundError
from shared.managers import cascading_deletion
from shared.managers.job_removal import deletion_of
from shared.stores.workspace_table import Kind
from tests.support.cases import cases
from tests.support.memory.faults import Call
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.world import document

Act = Callable[[MemoryWorld], object]


def workspace(world: MemoryWorld) -> None:
    """One with a job that ran twice; both deletions were noted by a process that went away."""
    for number in range(2):
        world.accept(data=document(f"echo {number}"), etag=f"0x{number}")
        world.finish(world.must_claim())
    name = world.settings.default_workspace
    world.stores.workspaces.begin_deletion(deletion_of(world.job()))
    world.backend.workspaces.begin_deletion(Kind.WORKSPACE, name, name)


def is_over(world: MemoryWorld) -> bool:
    name = world.settings.default_workspace
    return not world.job_or_none() and world.stores.workspaces.get(Kind.WORKSPACE, name, name) is None


def carry_on(world: MemoryWorld, before: int) -> bool:
    """Another process comes in before the write number `before`, and does all of it; whether it came."""
    numbers = count(1)

    def meant(call: Call) -> bool:
        return call.writes and next(numbers) == before

    world.faults.meanwhile(meant, world.backend.cascading_deletion.resume)
    late = world.start()
    try:
        late.cascading_deletion.resume()
    finally:
        late.close()
    came = next(numbers) > before
    world.faults.heal()
    return came


def test_nothing_is_stuck_where_somebody_else_has_finished_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whatever write the other one comes in between, until there is no such write any more."""
    # Otherwise a cluster's deletion stays noted for a minute after its end.
    monkeypatch.setattr(cascading_deletion, "_SEEN_SECONDS", -1.0)
    caplog.set_level(logging.INFO, "shared")
    for before in range(1, 60):
        world = memory_world()
        workspace(world)
        came = carry_on(world, before)
        assert is_over(world), before
        stuck = [r for r in caplog.records if r.levelno > logging.INFO or r.exc_info]
        assert not stuck, (before, [(r.getMessage(), r.exc_text) for r in stuck])
        if not came:
            break
    assert before > 10 and not came


def waits(world: MemoryWorld) -> Act:
    """A job that waits; it is to be deleted."""
    world.accept()
    return delete


def runs(world: MemoryWorld) -> Act:
    """A running job that is to be deleted at its end, which comes."""
    world.accept()
    claim = world.must_claim()
    delete(world)
    return lambda world: world.finish(claim)


def has_ended(world: MemoryWorld) -> Act:
    """A job that has ended; it is to be deleted."""
    world.accept()
    world.finish(world.must_claim())
    return delete


def notice(world: MemoryWorld) -> None:
    """What is done when the copy of a document is seen that came over HTTP."""
    if job := world.job_or_none():
        world.backend.attempts.status.write_as_read(job, world.stores.jobs)


def terminate(world: MemoryWorld) -> None:
    with suppress(NotFoundError):
        world.manager.terminate(world.id())


def delete(world: MemoryWorld) -> None:
    """As somebody who asks, and as the timer for a deletion that is noted."""
    world.manager.delete(world.id())


def is_turn(numbers: Iterator[int], wanted: int, _: Call) -> bool:
    return next(numbers) == wanted


@cases("make, other", product((waits, runs, has_ended), (notice, terminate, delete)))
def test_no_answer_is_left_of_a_job_that_is_removed_while_others_look_at_it(
    make: Callable[[MemoryWorld], Act], other: Act
) -> None:
    """The removal comes between any two calls of somebody else, and somebody else between any two of it."""
    made = memory_world()
    remove = make(made)
    for act, comes in ((other, remove), (remove, other)):
        for before in range(1, 60):
            world, numbers = made.copy(), count(1)
            world.faults.meanwhile(partial(is_turn, numbers, before), partial(comes, world))
            act(world)
            if next(numbers) <= before:
                break
            world.faults.heal()
            world.backend.cascading_deletion.resume()
            assert (world.job_or_none(), world.status()) == (None, {}), (act, before)
        assert 1 < before < 59
