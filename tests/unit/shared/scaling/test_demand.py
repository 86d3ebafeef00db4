"""What engines that start runners themselves are given: shared.scaling.demand."""

from datetime import UTC, datetime, timedelta

from shared.jobs.allocation import Scale
from shared.jobs.model import State
from shared.jobs.queue_order import QueuedEntry
from shared.scaling.demand import Demand, demand_of

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def _jobs(*counts: int, running: int = 0) -> list[QueuedEntry]:
    """Jobs in order of age; the first `running` of them have nodes."""
    return [
        QueuedEntry(
            f"u{number}",
            State.RUNNING if number < running else State.QUEUED,
            "normal",
            count,
            NOON + timedelta(seconds=number),
        )
        for number, count in enumerate(counts)
    ]


def test_without_scale_settings_every_job_counts_whole() -> None:
    assert demand_of(Scale(), _jobs(1, 4, 2, running=1)) == Demand(7, 1, 3)
    assert demand_of(Scale(), []) == Demand(0, 0, 0)


def test_the_maximum_or_the_target_is_never_exceeded_and_a_gang_never_halved() -> None:
    auto = Scale(0, 4, follows_jobs=True)
    assert demand_of(auto, _jobs(3, 2, 1)) == Demand(4, 0, 3), "the pair finds no space, the single one does"
    assert demand_of(Scale(2, 2), _jobs(1, 1, 1)) == Demand(2, 0, 3)
    assert demand_of(auto, _jobs(5)) == Demand(0, 0, 1)


def test_a_minimum_starts_nobody() -> None:
    assert demand_of(Scale(2, 4, follows_jobs=True), _jobs()).nodes == 0
