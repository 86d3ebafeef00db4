"""When a node's start belongs to a job's time line."""

from datetime import UTC, datetime, timedelta

import psutil
import pytest

from runner.agent.node_start import NodeStart
from shared.jobs.events import EventKind
from tests.support.jobs import a_job

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """When this process began, on a machine that has been up since long ago."""
    monkeypatch.setattr(psutil, "boot_time", LONG_AGO.timestamp)
    return datetime.fromtimestamp(psutil.Process().create_time(), UTC)


def test_a_job_that_waited_for_the_node_has_both_events(begun: datetime) -> None:
    ready = begun + timedelta(seconds=9)
    start = NodeStart(lambda: ready)
    job = a_job(created=begun - timedelta(seconds=1), attempt=2)
    assert start.events(job, "node-0") == (), "it is not ready yet"
    start.is_ready()
    found = start.events(job, "node-0")
    assert [(e.at, e.kind, e.attempt, e.node) for e in found] == [
        (begun, EventKind.NODE_STARTED, 2, "node-0"),
        (ready, EventKind.NODE_READY, 2, "node-0"),
    ]


def test_only_the_first_time_that_it_is_ready_counts(begun: datetime) -> None:
    times = iter((begun, begun + timedelta(hours=1)))
    start = NodeStart(lambda: next(times))
    start.is_ready()
    start.is_ready()
    assert start.events(a_job(created=LONG_AGO), "node-0")[1].at == begun


def test_a_job_that_came_later_has_none(begun: datetime) -> None:
    start = NodeStart()
    start.is_ready()
    assert start.events(a_job(created=begun + timedelta(seconds=1)), "node-0") == ()


def test_a_machine_that_came_up_for_the_job_began_when_it_was_switched_on(begun: datetime) -> None:
    start = NodeStart()
    start.is_ready()
    first = start.events(a_job(created=LONG_AGO - timedelta(days=1)), "node-0")[0]
    assert first.at == LONG_AGO
