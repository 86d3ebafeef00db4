"""What processes cost: processor time and memory of a worker and of everything that it started."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import SIGKILL
from subprocess import DEVNULL, Popen
from typing import Any

import psutil

MIB = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """Of one worker's tree so far."""

    cpu_seconds: float  #: user and system, children that have ended among them
    memory_mib: float  #: resident, of the worker itself


def cost_of(pids: Iterable[int]) -> Cost:
    """Of these workers together, each with what it started; the memory of the largest of them."""
    cpu, memory = 0.0, 0.0
    for pid in pids:
        worker = psutil.Process(pid)
        memory = max(memory, worker.memory_info().rss / MIB)
        for process in (worker, *worker.children(recursive=True)):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue  # its parent has its time by now
            cpu += times.user + times.system + times.children_user + times.children_system
    return Cost(cpu, memory)


@contextmanager
def bystanders(count: int) -> Iterator[None]:
    """So many idle processes of somebody else on this machine."""
    if not count:
        yield
        return
    script = f"for i in $(seq {count}); do sleep 100000 & done; echo; wait"
    with Popen(["/bin/bash", "-c", script], stdout=DEVNULL, start_new_session=True) as shell:
        while len(psutil.Process(shell.pid).children()) < count:
            pass
        try:
            yield
        finally:
            os.killpg(shell.pid, SIGKILL)


def stopped(processes: Iterable["Popen[Any]"], number: int) -> None:
    """Send a signal to each: SIGSTOP and SIGCONT keep a party quiet while another is measured."""
    for process in processes:
        process.send_signal(number)
