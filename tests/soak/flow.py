"""A steady stream of jobs: dropped at a pace, judged when they have ended, later removed by retention.

What is removed leaves nothing, so that everything has to stay level.
"""

import random
import threading
import time
from dataclasses import dataclass, field

from shared.errors import BatchAIError
from shared.jobs.model import Job, State
from tests.e2e.chaos import ledger, printed
from tests.e2e.chaos.arena import MOST_ATTEMPTS, Arena

#: Jobs that wait or run at the same time, at most.
MOST_LIVE = 8
_FIRST_SECONDS = 60.0
#: How much later than it is due the end of a job may be noticed by retention: faults, a busy machine.
LATE_SECONDS = 120.0


@dataclass
class Flow:
    """Jobs of an arena, by a thread of its own between `start` and `stop`."""

    arena: Arena
    dice: random.Random
    pace_seconds: float
    keep_seconds: float  #: between a job's end and its removal
    dropped: int = 0
    removed: int = 0
    wrong: list[str] = field(default_factory=list)  #: what the ledger says against jobs
    given_up: int = 0  #: jobs that lost as many runners as they had attempts, as promised
    _ended: dict[str, float] = field(default_factory=dict)  #: job -> its end, by monotonic
    _lines: dict[str, list[ledger.Line]] = field(default_factory=dict)
    _read: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow")

    def start(self) -> None:
        self._thread.start()

    def one(self) -> None:
        """One job from drop to removal: what an installation has after that stays (rows of nodes, of a
        workspace, an experiment)."""
        self._drop()
        self.finish(_FIRST_SECONDS)

    def stop(self) -> None:
        """No further job; those that live are left to the arena's `settle`."""
        self._stop.set()
        self._thread.join()

    @property
    def live(self) -> int:
        return self.dropped - self.removed - len(self._ended)

    def _run(self) -> None:
        while not self._stop.wait(self.dice.uniform(0.5, 1.5) * self.pace_seconds):
            self.review()
            if self.live < MOST_LIVE:
                self._drop()

    def _drop(self) -> None:
        self.arena.submit(f"soak-{self.dropped}", self.dice.choice((0.05, 0.3, 1.0, 3.0)))
        self.dropped += 1

    def finish(self, seconds: float) -> None:
        """Wait for `seconds` and for as long as they are kept until every job has ended and is gone; those
        that are not are wrong."""
        deadline = time.monotonic() + seconds + self.keep_seconds
        while self.arena.names and time.monotonic() < deadline:
            self.review()
            time.sleep(0.5)
        self.wrong += [f"{'kept' if name in self._ended else 'stuck'}: {name}" for name in self.arena.names]

    def review(self) -> None:
        """Judge what has ended, and see what has been removed that ended long enough ago."""
        for name in list(self.arena.names):
            try:
                self._look(name)
            except BatchAIError:
                continue  # storage is away: next time

    def _look(self, name: str) -> None:
        now = time.monotonic()  # faults move the clock of what sweeps
        if name not in self._ended:
            job = self.arena.world.job(name)
            if not job.state.live:
                self._judge(name, job)
                self._ended[name] = now
        elif now >= self._ended[name] + self.keep_seconds:
            if self.arena.world.manager.find(self.arena.world.id(name)) is None:
                self._forget(name)
            elif now > self._ended[name] + self.keep_seconds + LATE_SECONDS:
                self.wrong.append(f"kept: {name}")
                self._forget(name)

    def _judge(self, name: str, job: Job) -> None:
        self._read_ledger()  # what a job has written is there before its row says that it ended
        verdict = ledger.judge({name: job}, self._lines.get(name, []), MOST_ATTEMPTS)
        if job.state is State.SUCCEEDED:
            verdict.torn += printed.torn(job, self.arena.logs_of(job))
        self.given_up += len(verdict.given_up)
        self.wrong += [f"{word}: {one}" for word in ledger.WORDS for one in getattr(verdict, word)]

    def _forget(self, name: str) -> None:
        self.arena.names.remove(name)
        self._ended.pop(name)
        self._lines.pop(name, None)
        self.removed += 1

    def _read_ledger(self) -> None:
        """What jobs have written since the last look: the file of two hours is not read for each job."""
        lines, self._read = ledger.read_on(self.arena.ledger, self._read)
        for line in lines:
            self._lines.setdefault(line.job, []).append(line)
