"""How long a runner waits between looks at its queues, in simulated time."""

import pytest

from runner.agent.poll_pace import PollPace
from runner.config import RunnerConfig

QUEUES = 3
ACTIVE, IDLE, SECONDS = (
    RunnerConfig.active_poll_seconds,
    RunnerConfig.idle_poll_seconds,
    RunnerConfig.active_seconds,
)


def calls(pace: PollPace, begin: float, end: float) -> int:
    """Storage calls of a runner that finds nothing from `begin` to `end`, as if they took no time."""
    now, found = begin, 0
    while now < end:
        found += QUEUES
        now += pace.pause(now)
    return found


@pytest.mark.parametrize("gap", [0.01, 1.0, 2.5, 60.0])
def test_an_idle_runner_keeps_to_its_calls(gap: float) -> None:
    pace = PollPace(0.0, ACTIVE, IDLE, SECONDS)
    pace.came(gap)
    assert calls(pace, gap, gap + SECONDS) <= 6 * SECONDS
    assert calls(pace, gap + SECONDS, gap + 2 * SECONDS) <= 1 * SECONDS


@pytest.mark.parametrize("gap", [0.01, 1.0, 2.0])
def test_it_is_brisk_for_longer_than_jobs_take_to_come(gap: float) -> None:
    pace = PollPace(0.0, ACTIVE, IDLE, SECONDS)
    now = 0.0
    for _ in range(5):
        now += gap
        assert 0.04 <= pace.pause(now) <= 0.1
        pace.came(now)


def test_it_slows_down_and_is_brisk_again_after_a_job() -> None:
    pace = PollPace(0.0, ACTIVE, IDLE, SECONDS)
    pauses = [pace.pause(now) for now in (0, 1, 2, 5, 10, 20, 299, 301)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-2], pauses[-1]) == (0.04, ACTIVE, IDLE)
    pace.renew(400.0)
    assert pace.pause(400.0) == 0.04


def test_a_shorter_pause_that_was_asked_for_is_kept() -> None:
    assert PollPace(0.0, 0.02, 0.02).pause(0.0) == 0.02
