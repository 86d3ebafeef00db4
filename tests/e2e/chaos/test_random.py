"""A short run of chaos with a fixed seed; `make chaos MINUTES=10 SEED=n` runs it for longer."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from shared.jobs.model import State, StreamSeal
from shared.names.ids import JobId
from tests.e2e.chaos import printed
from tests.e2e.chaos.faults import FAULTS
from tests.e2e.chaos.ledger import WORDS, Line, judge, recoveries
from tests.e2e.chaos.run import run
from tests.support.jobs import a_job


@pytest.mark.timeout(420)
def test_nothing_lost_nothing_twice_nothing_stuck(tmp_path: Path) -> None:
    report = run(tmp_path, seconds=120, seed=20180501)
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
        ([line("a", 1, "begin")], 3, State.FAILED, "lost"),
        ([], 0, State.QUEUED, "stuck"),
    ],
)
def test_the_judge_sees(lines: list[Line], attempt: int, state: State, fault: str) -> None:
    verdict = judge({"a": a_job(state=state, attempt=attempt)}, lines)
    assert [word for word in WORDS if getattr(verdict, word)] == ([fault] if fault else [])
    assert verdict.good == (not fault)


def test_recovery_is_from_the_fault_to_the_next_beginning() -> None:
    lines = [line("a", 1, "begin", 1.0), line("a", 2, "begin", 7.5), line("b", 1, "begin", 3.0)]
    assert recoveries(lines, [(2.0, "a"), (9.0, "a"), (2.0, "c")]) == [5.5]


def test_the_judge_sees_a_torn_log(tmp_path: Path) -> None:
    text = printed.expected("job", 2)
    seal = StreamSeal("stdout.txt", len(text), hashlib.sha256(text).hexdigest(), True, text.count(b"\n"))
    job = a_job(id=JobId("ws", "exp", "job"), state=State.SUCCEEDED, attempt=2, seals=(seal,))
    (tmp_path / "stdout.attempt-1.txt").write_bytes(printed.expected("job", 1)[:77] + b"\0\0")

    def torn(log: bytes) -> int:
        (tmp_path / "stdout.txt").write_bytes(log)
        return len(printed.torn(job, tmp_path))

    assert torn(text) == 0
    for wrong in (text[:-1], text[1:], text + b"x", text[:50] + text[60:], text[:9] + text, b""):
        assert torn(wrong) == 1
    job = replace(job, seals=(replace(seal, complete=False),))
    assert torn(text) == 1
    (tmp_path / "stdout.attempt-1.txt").write_bytes(printed.expected("job", 1)[5:])
    assert torn(text) == 2
