"""shared.jobs.usage: how long nodes were held, and what of a cluster's time no job had."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.jobs.events import EventKind, JobEvent
from shared.jobs.model import Job, State
from shared.jobs.usage import Use, attempts_of, seconds_since, used, with_idle
from shared.names.ids import ClusterId, JobId

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def _at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def _job(*events: tuple[float, EventKind, int], nodes: int = 1, ended: bool = True, attempt: int = 1) -> Job:
    plain = Job(
        JobId("w", "e", "j"), "u", ClusterId("w", "c"), "normal", nodes, "custom",
        State.SUCCEEDED if ended else State.RUNNING, NOON, NOON, "", "", NOON,
    )  # fmt: skip
    reported = tuple(JobEvent(_at(minutes), kind, number) for minutes, kind, number in events)
    return replace(
        plain,
        events=reported,
        attempt=attempt,
        ended=_at(90) if ended else None,
        owner=None if ended else "n",
    )


def test_an_attempt_lasts_from_its_claim_to_its_last_event_on_each_node() -> None:
    job = _job((0, EventKind.CLAIMED, 1), (5, EventKind.STARTED, 1), (60, EventKind.ENDED, 1), nodes=2)
    [use] = attempts_of(job, _at(500))
    assert (use.begun, use.ended, use.node_seconds) == (_at(0), _at(60), 7200)


def test_waiting_between_two_attempts_costs_nothing_and_the_one_under_way_lasts_until_now() -> None:
    job = _job(
        (0, EventKind.CLAIMED, 1),
        (10, EventKind.HANDED_BACK, 1),
        (40, EventKind.CLAIMED, 2),
        (41, EventKind.STARTED, 2),
        ended=False,
        attempt=2,
    )
    assert [use.node_seconds for use in attempts_of(job, _at(50))] == [600, 600]
    assert attempts_of(_job(), _at(50)) == []


def test_clocks_that_disagree_take_nothing_away() -> None:
    assert attempts_of(_job((5, EventKind.CLAIMED, 1), (4, EventKind.ENDED, 1)), NOON)[0].node_seconds == 0


def test_without_a_price_there_is_no_cost_for_the_whole() -> None:
    job = _job((0, EventKind.CLAIMED, 1), (30, EventKind.ENDED, 1))
    priced = used("e", [(job, 4.0), (job, 2.0)], NOON)
    assert (priced.jobs, priced.attempts, priced.node_seconds, priced.cost) == (2, 2, 3600, 3.0)
    assert used("e", [(job, 4.0), (job, None)], NOON).cost is None
    assert used("e", [(_job(), None)], NOON).cost == 0.0, "what has used nothing costs nothing"


def test_the_idle_time_of_a_cluster_is_paid_for_too() -> None:
    use = Use("c", 1, 1, node_seconds=3600, cost=2.0)
    assert with_idle(use, 5400, 2.0).idle_seconds == 1800
    assert with_idle(use, 5400, 2.0).cost == pytest.approx(3.0)
    assert with_idle(use, 5400, None).cost is None
    # Machines of others have worked too: no time is negative
    assert with_idle(use, 60, 2.0).idle_seconds == 0


def test_machines_count_from_the_day_they_went() -> None:
    days = (("2026-11-01", 60.0), ("2026-11-02", 30.0))
    assert seconds_since(days, datetime(2026, 11, 2, 23, tzinfo=UTC)) == 30
    assert seconds_since(days, datetime(2026, 10, 2, tzinfo=UTC)) == 90


def test_what_a_long_history_shows_of_an_attempt_without_its_claim_counts_for_nothing() -> None:
    job = _job((0, EventKind.STARTED, 1), (5, EventKind.CLAIMED, 2), (6, EventKind.ENDED, 2))
    assert [use.attempt for use in attempts_of(job, _at(500))] == [2]
