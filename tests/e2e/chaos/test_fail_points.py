"""The runner dies around each step of docs/explanation/protocol.md; another one brings the job to its end."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.fail_points import POINTS
from shared.jobs.model import State
from tests.e2e.chaos.arena import LEASE_SECONDS, Arena, no_process_of, wait_for
from tests.e2e.chaos.place import Place
from tests.support.waiting import eventually

#: Until here nobody else may have seen anything of the job, or everybody has: its first attempt counts.
ONE_ATTEMPT = ("received", "ended", "reported", "deleted")


@pytest.fixture
def arena(tmp_path: Path, arena_place: Place) -> Iterator[Arena]:
    with Arena(tmp_path, runners=0, at=arena_place) as made:
        yield made
    eventually(lambda: no_process_of(tmp_path) == [], 5)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(arena: Arena, tmp_path: Path, point: str) -> None:
    doomed = arena.start(0, {"BATCHAI_FAIL_POINT": f"{point}:kill"})
    arena.submit("job")
    assert doomed.process.wait(20) == -signal.SIGKILL, arena.logs()
    died = time.monotonic()
    arena.start(1)
    verdict = arena.settle(20)
    assert verdict.good, (verdict, arena.logs())
    job = arena.job("job")
    assert job.attempt == (1 if point in ONE_ATTEMPT else 2), arena.logs()
    status = arena.world.status("job")
    assert (status["state"], status["exitCode"]) == ("succeeded", 0)
    assert time.monotonic() - died < LEASE_SECONDS + 10


@pytest.mark.parametrize("point", ["claimed", "started", "stopped", "sealed", "ended", "reported"])
def test_stalled_at_and_awake_when_it_is_too_late(arena: Arena, tmp_path: Path, point: str) -> None:
    """SIGSTOP for longer than the lease, then SIGCONT: the stalled owner writes nothing."""
    stalled = arena.start(0, {"BATCHAI_FAIL_POINT": f"{point}:stop:{tmp_path}/once"})
    arena.submit("job", seconds=1)
    state = Path(f"/proc/{stalled.process.pid}/stat")
    wait_for(lambda: state.read_text().split()[2] == "T", arena)
    arena.start(1)
    # When the other runner has brought it to its end and the first one wakes up
    wait_for(lambda: not arena.job("job").state.live, arena, 25)
    before = arena.job("job")
    arena.signal(0, signal.SIGCONT)
    wait_for(lambda: state.read_text().split()[2] != "T", arena)
    # Then it continues with other jobs, and has changed nothing about this one
    arena.runner(1).stop(10)
    arena.submit("other")
    verdict = arena.settle(25)
    assert verdict.good, (verdict, arena.logs())
    assert arena.job("job") == before
    assert before.attempt == (1 if point in ONE_ATTEMPT else 2)


def test_a_fault_of_ours_is_tried_again_with_a_pause(arena: Arena, tmp_path: Path) -> None:
    arena.start(0, {"BATCHAI_FAIL_POINT": f"mounted:fault:{tmp_path}/once"})
    arena.submit("job")
    verdict = arena.settle(20)
    assert verdict.good, (verdict, arena.logs())
    assert arena.job("job").attempt == 2


def test_a_job_whose_runner_dies_three_times_is_given_up(tmp_path: Path, arena_place: Place) -> None:
    with Arena(tmp_path, runners=0, max_attempts=3, at=arena_place) as arena:
        arena.submit("job", text="true")
        for number in range(3):
            doomed = arena.start(number, {"BATCHAI_FAIL_POINT": "started:kill"})
            assert doomed.process.wait(20) == -signal.SIGKILL
        arena.start(3)
        wait_for(lambda: not arena.job("job").state.live, arena)
        job = arena.job("job")
        assert (job.state, job.errors[0].code) == (State.FAILED, "RunnerLost")
        lost = [event.node for event in job.events if event.kind == "RunnerLost"]
        assert lost == ["node-0", "node-1", "node-2"]
