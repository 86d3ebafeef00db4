"""How a sweep changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import IllegalTransitionError
from shared.names.sweep_ids import SweepId
from shared.sweeps import bits, progress
from shared.sweeps.model import RunResult, Sweep, SweepState, Why

NOW = datetime(2026, 11, 29, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)


def sweep(count: int = 5, **changes: object) -> Sweep:
    plain = Sweep(
        id=SweepId("ws", "exp", "s"),
        uuid="u",
        state=SweepState.RUNNING,
        created=NOW,
        state_since=NOW,
        source="jobs/ws/exp/s/sweep.json@1",
        content_sha256="d",
        count=count,
        first_index=3,
        max_concurrent=2,
        max_failures=None,
        todo=bits.all_of(count),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def ended(*numbers: int, state: str = "succeeded") -> list[RunResult]:
    return [RunResult(number, "u", state) for number in numbers]


def test_bits() -> None:
    assert bits.all_of(3) == 0b111
    assert bits.of([0, 2]) == 0b101
    assert list(bits.numbers(0b101)) == [0, 2]
    assert list(bits.numbers(0)) == []
    assert bits.from_text(bits.to_text(0b101)) == 0b101
    assert bits.from_text("") == 0
    assert len(bits.to_text(bits.all_of(10_000))) == 2500


def test_as_many_are_reserved_as_may_run_at_once() -> None:
    first = progress.reserve(sweep(), 10)
    assert (first.reserved, first.unmade, first.in_flight) == (2, (0, 1), (0, 1))
    assert progress.reserve(first, 10) is first, "not before they are made"
    made = progress.confirm(first)
    assert progress.reserve(made, 10) is made, "no more at once"
    one = progress.count_ends(made, ended(0))
    assert progress.reserve(one, 10).unmade == (2,)
    free = sweep(max_concurrent=None)
    assert progress.reserve(free, 3).reserved == 3
    assert progress.reserve(free, 30).reserved == 5
    assert progress.reserve(sweep(state=SweepState.TERMINATING), 3).reserved == 0


def test_an_end_is_counted_once_and_only_of_runs_in_flight() -> None:
    made = progress.confirm(progress.reserve(sweep(), 10))
    counted = progress.count_ends(made, [*ended(0), *ended(1, state="failed"), *ended(4)])
    assert (counted.ended_count, counted.failed_count) == (2, 1)
    assert progress.count_ends(counted, ended(1)) is counted


def test_it_ends_with_its_last_run() -> None:
    made = progress.confirm(progress.reserve(sweep(2), 2))
    assert progress.settle(made, LATER) is made
    good = progress.settle(progress.count_ends(made, ended(0, 1)), LATER)
    assert (good.state, good.state_since) == (SweepState.SUCCEEDED, LATER)
    bad = progress.settle(progress.count_ends(made, [*ended(0), *ended(1, state="failed")]), LATER)
    assert bad.state is SweepState.FAILED


def test_too_many_failures_end_it_and_the_last_run_ends_it_all_the_same() -> None:
    made = progress.confirm(progress.reserve(sweep(max_failures=1), 2))
    one = progress.settle(progress.count_ends(made, ended(0, state="failed")), LATER)
    assert (one.state, one.why) == (SweepState.TERMINATING, Why.TOO_MANY_FAILED)
    last = progress.settle(progress.count_ends(one, ended(1)), LATER)
    assert (last.state, last.why) == (SweepState.FAILED, Why.TOO_MANY_FAILED)
    both = progress.settle(progress.count_ends(made, ended(0, 1, state="failed")), LATER)
    assert both.state is SweepState.FAILED
    single = progress.confirm(progress.reserve(sweep(1, max_failures=1), 2))
    over = progress.settle(progress.count_ends(single, ended(0, state="failed")), LATER)
    assert (over.state, over.why) == (SweepState.FAILED, Why.NOTHING)


def test_termination_waits_for_runs_that_live_or_may_be_made() -> None:
    reserved = progress.reserve(sweep(), 1)
    asked = progress.request_termination(reserved, LATER)
    assert (asked.state, asked.why) == (SweepState.TERMINATING, Why.ASKED)
    assert progress.request_termination(asked, LATER) is asked
    assert progress.settle(asked, LATER) is asked
    gone = progress.settle(progress.count_ends(progress.confirm(asked), ended(0)), LATER)
    assert gone.state is SweepState.TERMINATED
    assert progress.settle(progress.request_termination(sweep(), NOW), NOW).state is SweepState.TERMINATED
    assert progress.request_deletion(gone, LATER).deleting


def test_what_failed_and_what_was_never_made_is_done_again() -> None:
    over = sweep(state=SweepState.TERMINATED, reserved=3, made=3, ended=0b111, failed=0b010)
    again = progress.rerun(over, LATER)
    assert (again.state, again.generation, again.order) == (SweepState.RUNNING, 1, (1, 3, 4))
    assert (again.ended, again.failed, again.reserved, again.made) == (0b101, 0, 0, 0)
    assert str(again.mark(3)) == "sweep-u.1.3"
    assert again.index(3) == 6


@pytest.mark.parametrize(
    ("state", "deleting", "why"),
    [
        (SweepState.RUNNING, False, "is running"),
        (SweepState.FAILED, True, "is being deleted"),
        (SweepState("paused"), False, "is paused"),
    ],
)
def test_what_cannot_be_done_again(state: SweepState, deleting: bool, why: str) -> None:
    with pytest.raises(IllegalTransitionError, match=why):
        progress.rerun(sweep(state=state, deleting=deleting), NOW)


def test_nothing_is_left_to_do_again() -> None:
    with pytest.raises(IllegalTransitionError, match="has succeeded"):
        progress.rerun(sweep(2, state=SweepState.SUCCEEDED, ended=0b11), NOW)
