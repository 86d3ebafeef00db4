"""A run of chaos: jobs keep coming while faults follow one another at random; then everything must settle."""

import random
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.chaos import ledger
from tests.e2e.chaos.arena import Arena
from tests.e2e.chaos.faults import FAULTS, Record
from tests.e2e.chaos.ledger import Verdict

_SETTLE_SECONDS = 90.0
#: Texts that have broken columns: wide, right to left, combining, control, and what looks like a variable.
HOSTILE = "\U0001f600 \u202eabc\u202c e\u0301 \x1b[31m \t \\ ' \" ${HOME} %PATH% $(id)\n"
#: Jobs that wait at the same time, at most: chaos is about what happens to them, not about long queues.
_MOST_WAITING = 6


@dataclass
class Report:
    seed: int
    seconds: float
    verdict: Verdict
    record: Record
    recoveries: list[float]
    logs: str
    left: list[str]  #: messages
    suite: list[str]  #: faults of the suite itself: what it was about to do, and what kept it from that

    def table(self) -> str:
        """For people and for docs/explanation/reliability.md."""
        verdict, counts = self.verdict, self.record.counts
        rows = [("jobs", verdict.jobs), ("attempts", verdict.attempts), ("faults", sum(counts.values()))]
        rows += [(f"  {kind.replace('_', ' ')}", counts[kind]) for kind in sorted(counts)]
        rows += [(word, len(getattr(verdict, word))) for word in ledger.WORDS]
        lines = [
            f"seed {self.seed}, {self.seconds:.0f} s",
            *(f"{name:<28}{count:>5}" for name, count in rows),
        ]
        if self.recoveries:
            middle, worst = statistics.median(self.recoveries), max(self.recoveries)
            lines.append(
                f"recovery p50 {middle:.1f} s, worst {worst:.1f} s ({len(self.recoveries)} runners lost)"
            )
        if verdict.given_up:
            lines.append(f"given up after all attempts lost their runners: {' '.join(verdict.given_up)}")
        for word in ledger.WORDS:
            lines += [f"{word.upper()}: {what}" for what in getattr(verdict, word)]
        lines += [f"message left: {text}" for text in self.left]
        lines += [f"FAULT OF THE SUITE: {what}" for what in self.suite]
        return "\n".join(lines)


def run(folder: Path, seconds: float, seed: int, say: Callable[[str], None] = lambda line: None) -> Report:
    """Break things for `seconds` and judge. The faults of a seed are the same each time; when exactly each of
    them strikes is the machine's to decide."""
    dice, record, begun = random.Random(seed), Record(), time.monotonic()
    suite: list[str] = []
    with Arena(folder, runners=2, max_attempts=3, own_wires=True) as arena:
        ended = threading.Event()
        drops = threading.Thread(target=drop, args=(arena, random.Random(seed + 1), ended), name="drops")
        drops.start()
        try:
            while not arena.names:
                time.sleep(0.05)
            deck: list[int] = []
            while time.monotonic() - begun < seconds:
                # A shuffled deck, so that a short run has every kind.
                deck = deck or dice.sample(range(len(FAULTS)), len(FAULTS))
                fault = FAULTS[deck.pop()]
                say(f"{time.monotonic() - begun:6.1f} s  {fault.__name__.replace('_', ' ')}")
                record.counts[fault.__name__] = record.counts.get(fault.__name__, 0) + 1
                try:
                    fault(arena, dice, record)
                except Exception as error:  # the run continues: its verdict is about the jobs
                    suite.append(f"{fault.__name__}: {error!r}")
                    arena.mend()
                time.sleep(dice.uniform(0.1, 1.0))
        finally:
            ended.set()
            drops.join()
        verdict = arena.settle(_SETTLE_SECONDS)
        recoveries = ledger.recoveries(arena.lines(), record.lost)
        return Report(
            seed,
            time.monotonic() - begun,
            verdict,
            record,
            recoveries,
            arena.logs(),
            arena.messages_left,
            suite,
        )


def drop(arena: Arena, dice: random.Random, ended: threading.Event) -> None:
    """Submit jobs until it has ended."""
    number = 0
    while not ended.wait(dice.uniform(0.05, 0.6)):
        effects = {line.job for line in arena.lines() if line.what == "effect"}
        if len(arena.names) - len(effects) < _MOST_WAITING:
            hostile = [{"name": "TEXT", "value": HOSTILE * dice.randint(1, 40)}]
            arena.submit(f"job-{number}", dice.choice((0.05, 0.3, 1.0, 3.0)), environmentVariables=hostile)
            number += 1
