"""What a running job is stopped for, and how much time that leaves."""

import pytest

from runner.processes.stop_signal import StopReason, StopSignal


def signal_at(times: list[float]) -> StopSignal:
    """Said by a clock that shows these times, one after the other."""
    return StopSignal(iter(times).__next__)


@pytest.mark.parametrize("first", [StopReason.TERMINATED, StopReason.WALL_CLOCK, StopReason.PEER])
def test_a_runner_that_is_to_leave_hurries_whatever_it_was_about(first: StopReason) -> None:
    stop = signal_at([90.0])
    stop.set(first)
    assert (stop.grace_seconds(10, 3), stop.drain_until(50)) == (10, 50 + 60)
    stop.set(StopReason.DRAIN)
    assert stop.reason is first, "what becomes of the job is as it was"
    assert (stop.grace_seconds(10, 3), stop.drain_until(50)) == (3, 90 + 2)
    assert stop.drain_until(100) == 100 + 2


def test_the_log_of_a_job_that_is_over_gets_a_little_longer() -> None:
    stop = signal_at([90.0])
    stop.job_is_over()
    stop.set(StopReason.DRAIN)
    assert (stop.drain_until(50), stop.drain_until(100)) == (90 + 8, 100 + 8)
    assert stop.drain_until(31) == 31 + 60, "never longer than usual"


def test_a_lost_lease_leaves_no_time_at_all() -> None:
    stop = signal_at([10.0])
    stop.set(StopReason.DRAIN)
    stop.set(StopReason.LOST)
    assert stop.reason is StopReason.LOST
    assert (stop.grace_seconds(10, 3), stop.drain_until(20)) == (0, 20)


def test_a_lease_that_lapses_is_lost_while_the_job_runs() -> None:
    running, over = StopSignal(), StopSignal()
    assert over.job_is_over()
    assert running.lapse() and running.reason is StopReason.LOST
    assert not over.lapse() and over.reason is None
    assert not running.job_is_over(), "nobody renews it any more"
