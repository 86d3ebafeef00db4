from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.names.ids import ClusterId, JobId
from shared.stores import row_keys
from tests.support.jobs import a_job

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
#: Characters the service forbids in keys.
FORBIDDEN = set("/\\#?") | {chr(c) for c in (*range(0x20), *range(0x7F, 0xA0))}


@given(NAMES, NAMES, NAMES)
def test_a_prefix_range_holds_its_own_and_nothing_else(mine: str, other: str, job: str) -> None:
    prefix = row_keys.experiment_prefix(mine)
    row = row_keys.job_row(JobId("ws", other, job))
    assert (prefix <= row < row_keys.after(prefix)) == (mine.lower() == other.lower())


@given(NAMES, NAMES, NAMES)
def test_live_ranges_of_clusters_do_not_meet(mine: str, other: str, workspace: str) -> None:
    prefix = row_keys.live_prefix(ClusterId(workspace, mine))
    row = row_keys.live_row(a_job(cluster=ClusterId(workspace, other)))
    assert (prefix <= row < row_keys.after(prefix)) == (mine.lower() == other.lower())


GROUPS = st.from_regex(r"[A-Za-z0-9._-]{0,8}[A-Za-z0-9_-]", fullmatch=True)
WORKSPACES = st.one_of(NAMES, st.builds("{}/{}".format, GROUPS, NAMES))


@given(WORKSPACES, WORKSPACES, NAMES, NAMES)
def test_live_ranges_of_workspaces_do_not_meet(mine: str, other: str, name: str, third: str) -> None:
    """A cluster w/c, and a cluster x of the workspace c in the group w: two places."""
    prefix = row_keys.live_prefix(ClusterId(mine, name))
    row = row_keys.live_row(a_job(cluster=ClusterId(other, third)))
    same = (mine.lower(), name.lower()) == (other.lower(), third.lower())
    assert (prefix <= row < row_keys.after(prefix)) == same


def test_rows_from_before_resource_groups_are_found() -> None:
    assert row_keys.partition("WS") == "ws"
    assert row_keys.cluster_partition(ClusterId("ws", "C")) == "ws|c"


@given(WORKSPACES, NAMES, NAMES)
def test_keys_hold_nothing_the_service_forbids(workspace: str, experiment: str, job: str) -> None:
    row = a_job(id=JobId(workspace, experiment, job), cluster=ClusterId(workspace, experiment))
    for key in (
        row_keys.partition(workspace),
        row_keys.job_row(row.id),
        row_keys.live_row(row),
        row_keys.run_row(row),
        row_keys.time_row(row),
        row_keys.state_row(row, row.state),
        row_keys.cluster_partition(row.cluster),
    ):
        assert not FORBIDDEN & set(key)
        assert len(key) < 512


def test_case_makes_no_other_row() -> None:
    assert row_keys.job_row(JobId("WS", "Exp", "Job")) == row_keys.job_row(JobId("ws", "exp", "job"))


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_stamps_sort_as_times_do(one: int, other: int) -> None:
    start = datetime(2018, 1, 1, tzinfo=UTC)
    first, second = start + timedelta(microseconds=one), start + timedelta(microseconds=other)
    assert (first < second) == (row_keys.stamp(first) < row_keys.stamp(second))
    assert (first < second) == (row_keys.newest_first(first) > row_keys.newest_first(second))


def test_the_kinds_of_rows_lie_apart() -> None:
    job = a_job()
    rows = (row_keys.job_row(job.id), row_keys.live_row(job), row_keys.run_row(job), row_keys.time_row(job))
    kinds = {key.partition("|")[0] for key in (*rows, row_keys.state_row(job, job.state))}
    assert len(kinds) == 5
    assert row_keys.run_row(job).startswith(row_keys.run_prefix(job.id))
