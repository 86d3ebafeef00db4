"""LeaseKeeper over a real queue and table, through a wire that can refuse and go dead."""

import time
from collections.abc import Iterator

import pytest

from local.azurite import Endpoints
from runner.agent.lease_keeper import LeaseKeeper
from runner.processes.stop_signal import StopReason, StopSignal
from shared.jobs.model import Lease, State
from shared.managers.claims import Claim
from tests.support.waiting import eventually
from tests.support.wire import WiredStorage
from tests.support.world import DONE, World, settings_for
from tests.support.world import world as open_world

MARGIN = 1.0


@pytest.fixture
def wires(azurite: Endpoints, installation: str) -> Iterator[WiredStorage]:
    with WiredStorage(azurite) as wires:
        yield wires


@pytest.fixture
def world(installation: str) -> Iterator[World]:
    with open_world(settings_for(installation, lease_seconds=3, renew_seconds=0.3)) as made:
        yield made


class Kept:
    """A claimed job with its keeper, over storage of its own."""

    def __init__(self, world: World, runner: World) -> None:
        world.accept()
        self.claim: Claim = runner.must_claim()
        self.stop = StopSignal()
        settings = world.settings
        self.lease = self.claim.lease  #: as last renewed
        self.keeper = LeaseKeeper(
            runner.backend.attempts,
            self.claim.job,
            self.lease,
            self.stop,
            settings.renew_seconds,
            MARGIN,
            renewed=self._renewed,
        )
        self.keeper.start()

    def _renewed(self, lease: Lease) -> None:
        self.lease = lease

    def stopped(self, seconds: float) -> StopReason:
        return eventually(lambda: self.stop.reason, seconds)


@pytest.fixture
def kept(world: World, wires: WiredStorage) -> Iterator[Kept]:
    settings = settings_for(
        wires.connection_string, lease_seconds=3, renew_seconds=0.3, default_workspace=world.cluster.workspace
    )
    runner = World(settings)
    made = Kept(world, runner)
    yield made
    for wire in (wires.queue, wires.table):
        wire.dead.clear()
        wire.refusing = False
    made.keeper.end()
    runner.backend.close()


def test_a_lease_is_kept_for_longer_than_it_lasts(world: World, kept: Kept) -> None:
    deadline = time.monotonic() + world.settings.lease_seconds + 1
    while time.monotonic() < deadline:
        assert world.claim("node-1") is None
        time.sleep(0.1)
    assert kept.stop.reason is None
    job, lease = kept.keeper.end()
    assert lease.deadline > time.monotonic() + 1
    assert world.backend.attempts.finish(job, lease, DONE).state is State.SUCCEEDED


def test_terminate_is_heard_within_a_renewal(world: World, kept: Kept) -> None:
    world.manager.terminate(world.id())
    assert kept.stopped(2) is StopReason.TERMINATED
    job, _ = kept.keeper.end()
    assert job.state is State.TERMINATING


def test_a_lease_in_other_hands_is_lost(world: World, kept: Kept) -> None:
    world.backend.attempts.give_back(world.job(), kept.lease, "taken away")
    assert kept.stopped(2) is StopReason.LOST


def test_storage_that_refuses_for_a_moment_is_no_loss(world: World, wires: WiredStorage, kept: Kept) -> None:
    wires.table.refusing = True
    seen = len(wires.table.seen)
    eventually(lambda: len(wires.table.seen) > seen)
    wires.table.refusing = False
    before = kept.lease.deadline
    eventually(lambda: kept.lease.deadline > before + 0.2, 5)
    assert kept.stop.reason is None


@pytest.mark.parametrize("service", ["queue", "table"])
@pytest.mark.parametrize("how", ["refusing", "dead"])
def test_storage_that_stays_away_stops_the_job_before_the_lease_ends(
    wires: WiredStorage, kept: Kept, service: str, how: str
) -> None:
    wire = getattr(wires, service)
    if how == "dead":
        wire.dead.set()
    else:
        wire.refusing = True
    assert kept.stopped(10) is StopReason.LOST
    left = kept.lease.deadline - time.monotonic()
    assert 0 < left <= MARGIN + 0.1


def test_an_unexpected_answer_ends_the_lease_too(wires: WiredStorage, kept: Kept) -> None:
    """Whatever fails while renewing: an unrenewed lease ends, and so does the job."""
    wires.table.garbling = True
    assert kept.stopped(10) is StopReason.LOST
    assert kept.lease.deadline > time.monotonic()


@pytest.mark.parametrize("how", ["refusing", "dead"])
def test_the_lease_of_a_job_that_is_over_comes_back(
    world: World, wires: WiredStorage, kept: Kept, how: str
) -> None:
    """Nothing of it can run twice: what it came to, and its last lines, are reported if nobody has taken
    it."""
    kept.stop.job_is_over()
    if how == "dead":
        wires.table.dead.set()
    else:
        wires.table.refusing = True
    ended = kept.lease.deadline
    eventually(lambda: time.monotonic() > ended, 5)
    wires.table.refusing = False
    wires.table.dead.clear()
    eventually(lambda: kept.lease.deadline > ended + 0.5, 10)
    assert kept.stop.reason is None
    job, lease = kept.keeper.end()
    assert world.backend.attempts.finish(job, lease, DONE).state is State.SUCCEEDED


def test_a_job_that_is_over_is_lost_to_who_took_it(world: World, wires: WiredStorage, kept: Kept) -> None:
    kept.stop.job_is_over()
    wires.table.refusing = True
    claim = eventually(lambda: world.claim("node-1"), 10)
    wires.table.refusing = False
    assert claim.job.attempt == 2
    assert kept.stopped(10) is StopReason.LOST


def test_a_renewal_is_had_when_it_is_asked_for(world: World) -> None:
    """Long before it is due: whoever asks wants to know whether storage answers."""
    settings = settings_for(
        world.settings.storage,
        lease_seconds=60,
        renew_seconds=40,
        default_workspace=world.cluster.workspace,
    )
    runner = World(settings)
    kept = Kept(runner, runner)
    try:
        since = time.monotonic()
        assert kept.keeper.renewed_since(since) == 0.0
        at = eventually(lambda: kept.keeper.renewed_since(since), 5)
        assert since < at <= time.monotonic() and kept.lease.deadline > since + 59
        assert kept.keeper.renewed_since(since) == at, "once"
    finally:
        kept.keeper.end()
        runner.backend.close()
