"""One soak: two runners that faults strike and one that no fault ends, a stream of jobs, samples; retention
removes what has ended, and what is left in the end is compared with what one job had left."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from azure.core.exceptions import AzureError

from shared.managers import jobless_documents, output_retention, retention
from tests.e2e.chaos.arena import Arena
from tests.e2e.chaos.faults import FAULTS, Record
from tests.soak import samples
from tests.soak.flow import LATE_SECONDS, Flow
from tests.soak.samples import Sample

_RUNNERS = 3
_SETTLE_SECONDS = 120.0
#: Files of jobs are kept for so much longer than their rows.
_OUTPUTS_FACTOR = 1.5
_DAY_SECONDS = 86_400.0
#: What must be as it was before, to the last one.
_LEVEL = ("rows", "blobs", "messages", "outputs")


@dataclass(frozen=True)
class Plan:
    """Seconds; `storage_seconds` and `sample_seconds` lie between two looks."""

    seconds: float
    seed: int
    pace_seconds: float = 1.0
    keep_seconds: float = 60.0
    fault_seconds: float = 15.0
    sample_seconds: float = 10.0
    storage_seconds: float = 60.0

    @property
    def round_seconds(self) -> float:
        """Between two rounds of retention: an hour, and a day, in an installation."""
        return self.keep_seconds / 6


@dataclass
class Soak:
    """What came of it. `left`: what there is more or less of, after all is removed, than one job left."""

    plan: Plan
    samples: list[Sample]
    faults: dict[str, int]
    jobs: int
    wrong: list[str]
    given_up: int
    left: list[str]
    suite: list[str]  #: faults of the suite itself


def run(folder: Path, out: Path, plan: Plan, say: Callable[[str], None] = lambda line: None) -> Soak:
    """Soak for `plan.seconds` in `folder`; samples go to `out`/samples.jsonl as they are taken."""
    dice, record, suite = random.Random(plan.seed), Record(), list[str]()
    days = plan.keep_seconds / _DAY_SECONDS
    kept_longer = days * _OUTPUTS_FACTOR
    with (
        short_rounds(plan.round_seconds),
        Arena(folder, _RUNNERS, own_wires=True, keep_days=days, keep_output_days=kept_longer) as arena,
    ):
        # What is created by a clock that is ahead is kept for as much longer.
        arena.clock_error_seconds = plan.keep_seconds
        flow = Flow(arena, random.Random(plan.seed + 1), plan.pace_seconds, plan.keep_seconds)
        flow.one()
        before = _settled(arena, plan, lambda found: not found["outputs/share"])
        sampler = Sampler(arena, flow, out / "samples.jsonl", plan, say)
        flow.start()
        sampler.start()
        try:
            _strike(arena, dice, record, plan, suite)
        finally:
            flow.stop()
            sampler.stop()
        flow.finish(_SETTLE_SECONDS)
        after = _settled(arena, plan, lambda found: not left_over(before, found))
        return Soak(
            plan,
            sampler.taken,
            record.counts,
            flow.dropped,
            flow.wrong,
            flow.given_up,
            left_over(before, after),
            suite,
        )


@contextmanager
def short_rounds(seconds: float) -> Iterator[None]:
    """Retention that looks as often as that, in place of once an hour and once a day."""
    with ExitStack() as stack:
        for module in (retention, jobless_documents, output_retention):
            stack.enter_context(mock.patch.object(module, "_ROUND_SECONDS", seconds))
        yield


def _settled(arena: Arena, plan: Plan, done: Callable[[Mapping[str, float]], bool]) -> dict[str, float]:
    """What is stored once that is `done`, or when it has had its time. The files of a job are removed last,
    and its document a moment later: two looks have to show the same."""
    deadline = time.monotonic() + plan.keep_seconds * _OUTPUTS_FACTOR + LATE_SECONDS
    before: dict[str, float] = {}
    while True:
        found = _stored(arena)
        if (done(found) and not left_over(before, found)) or time.monotonic() > deadline:
            return found
        before = found
        time.sleep(1)


def _stored(arena: Arena) -> dict[str, float]:
    found = samples.of_storage(arena.endpoints.connection_string)
    return found | samples.of_share(arena.folder / "shares")


def left_over(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """What `after` has more or less of than `before`, of that which has to come back to where it was."""
    return [
        f"{name}: {before.get(name, 0):g} after one job, {after.get(name, 0):g} after the last was removed"
        for name in sorted({*before, *after})
        if name.startswith(_LEVEL) and after.get(name, 0) != before.get(name, 0)
    ]


def _strike(arena: Arena, dice: random.Random, record: Record, plan: Plan, suite: list[str]) -> None:
    """One fault after the other; those of runners strike the first two only."""
    ends = time.monotonic() + plan.seconds
    deck: list[int] = []
    while (left := ends - time.monotonic()) > 0:
        time.sleep(min(left, dice.uniform(0.5, 1.5) * plan.fault_seconds))
        if time.monotonic() >= ends:
            return
        deck = deck or dice.sample(range(len(FAULTS)), len(FAULTS))
        fault = FAULTS[deck.pop()]
        record.counts[fault.__name__] = record.counts.get(fault.__name__, 0) + 1
        try:
            fault(arena, dice, record)
        except Exception as error:  # the soak does not end: its verdict is about the jobs
            suite.append(f"{fault.__name__}: {error!r}")
            arena.mend()


class Sampler:
    """A thread that measures, writes each sample and prints a line about it."""

    def __init__(
        self, arena: Arena, flow: Flow, path: Path, plan: Plan, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self.taken: list[Sample] = []
        self._arena, self._flow, self._path, self._plan, self._say = arena, flow, path, plan, say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="samples")
        self._begun = time.monotonic()
        self._storage_due = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            sample = Sample(time.monotonic() - self._begun, self._measured())
            self.taken.append(sample)
            with self._path.open("a") as file:
                file.write(sample.line() + "\n")
            if self._stop.wait(self._plan.sample_seconds):
                return

    def _measured(self) -> dict[str, float]:
        arena = self._arena
        pids = {f"runner {n}": arena.runner(n).process.pid for n in range(_RUNNERS)}
        pids["azurite"] = arena.storage.process.pid
        values = samples.of_processes(pids)
        values |= {"jobs/dropped": self._flow.dropped, "jobs/kept": len(arena.names)}
        if (now := time.monotonic() - self._begun) >= self._storage_due:
            self._storage_due = now + self._plan.storage_seconds
            values |= self._of_storage()
            self._say(self._progress(now, values))
        return values

    def _of_storage(self) -> dict[str, float]:
        roots = [self._arena.folder / f"root-{number}" for number in range(_RUNNERS)]
        try:
            return _stored(self._arena) | samples.of_folders(roots)
        except AzureError:
            return {}  # Azurite is being restarted: a fault

    def _progress(self, now: float, values: Mapping[str, float]) -> str:
        calm = next((v for name, v in values.items() if name.startswith("memory/runner 2/")), 0.0)
        return (
            f"{now / 60:6.1f} of {self._plan.seconds / 60:.0f} min  {self._flow.dropped} jobs, "
            f"{len(self._flow.wrong)} wrong; rows {values.get('rows/jobs', 0):.0f}, runner {calm:.1f} MiB"
        )
