"""What a sweep costs: storage calls, counted. An end costs the same however many runs there are."""

import threading
import time

import pytest

from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.sweeps import Sweeps, sweep_document


def made(runs: int, at_once: int) -> Sweeps:
    sweeps = Sweeps(memory_world())
    sweeps.accept(sweep_document(parameters=None, array=f"0-{runs - 1}", maxConcurrent=at_once))
    sweeps.deliver()
    return sweeps


def calls(world: MemoryWorld, act: object) -> list[str]:
    assert callable(act)
    return [f"{call.service} {call.verb}" for call in world.calls(act)]


@pytest.mark.parametrize(("runs", "at_once"), [(10, 2), (60, 40)])
def test_an_end_reads_one_job_and_makes_the_next(runs: int, at_once: int) -> None:
    sweeps = made(runs, at_once)
    name = sweeps.run_one()
    assert name
    sweeps.deliver()  # status.json of the sweep, once in ten seconds
    second = sweeps.run_one()
    assert second
    number = int(second.rpartition("-")[2])
    found = calls(sweeps.world, lambda: sweeps.manager.work(sweeps.id, (number,)))
    assert found == [
        "table get",  # the sweep
        "table get",  # the job that has ended
        "table transaction",  # its result, and the next run reserved
        "blob upload",  # the next run's accepted document,
        "table transaction",  # row,
        "queue send",  # message
        "blob upload",  # and status.json
        "table transaction",  # it is made
    ]


def test_the_timer_asks_once_for_all_jobs_of_a_sweep() -> None:
    """Up to a thousand of them: a page of the table service, and one of those that live."""
    sweeps = made(60, 60)
    found = calls(sweeps.world, sweeps.manager.mend)
    assert found == ["table query", "table get", "table get", "table query", "table query"]
    idle = memory_world()
    assert calls(idle, idle.backend.sweeps.mend) == ["table query"]


def test_a_page_of_runs_is_a_few_calls() -> None:
    sweeps = made(60, 30)
    sweeps.run_one()
    sweeps.deliver()
    found = calls(sweeps.world, lambda: sweeps.manager.runs(sweeps.get(), 0, 1_000))
    assert len(found) <= 4, found


def test_ends_that_come_together_are_counted_together() -> None:
    """16 messages at once, as the host delivers them: nothing waits for 16 turns."""
    sweeps = made(60, 40)
    names = [sweeps.run_one() for _ in range(16)]
    numbers = [int(str(name).rpartition("-")[2]) for name in names]
    begun, held = threading.Event(), threading.Event()
    faults = sweeps.world.faults
    faults.meanwhile(lambda call: call.verb == "get" and "sweep|" in call.name, lambda: held.wait(10))

    def deliver(number: int) -> None:
        begun.wait(10)
        sweeps.manager.work(sweeps.id, (number,))

    threads = [threading.Thread(target=deliver, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    begun.set()
    time.sleep(0.5)  # all but the first wait for their turn
    before = len(faults.calls)
    held.set()
    for thread in threads:
        thread.join(20)
    assert sweeps.get().ended_count == 16
    written = [c for c in faults.calls[before:] if c.verb == "transaction" and "sweep|" in c.name]
    assert len(written) <= 6, "a reservation and a confirmation for each of two steps, or three"
