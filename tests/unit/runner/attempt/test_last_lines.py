"""How long the end of a job waits for the last lines of its logs, by a clock that is set."""

from dataclasses import dataclass, field

import pytest

from runner.attempt.last_lines import drain_until
from runner.processes.stop_signal import StopReason, StopSignal


@dataclass
class Drain:
    """A job that ended at 100 s, by a runner that was asked to leave then."""

    now: float = 100.0
    renewed: float = 0.0  #: when the lease was, after it was asked for
    asked: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stop = StopSignal(lambda: self.now)
        self.stop.job_is_over()
        self.stop.set(StopReason.DRAIN)
        self.until = drain_until(self.stop, self._renewed_since, lambda: self.now)

    def _renewed_since(self, since: float) -> float:
        self.asked.append(since)
        return self.renewed

    def waits(self, now: float) -> bool:
        """Whether lines that have not arrived at `now` are waited for."""
        self.now = now
        return now < self.until(100.0)


@pytest.fixture
def drain() -> Drain:
    return Drain()


def test_while_there_is_time_no_renewal_is_asked_for(drain: Drain) -> None:
    assert drain.waits(100) and drain.waits(107.9)
    assert drain.asked == []


def test_where_storage_answers_it_is_over_a_moment_later(drain: Drain) -> None:
    assert drain.waits(108)
    drain.renewed = 108.1
    assert drain.waits(109)
    drain.renewed = 109.05  # the lease is renewed again and again
    assert drain.waits(109) and not drain.waits(109.2)
    drain.renewed = 110.5
    assert not drain.waits(110.6)
    assert set(drain.asked) == {108.0}, "one renewal"


def test_where_storage_was_away_the_time_begins_once_it_is_back(drain: Drain) -> None:
    assert drain.waits(108) and drain.waits(150)
    drain.renewed = 150.5
    assert drain.waits(158.4) and not drain.waits(158.5)


def test_storage_that_stays_away_is_waited_for_a_minute(drain: Drain) -> None:
    assert drain.waits(108) and drain.waits(168)
    assert not drain.waits(169)


def test_who_has_lost_the_job_meanwhile_waits_no_more(drain: Drain) -> None:
    assert drain.waits(108) and drain.waits(120)
    drain.stop.set(StopReason.LOST)
    assert not drain.waits(120)
