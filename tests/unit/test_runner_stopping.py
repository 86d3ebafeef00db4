"""What a running job is stopped for, and how much time that leaves."""

import pytest

from runner.stopping import StopReason, StopSignal


@pytest.mark.parametrize("first", [StopReason.TERMINATED, StopReason.WALL_CLOCK, StopReason.PEER])
def test_a_runner_that_is_to_leave_hurries_whatever_it_was_about(first: StopReason) -> None:
    stop = StopSignal()
    stop.set(first)
    assert (stop.grace_seconds(10, 3), stop.drain_seconds()) == (10, 60)
    stop.set(StopReason.DRAIN)
    assert stop.reason is first, "what becomes of the job is as it was"
    assert (stop.grace_seconds(10, 3), stop.drain_seconds()) == (3, 2)


def test_a_lost_lease_leaves_no_time_at_all() -> None:
    stop = StopSignal()
    stop.set(StopReason.DRAIN)
    stop.set(StopReason.LOST)
    assert stop.reason is StopReason.LOST
    assert (stop.grace_seconds(10, 3), stop.drain_seconds()) == (0, 0)
