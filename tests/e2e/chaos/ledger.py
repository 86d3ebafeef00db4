"""What the jobs themselves have done, as written by the jobs: one line each, appended to a file on this
machine.

    <seconds> <job> <attempt> begin|effect

The rows say what we believe, the ledger what happened. A job is *lost* when it has not succeeded though
nothing is wrong with it, unless all its attempts lost their runners (*given up*, as promised); *double* when
an earlier attempt does anything after a later one has begun; *untrue* when its row names another attempt than
the one that had the effect; *stuck* when it has not ended; *torn* when its log is not what it has printed, or
not what its row says (printed.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.jobs.events import EventKind
from shared.jobs.model import Job, State
from tests.e2e.chaos import printed


@dataclass(frozen=True)
class Line:
    at: float
    job: str
    attempt: int
    what: str


def command(ledger: Path, job: str, seconds: float) -> str:
    """Shell text of a job that takes `seconds`. `>>` of one short line is one write: nothing is torn."""

    def report(what: str) -> str:
        return f"echo $(date +%s.%N) {job} $AZ_BATCHAI_ATTEMPT {what} >> {ledger}"

    first, second = (printed.command(job, half) for half in (1, 2))
    return f"{report('begin')}; {first}; sleep {seconds:.2f}; {second}; {report('effect')}"


def read(ledger: Path) -> list[Line]:
    return [_line(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def read_on(ledger: Path, offset: int) -> tuple[list[Line], int]:
    """The whole lines after the byte `offset`, and where the next ones begin."""
    if not ledger.exists():
        return [], offset
    with ledger.open("rb") as file:
        file.seek(offset)
        text = file.read()
    text = text[: text.rfind(b"\n") + 1]
    return [_line(line) for line in text.decode().splitlines()], offset + len(text)


def _line(text: str) -> Line:
    at, job, attempt, what = text.split()
    return Line(float(at), job, int(attempt), what)


#: What can be wrong with a job.
WORDS = ("lost", "double", "untrue", "stuck", "torn")


@dataclass
class Verdict:
    jobs: int = 0
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    attempts: int = 0
    given_up: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not any(getattr(self, word) for word in WORDS)


def judge(jobs: Mapping[str, Job], lines: Iterable[Line], most_attempts: int = 3) -> Verdict:
    """The verdict on jobs that should all have succeeded by now."""
    verdict = Verdict(len(jobs))
    message: dict[str, list[Line]] = {name: [] for name in jobs}
    for line in lines:
        message.setdefault(line.job, []).append(line)
    for name, job in jobs.items():
        verdict.attempts += job.attempt
        attempts = [line.attempt for line in message[name]]
        if attempts != sorted(attempts):
            verdict.double.append(f"{name}: {attempts}")
        effects = {line.attempt for line in message[name] if line.what == "effect"}
        if job.state.live:
            verdict.stuck.append(f"{name}: {job.state}, attempt {job.attempt}")
        elif job.state is State.FAILED and _runners_lost(job) >= most_attempts:
            verdict.given_up.append(name)
        elif job.state is not State.SUCCEEDED:
            verdict.lost.append(f"{name}: {job.errors}")
        elif job.attempt not in effects:
            verdict.untrue.append(f"{name}: ended by attempt {job.attempt}, effects of {effects}")
    return verdict


def _runners_lost(job: Job) -> int:
    return sum(event.kind is EventKind.RUNNER_LOST for event in job.events)


def recoveries(lines: Iterable[Line], faults: Sequence[tuple[float, str]]) -> list[float]:
    """Seconds from each fault, given as (time, job it hit), to the beginning of that job's next attempt."""
    begun: dict[str, list[float]] = {}
    for line in lines:
        if line.what == "begin":
            begun.setdefault(line.job, []).append(line.at)
    after = ([at for at in begun.get(job, ()) if at > when] for when, job in faults)
    return [min(later) - when for (when, _), later in zip(faults, after, strict=True) if later]
