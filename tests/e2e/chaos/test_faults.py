"""Single faults with a known answer: clocks, storage that ends in mid-job, drops overwritten, duplicates."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.jobs.model import State
from tests.e2e.chaos.arena import LEASE_SECONDS, Arena, faketime, no_process_of, wait_for
from tests.e2e.chaos.place import Place
from tests.support.waiting import eventually


@pytest.fixture
def arena(tmp_path: Path, arena_place: Place) -> Iterator[Arena]:
    with Arena(tmp_path, runners=0, at=arena_place) as made:
        yield made
    eventually(lambda: no_process_of(tmp_path) == [], 5)


@pytest.mark.parametrize("clock", ["+10m", "-10m"])
def test_clocks_ten_minutes_off_decide_nothing(arena: Arena, clock: str) -> None:
    """Leases go by the monotonic clock and by the service's; the wall clock is for people."""
    if not faketime():
        pytest.skip("no faketime on this machine")
    wrong = arena.start(0, clock=clock)
    arena.submit("first", seconds=LEASE_SECONDS + 1)
    wait_for(lambda: arena.begun("first"), arena)
    arena.start(1)
    # A job longer than the lease stays where it is, and the node counts as alive all the while
    wait_for(lambda: not arena.job("first").state.live, arena)
    assert (arena.job("first").attempt, arena.job("first").state) == (1, State.SUCCEEDED)
    # A lost runner with a wrong clock is succeeded in time
    arena.runner(1).stop(10)
    arena.submit("second", seconds=2)
    wait_for(lambda: arena.begun("second"), arena)
    wrong.process.send_signal(signal.SIGKILL)
    died = time.monotonic()
    arena.start(2)
    verdict = arena.settle(25)
    assert verdict.good, (verdict, arena.logs())
    assert arena.job("second").attempt == 2
    assert time.monotonic() - died < LEASE_SECONDS + 12


def test_azurite_restarts_in_mid_job(tmp_path: Path) -> None:
    with Arena(tmp_path, runners=1) as arena:
        arena.submit("job", seconds=1.5)
        wait_for(lambda: arena.begun("job"), arena)
        arena.restart_storage(0.5)
        verdict = arena.settle(30)
        assert verdict.good, (verdict, arena.logs())
        assert arena.job("job").attempt == 1, "an outage shorter than the lease costs no attempt"


def test_storage_away_for_longer_than_the_lease_kills_the_job_before_another_has_it(arena: Arena) -> None:
    arena.start(0)
    arena.submit("job", seconds=3)
    wait_for(lambda: arena.begun("job"), arena)
    for wire in (arena.wires.table, arena.wires.queue):
        wire.refusing = True
    deadline = time.monotonic() + LEASE_SECONDS + 2
    eventually(lambda: time.monotonic() > deadline, LEASE_SECONDS + 4)
    for wire in (arena.wires.table, arena.wires.queue):
        wire.refusing = False
    verdict = arena.settle(40)
    assert verdict.good, (verdict, arena.logs())
    assert arena.job("job").attempt == 2


def test_a_drop_overwritten_while_it_waits_is_refused_and_the_accepted_one_runs(arena: Arena) -> None:
    arena.submit("job")
    answer = arena.world.submit("job", b'{"properties": {"nodeCount": 1}}', etag="0xother")
    assert not answer.accepted
    arena.start(0)
    verdict = arena.settle(20)
    assert verdict.good, (verdict, arena.logs())


def test_ten_messages_of_one_job_run_it_once(arena: Arena) -> None:
    arena.submit("job", seconds=1)
    for _ in range(9):
        arena.world.stores.queues.send(arena.job("job"))
    arena.start(0)
    arena.start(1)
    verdict = arena.settle(25)
    assert verdict.good, (verdict, arena.logs())
    assert [line.what for line in arena.lines()] == ["begin", "effect"]


def test_a_graceful_stop_hands_the_job_back_in_time(arena: Arena) -> None:
    arena.start(0)
    arena.submit("job", seconds=4)
    wait_for(lambda: arena.begun("job"), arena)
    arena.signal(0, signal.SIGTERM)
    asked = time.monotonic()
    wait_for(lambda: arena.job("job").state is State.QUEUED, arena, 5)
    assert time.monotonic() - asked < 5
    assert arena.runner(0).process.wait(10) == 0
    arena.start(1)
    verdict = arena.settle(25)
    assert verdict.good, (verdict, arena.logs())
    job = arena.job("job")
    assert (job.attempt, job.max_attempts) == (2, 51), "nothing of the budget is used up"


def test_the_job_of_a_lost_runner_begins_elsewhere_within_its_lease(arena: Arena) -> None:
    """The promise is the lease and ten seconds, with a lease of 90 s; here the lease is 3 s."""
    arena.start(0)
    arena.submit("job", seconds=1.5)
    wait_for(lambda: arena.begun("job"), arena)
    arena.start(1)
    died = time.time()
    arena.signal(0, signal.SIGKILL)
    again = eventually(lambda: arena.begun("job", 2), LEASE_SECONDS + 10)
    print(f"begun again after {again.at - died:.1f} s")
    assert again.at - died < LEASE_SECONDS + 3
    verdict = arena.settle(25)
    assert verdict.good, (verdict, arena.logs())
