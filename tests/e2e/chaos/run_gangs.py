"""A run of chaos with jobs of one, two and three nodes on three runners."""

import random
import time
from collections.abc import Callable
from pathlib import Path

from shared.errors import BatchAIError
from shared.jobs.model import State
from tests.e2e.chaos import gang_jobs
from tests.e2e.chaos.arena import Arena
from tests.e2e.chaos.faults import FAULTS, Record
from tests.support.waiting import eventually

_MOST_WAITING = 4
_SETTLE_SECONDS = 150.0


def run(folder: Path, seconds: float, seed: int, say: Callable[[str], None] = lambda line: None) -> list[str]:
    """Break things for `seconds` while jobs keep coming, and let everything settle. What is wrong then: jobs
    that are stuck, lost, or have run in parts or twice at a time, and gangs that nobody has removed."""
    dice, record, begun = random.Random(seed), Record(), time.monotonic()
    sizes: dict[str, int] = {}
    with Arena(folder, runners=3, own_wires=True) as arena:
        while time.monotonic() - begun < seconds:
            if sum(not _is_over(arena, name) for name in sizes) < _MOST_WAITING:
                _submit(arena, sizes, dice)
            fault = dice.choice(FAULTS)
            say(f"{time.monotonic() - begun:6.1f} s  {len(sizes)} jobs, {fault.__name__.replace('_', ' ')}")
            fault(arena, dice, record)
            time.sleep(dice.uniform(0.1, 1.0))
        try:
            eventually(lambda: all(_is_over(arena, name) for name in sizes), _SETTLE_SECONDS, 0.5)
            eventually(lambda: not _gangs(arena), 30, 0.5)
        except AssertionError:
            pass  # what is wrong is reported below
        lines = arena.lines()
        wrong = [f"left: {gang}" for gang in _gangs(arena)]
        for name, nodes in sizes.items():
            job = arena.job(name)
            if nodes > 1:
                wrong += gang_jobs.faults(job, name, nodes, lines)
            elif job.state is not State.SUCCEEDED:
                wrong.append(f"{name}: {job.state}, {job.errors}")
        attempts = sum(arena.job(name).attempt for name in sizes)
        say(f"{len(sizes)} jobs, {attempts} attempts, {len(wrong)} wrong")
        return [*wrong, arena.logs()] if wrong else []


def _submit(arena: Arena, sizes: dict[str, int], dice: random.Random) -> None:
    nodes, seconds = dice.choice((1, 2, 2, 3)), dice.choice((0.05, 0.5, 2.0))
    name = f"job-{len(sizes)}"
    sizes[name] = nodes
    if nodes == 1:
        arena.submit(name, seconds)
    else:
        more = gang_jobs.properties(arena.folder, arena.ledger, name, nodes, seconds)
        arena.submit(name, text="true", **more)


def _is_over(arena: Arena, name: str) -> bool:
    try:
        return not arena.world.job(name).state.live
    except BatchAIError:
        return False


def _gangs(arena: Arena) -> list[str]:
    look = arena.world.stores.gangs.look(arena.world.cluster)
    return [str(gang.job) for gang in look.gangs] + [stray.uuid for stray in look.strays]
