"""A short run of chaos with a fixed seed; `make chaos MINUTES=10 SEED=n` runs it for longer."""

from pathlib import Path

import pytest

from shared.state import State
from tests.e2e.chaos.faults import FAULTS
from tests.e2e.chaos.ledger import Line, judge, recoveries
from tests.e2e.chaos.run import run
from tests.support.jobs import a_job


@pytest.mark.timeout(240)
def test_nothing_lost_nothing_twice_nothing_stuck(tmp_path: Path) -> None:
    report = run(tmp_path, seconds=50, seed=20180501)
    print(report.table())
    assert report.verdict.good, f"{report.table()}\n{report.logs}"
    assert report.verdict.jobs >= 10
    assert len(report.record.counts) >= len(FAULTS) // 2


def line(job: str, attempt: int, what: str, at: float = 0.0) -> Line:
    return Line(at, job, attempt, what)


@pytest.mark.parametrize(
    ("lines", "attempt", "state", "fault"),
    [
        ([line("a", 1, "begin"), line("a", 1, "effect")], 1, State.SUCCEEDED, ""),
        ([line("a", 1, "begin"), line("a", 2, "begin"), line("a", 2, "effect")], 2, State.SUCCEEDED, ""),
        (
            [line("a", 2, "begin"), line("a", 1, "effect"), line("a", 2, "effect")],
            2,
            State.SUCCEEDED,
            "double",
        ),
        ([line("a", 1, "begin")], 1, State.SUCCEEDED, "untrue"),
        ([line("a", 1, "begin")], 1, State.FAILED, "lost"),
        ([], 0, State.QUEUED, "stuck"),
    ],
)
def test_the_judge_sees(lines: list[Line], attempt: int, state: State, fault: str) -> None:
    verdict = judge({"a": a_job(state=state, attempt=attempt)}, lines)
    assert [word for word in ("lost", "double", "untrue", "stuck") if getattr(verdict, word)] == (
        [fault] if fault else []
    )
    assert verdict.good == (not fault)


def test_recovery_is_from_the_fault_to_the_next_beginning() -> None:
    lines = [line("a", 1, "begin", 1.0), line("a", 2, "begin", 7.5), line("b", 1, "begin", 3.0)]
    assert recoveries(lines, [(2.0, "a"), (9.0, "a"), (2.0, "c")]) == [5.5]
