"""A node of a job of several dies or stalls at each step; the others go on, or the job begins anew on whole
nodes. Gangs that want the same nodes never wait for each other for ever."""

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.stores.node_table import NodeRow
from tests.e2e.chaos import faults, gang_jobs, run_gangs
from tests.e2e.chaos.arena import LEASE_SECONDS, MOST_ATTEMPTS, Arena, no_process_of, wait_for
from tests.e2e.chaos.place import Place
from tests.support.waiting import eventually


@pytest.fixture
def arena(tmp_path: Path, arena_place: Place) -> Iterator[Arena]:
    with Arena(tmp_path, runners=0, at=arena_place) as made:
        yield made
    eventually(lambda: no_process_of(tmp_path) == [], 5)


def submit(arena: Arena, name: str = "gang", nodes: int = 2, seconds: float = 1.0) -> None:
    more = gang_jobs.properties(arena.folder, arena.ledger, name, nodes, seconds)
    arena.submit(name, text="true", **more)


def begin(arena: Arena, leader: dict[str, str], helper: dict[str, str], nodes: int = 2) -> None:
    """Runner 0 leads and runner 1 helps: it comes when the first one waits for it."""
    arena.start(0, leader)
    submit(arena, nodes=nodes)

    def led() -> bool:
        # Nobody leads a job that the cluster is too small for.
        for number in range(1, nodes):
            row = NodeRow(arena.world.cluster, f"soon-there-{number}", "idle", 0)
            arena.world.stores.nodes.report(row)
        return arena.job("gang").held or not arena.runner(0).alive

    wait_for(led, arena)
    arena.start(1, helper)


def settled(arena: Arena, spent: int, nodes: int = 2) -> None:
    """The job has succeeded with `spent` attempts (a gang that dissolves gives its attempt back)."""
    wait_for(lambda: not arena.job("gang").state.live, arena, 60)
    job = arena.job("gang")
    assert gang_jobs.faults(job, "gang", nodes, arena.lines()) == [], arena.logs()
    given_back = job.max_attempts - MOST_ATTEMPTS
    assert job.attempt - given_back == spent, (job.events, arena.logs())
    wait_for(lambda: arena.world.messages() == 0, arena, LEASE_SECONDS + 10)
    wait_for(lambda: rows(arena) == 0, arena, LEASE_SECONDS + 10)


def rows(arena: Arena) -> int:
    look = arena.world.stores.gangs.look(arena.world.cluster)
    return len(look.gangs) + len(look.strays)


LEADER = {
    "opened": 2,
    "hinted": 2,
    "assembled": 2,
    "gang_running": 2,
    "prepared": 2,
    "launching": 2,
    "started": 2,
    "done": 2,
    "ending": 2,
    "sealed": 2,
    "ended": 1,
    "disbanded": 1,
}
HELPER = {"joined": 2, "mounted": 2, "prepared": 2, "started": 2, "done": 2, "sealed": 2, "part_reported": 1}


@pytest.mark.parametrize("point", LEADER)
def test_the_leader_is_killed_at(arena: Arena, point: str) -> None:
    begin(arena, {"BATCHAI_FAIL_POINT": f"{point}:kill"}, {})
    assert arena.runner(0).process.wait(20) == -signal.SIGKILL, arena.logs()
    arena.start(2)
    settled(arena, LEADER[point])


@pytest.mark.parametrize("point", HELPER)
def test_a_helper_is_killed_at(arena: Arena, point: str) -> None:
    begin(arena, {}, {"BATCHAI_FAIL_POINT": f"{point}:kill"})
    assert arena.runner(1).process.wait(20) == -signal.SIGKILL, arena.logs()
    died = time.monotonic()
    arena.start(2)
    settled(arena, HELPER[point])
    assert time.monotonic() - died < 30
    if HELPER[point] > 1:
        lost = next(e for e in arena.job("gang").events if e.kind == "RetryScheduled")
        assert "RunnerLost: Node node-1" in lost.detail


def test_the_seat_of_a_helper_that_dies_while_others_lack_is_freed(arena: Arena) -> None:
    begin(arena, {}, {"BATCHAI_FAIL_POINT": "joined:kill"}, nodes=3)
    assert arena.runner(1).process.wait(20) == -signal.SIGKILL, arena.logs()
    gangs = arena.world.stores.gangs
    wait_for(lambda: len(gangs.look(arena.world.cluster).gangs[0].members) == 1, arena)
    arena.start(2)
    arena.start(3)
    settled(arena, 1, nodes=3)


@pytest.mark.parametrize("who", [0, 1])
def test_a_node_is_stalled_for_longer_than_it_may_be_silent(arena: Arena, tmp_path: Path, who: int) -> None:
    """What it had started is dead before the next attempt begins, and it writes nothing when it wakes up."""
    stall = {"BATCHAI_FAIL_POINT": f"started:stop:{tmp_path}/once"}
    begin(arena, *((stall, {}) if who == 0 else ({}, stall)))
    state = Path(f"/proc/{arena.runner(who).process.pid}/stat")
    wait_for(lambda: state.read_text().split()[2] == "T", arena)
    arena.start(2)
    wait_for(lambda: not arena.job("gang").state.live, arena, 40)
    arena.signal(who, signal.SIGCONT)
    wait_for(lambda: state.read_text().split()[2] != "T", arena)
    settled(arena, 2)


@pytest.mark.parametrize("who", [0, 1])
def test_a_node_whose_network_is_cut_for_longer_than_the_lease(arena: Arena, who: int) -> None:
    """Nothing of the first attempt runs when the second one begins; afterwards the node works as before."""
    wires = arena.wires_of_its_own()
    own = {"BATCHAI_STORAGE": wires.connection_string}
    begin(arena, *((own, {}) if who == 0 else ({}, own)))
    wait_for(lambda: len(arena.lines()) == 2, arena)
    for wire in (wires.blob, wires.queue, wires.table):
        wire.dead.set()
    cut = time.monotonic()
    arena.start(2)
    wait_for(lambda: time.monotonic() - cut > LEASE_SECONDS + 1, arena)
    wait_for(lambda: arena.job("gang").attempt >= 2, arena)
    for wire in (wires.blob, wires.queue, wires.table):
        wire.dead.clear()
    settled(arena, 2)
    arena.runner(2).stop(10)
    submit(arena, "again", seconds=0.1)
    wait_for(lambda: arena.job("again").state == "succeeded", arena)


def test_whatever_happens_no_gang_runs_in_parts_twice_or_never(tmp_path: Path) -> None:
    """A short run; `python -m tests.e2e.chaos --gangs --minutes 10 --seed 7` runs it for longer."""
    assert run_gangs.run(tmp_path, seconds=40, seed=20180501) == []


def test_gangs_over_storage_that_fails_now_and_then(arena: Arena) -> None:
    """Refused, hanging and unanswered requests, in an order that the seed gives."""
    dice, record = random.Random(11), faults.Record()
    for number in range(3):
        arena.start(number)
    names = [f"gang-{number}" for number in range(6)]
    for name in names:
        submit(arena, name, 2, 0.3)
    for fault in (
        faults.lost_answer_of_a_write,
        faults.lost_answer_of_a_message,
        faults.refusing_storage,
        faults.lost_answer_of_a_write,
        faults.hanging_storage,
        faults.duplicate_message,
        faults.lost_answer_of_a_write,
        faults.lost_answer_of_a_write,
    ):
        fault(arena, dice, record)
    wait_for(lambda: all(not arena.job(name).state.live for name in names), arena, 120)
    lines = arena.lines()
    for name in names:
        assert gang_jobs.faults(arena.job(name), name, 2, lines) == [], arena.logs()
    wait_for(lambda: rows(arena) == 0, arena, 20)


def gangs_compete(tmp_path: Path, arena_place: Place, rounds: int) -> float:
    """Two gangs of two on three nodes, again and again; the seconds it took."""
    with Arena(tmp_path, runners=3, at=arena_place) as arena:
        begun = time.monotonic()
        for number in range(rounds):
            for name in ("a", "b"):
                submit(arena, f"{name}-{number}", 2, 0.05)
            pair = (f"a-{number}", f"b-{number}")
            wait_for(lambda: all(not arena.job(n).state.live for n in pair), arena, 60)  # noqa: B023
        seconds = time.monotonic() - begun
        for name in arena.names:
            assert gang_jobs.faults(arena.job(name), name, 2, arena.lines()) == [], arena.logs()
        wait_for(lambda: rows(arena) == 0, arena)
        return seconds


def test_two_gangs_of_two_on_three_nodes(tmp_path: Path, arena_place: Place) -> None:
    gangs_compete(tmp_path, arena_place, 5)


def test_singles_and_gangs_on_four_nodes(tmp_path: Path, arena_place: Place) -> None:
    """Forty jobs, all at once: none waits for ever, none runs in parts."""
    with Arena(tmp_path, runners=4, at=arena_place) as arena:
        sizes = {f"job-{number}": (1, 1, 2, 1, 3)[number % 5] for number in range(38)}
        sizes |= {"all-1": 4, "all-2": 4}
        for name, nodes in sizes.items():
            if nodes == 1:
                arena.submit(name, 0.1)
            else:
                submit(arena, name, nodes, 0.1)
        wait_for(lambda: all(not arena.job(name).state.live for name in sizes), arena, 180)
        lines = arena.lines()
        faults = [
            fault
            for name, nodes in sizes.items()
            if nodes > 1
            for fault in gang_jobs.faults(arena.job(name), name, nodes, lines)
        ]
        assert faults == [], arena.logs()
        assert all(arena.job(name).state == "succeeded" for name in sizes)
        wait_for(lambda: rows(arena) == 0, arena)
