"""runner.agent.stay: for one job, for as long as there is work, or for ever."""

from runner.agent.stay import Stay
from runner.attempt.result import Dissolved, Result
from runner.processes.stop_signal import StopReason
from shared.jobs.model import Outcome, Reason

DONE = Result(Outcome(Reason.SUCCEEDED, 0))


class Seconds:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_for_ever_where_nothing_else_is_said() -> None:
    clock = Seconds()
    stay = Stay(monotonic=clock)
    stay.has_worked(DONE)
    clock.now = 1e9
    assert not stay.is_over


def test_once_is_over_after_a_job_that_came_to_an_outcome() -> None:
    stay = Stay(once=True)
    # What was handed back, or never came together, was none
    stay.has_worked(Result(None, stopped=StopReason.DRAIN))
    stay.has_worked(Result(None, dissolved=Dissolved("a node is missing")))
    assert not stay.is_over
    stay.has_worked(DONE)
    assert stay.is_over


def test_idle_time_begins_anew_with_each_job() -> None:
    clock = Seconds()
    stay = Stay(idle_exit_seconds=10, monotonic=clock)
    assert stay.never_ready
    stay.is_ready()
    clock.now = 9
    stay.has_worked(DONE)

    def is_over_at(seconds: float) -> bool:
        clock.now = seconds
        return stay.is_over

    assert (is_over_at(18), is_over_at(19)) == (False, True)
    assert not stay.never_ready
