"""What is used of limits, as JSON."""

from datetime import timedelta

import pytest

from api.resources.limits import SUBMITTER, WORKSPACE, names_of, used_of
from cli import columns
from shared.jobs.fair_share import Shares
from shared.jobs.quota import Asking, in_use
from shared.names.limits import Limit, Limits
from tests.support.jobs import after

LIMITS = Limits(
    "wait",
    {"*": Limit(live_jobs=4, gpu_hours=10.0)},
    {"*": Limit(nodes=6), "eve@example.com": Limit(live_jobs=0)},
)


@pytest.fixture
def shares() -> Shares:
    running = [Asking(f"r-{n}", "Ada", 2, "normal", after(n)) for n in range(3)]
    running.append(Asking("r-3", "bob", 1, "normal", after(3)))
    waiting = [Asking(f"w-{n}", by, 1, "normal", after(9 + n), True) for n, by in enumerate(("Ada", "bob"))]
    jobs = [*running, *waiting]
    return Shares(LIMITS, in_use("ws", jobs, [("Ada", 1.25), ("carl", 0.5)]), jobs)


def test_the_workspace(shares: Shares) -> None:
    assert used_of(shares, WORKSPACE, "ws") == {
        "of": "workspace",
        "name": "ws",
        "liveJobs": {"used": 4, "limit": 4},
        "nodes": {"used": 7},
        "gpuHours": {"used": 1.75, "limit": 10.0},
        "waiting": 2,
    }


def test_a_submitter_with_what_is_fair_while_somebody_waits(shares: Shares) -> None:
    assert used_of(shares, SUBMITTER, "Ada") == {
        "of": "submitter",
        "name": "Ada",
        "liveJobs": {"used": 3},
        "nodes": {"used": 6, "limit": 6},
        "gpuHours": {"used": 1.25},
        "waiting": 1,
        "fairShare": {"liveJobs": 2.0},
    }
    nobody_waits = Shares(LIMITS, shares.used, [])
    assert "fairShare" not in used_of(nobody_waits, SUBMITTER, "Ada")


def test_whoever_has_limits_is_shown_once(shares: Shares) -> None:
    assert names_of(shares) == ["*", "Ada", "bob", "carl", "eve@example.com"]
    assert "fairShare" not in used_of(shares, SUBMITTER, "*")
    spelled = Shares(LIMITS, in_use("ws", [Asking("1", "Eve@example.com", 1, "normal", after(0))]), [])
    assert names_of(spelled) == ["*", "Eve@example.com"]


def test_without_limits_of_hours_none_are_shown() -> None:
    job = Asking("1", "ada", 1, "normal", after(0) + timedelta(seconds=1))
    line = used_of(Shares(Limits(), in_use("ws", [job]), [job]), WORKSPACE, "ws")
    assert line == {
        "of": "workspace",
        "name": "ws",
        "liveJobs": {"used": 1},
        "nodes": {"used": 1},
        "waiting": 0,
    }


def test_the_table_of_the_command(shares: Shares) -> None:
    rows = [
        columns.limits(used_of(shares, WORKSPACE, "ws")),
        columns.limits(used_of(shares, SUBMITTER, "Ada")),
    ]
    assert [list(row.values()) for row in rows] == [
        ["workspace", "ws", "4 of 4", "7", "1.75 of 10", "2", ""],
        ["submitter", "Ada", "3", "6 of 6", "1.25", "1", "2 jobs"],
    ]
