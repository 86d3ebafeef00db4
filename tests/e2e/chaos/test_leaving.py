"""A runner that is to leave is gone in time, whatever storage does; another one takes its job over."""

import signal
import time
from pathlib import Path

from runner.agent.shutdown import LEAVE_SECONDS, OUT_OF_TIME
from shared.jobs.model import State
from tests.e2e.chaos.arena import TIMES, Arena, no_process_of, wait_for
from tests.e2e.chaos.place import Place
from tests.support.waiting import eventually
from tests.support.wire import Wire

_BOUND = float(TIMES["BATCHAI_DRAIN_SECONDS"]) + LEAVE_SECONDS


def wires(arena: Arena) -> tuple[Wire, ...]:
    return (arena.wires.table, arena.wires.queue, arena.wires.blob, arena.files_wire)


def nodes(arena: Arena) -> set[str]:
    return {view.node_id for view in arena.world.backend.clusters.node_views(arena.world.cluster)}


def test_all_of_storage_hangs(tmp_path: Path, arena_place: Place) -> None:
    """One runner is at work, another one waits for work."""
    with Arena(tmp_path, runners=1, at=arena_place) as arena:
        arena.submit("job", seconds=60)
        wait_for(lambda: arena.begun("job"), arena)
        arena.start(1)
        wait_for(lambda: "node-1" in nodes(arena), arena)
        for wire in wires(arena):
            wire.dead.set()
        asked = time.monotonic()
        for number in range(2):
            arena.signal(number, signal.SIGTERM)
        for number in range(2):
            code = arena.runner(number).process.wait(max(0.1, asked + _BOUND + 1 - time.monotonic()))
            assert code == OUT_OF_TIME, arena.logs()
        eventually(lambda: no_process_of(tmp_path / "root-0") == [], 2)
        for wire in wires(arena):
            wire.dead.clear()
        arena.start(2)
        wait_for(lambda: arena.begun("job", 2), arena)


def test_only_the_share_of_the_logs_hangs(tmp_path: Path, arena_place: Place) -> None:
    """The job is handed back in order: nobody waits for its lease."""
    with Arena(tmp_path, runners=1, lease_seconds=30, at=arena_place) as arena:
        arena.submit("job", seconds=60)
        wait_for(lambda: arena.begun("job"), arena)
        arena.files_wire.dead.set()
        arena.signal(0, signal.SIGTERM)
        assert arena.runner(0).process.wait(_BOUND) == 0, arena.logs()
        job = arena.job("job")
        assert (job.state, job.attempt, job.events[-1].kind) == (State.QUEUED, 1, "HandedBack")
        assert nodes(arena) == set()
