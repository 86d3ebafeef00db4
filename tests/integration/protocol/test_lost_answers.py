"""A request took effect and its answer was lost on the wire: the sender finds its own write and continues."""

from collections.abc import Iterator

import pytest

from local.azurite import Endpoints
from shared.jobs.events import EventKind, JobEvent
from shared.jobs.model import AttemptReport, Outcome, Reason, State
from shared.managers.clock import utc_now
from tests.support.wire import WiredStorage
from tests.support.world import DONE, World, settings_for
from tests.support.world import world as open_world


@pytest.fixture
def wires(azurite: Endpoints, installation: str) -> Iterator[WiredStorage]:
    with WiredStorage(azurite) as wires:
        yield wires


@pytest.fixture
def world(wires: WiredStorage) -> Iterator[World]:
    with open_world(settings_for(wires.connection_string, lease_seconds=20)) as made:
        yield made


def a_write(method: str, path: str) -> bool:
    return method == "POST" and "batch" in path


def anything(method: str, path: str) -> bool:
    return True


def deletes(method: str, path: str) -> bool:
    return method == "DELETE"


def test_of_an_insert(world: World, wires: WiredStorage) -> None:
    wires.table.lose_answer(a_write)
    job = world.accept()
    assert wires.table.lost
    assert world.must_claim().job.uuid == job.uuid


def test_of_a_send(world: World, wires: WiredStorage) -> None:
    wires.queue.lose_answer(anything)
    job = world.accept()
    assert wires.queue.lost
    claim = world.must_claim()
    assert world.claim() is None
    assert (claim.job.uuid, world.messages()) == (job.uuid, 1)


def test_of_a_claim(world: World, wires: WiredStorage) -> None:
    world.accept()
    wires.table.lose_answer(a_write)
    claim = world.must_claim()
    assert wires.table.lost
    assert (claim.job.attempt, world.job().attempt) == (1, 1)
    assert world.finish(claim).state is State.SUCCEEDED


@pytest.mark.parametrize("outcome", [Outcome(Reason.SUCCEEDED, 0), Outcome(Reason.JOB_FAILED, 3, "text")])
def test_of_a_finish(world: World, wires: WiredStorage, outcome: Outcome) -> None:
    world.accept()
    claim = world.must_claim()
    wires.table.lose_answer(a_write)
    ended = world.finish(claim, outcome)
    assert wires.table.lost
    assert ended == world.job()
    assert ended.exit_code == outcome.exit_code
    assert world.messages() == 0
    assert world.status()["state"] == str(ended.state)


def test_of_a_renewal_of_the_row(world: World, wires: WiredStorage) -> None:
    world.accept()
    claim = world.must_claim()
    wires.table.lose_answer(lambda method, path: method == "PATCH")
    lease, job = world.backend.attempts.renew(claim.job, claim.lease)
    assert wires.table.lost
    assert lease.deadline > claim.lease.deadline
    assert world.backend.attempts.finish(job, lease, DONE).state is State.SUCCEEDED
    assert world.messages() == 0


def test_of_a_renewal_that_brings_events(world: World, wires: WiredStorage) -> None:
    """They ride on the write that is made anyway, and are there once however often they are sent."""
    world.accept()
    claim = world.must_claim()
    event = JobEvent(utc_now(), EventKind.MOUNTED, 1, "node-0")
    wires.table.lose_answer(lambda method, path: method == "PATCH")
    lease, job = world.backend.attempts.renew(claim.job, claim.lease, (), (event,))
    assert wires.table.lost
    world.counter.reset()
    lease, job = world.backend.attempts.renew(job, lease, (), (event,))
    assert world.counter.snapshot().total() == 2
    report = AttemptReport(events=(event,))
    ended = world.backend.attempts.finish(job, lease, DONE, report)
    assert [event.kind for event in ended.events].count(EventKind.MOUNTED) == 1


def test_of_a_renewal_of_the_message(world: World, wires: WiredStorage) -> None:
    """The receipt in hand is dead then; a job of days does not begin again for that."""
    world.accept()
    claim = world.must_claim()
    wires.queue.lose_answer(lambda method, path: method == "PUT")
    lease, job = world.backend.attempts.renew(claim.job, claim.lease)
    assert wires.queue.lost
    assert lease.deadline > claim.lease.deadline
    lease, job = world.backend.attempts.renew(job, lease)
    ended = world.backend.attempts.finish(job, lease, DONE)
    assert (ended.state, ended.attempt) == (State.SUCCEEDED, 1)


def test_of_a_finish_sent_again_later(world: World, wires: WiredStorage) -> None:
    """What the runner does when storage was away for longer than a client tries."""
    world.accept()
    claim = world.must_claim()
    first = world.finish(claim)
    again = world.finish(claim)
    assert again == first


def test_of_a_hand_back(world: World, wires: WiredStorage) -> None:
    world.accept()
    claim = world.must_claim()
    wires.table.lose_answer(a_write)
    world.backend.attempts.give_back(claim.job, claim.lease, "drained")
    again = world.must_claim("node-1")
    assert (again.job.attempt, again.job.max_attempts) == (2, 4)


def test_of_the_deletion_of_a_message(world: World, wires: WiredStorage) -> None:
    world.accept()
    claim = world.must_claim()
    wires.queue.lose_answer(deletes)
    assert world.finish(claim).state is State.SUCCEEDED
    assert world.messages() == 0


def test_of_a_receive(world: World, wires: WiredStorage) -> None:
    """The message is hidden and nobody has it: it comes back after a lease, and the row is still queued."""
    world.accept()
    wires.queue.lose_answer(anything)
    assert world.claim() is None
    assert world.job().state is State.QUEUED
    assert world.messages() == 1
