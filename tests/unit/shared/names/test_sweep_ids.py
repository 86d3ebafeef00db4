"""Names of sweeps and marks of runs."""

import pytest

from shared.names.ids import JobId, Scope
from shared.names.sweep_ids import RunMark, SweepId, run_mark, sweep_arm_id, sweep_from_blob_path, sweep_of

SCOPE = Scope("sub", "group")
UUID = "7faaa883-1a62-57b7-8d6e-1bc162029625"


def test_a_mark_is_read_back() -> None:
    mark = RunMark(UUID, 2, 17)
    assert run_mark(f"jobs/ws/exp/s-17/job.json@{mark}") == mark
    for source in ("jobs/x/job.json@0x1", "jobs/x/job.json@http-1", "jobs/x/job.json@sweep-x.1.2", ""):
        assert run_mark(source) is None


def test_the_jobs_of_a_sweep() -> None:
    sweep = SweepId("ws", "exp", "a-b")
    assert sweep.job(7) == JobId("ws", "exp", "a-b-7")
    assert sweep_of(sweep.job(7)) == sweep
    assert sweep_arm_id(sweep, SCOPE).endswith("/workspaces/ws/experiments/exp/sweeps/a-b")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s/sweep.json", SweepId("w", "e", "s")),
        ("ws/exp/s/sweep.json", SweepId("ws", "exp", "s")),
        ("other/ws/exp/s/sweep.json", SweepId("other/ws", "exp", "s")),
    ],
)
def test_a_path_names_a_sweep_as_it_names_a_job(path: str, expected: SweepId) -> None:
    assert sweep_from_blob_path(path, "w", "e", SCOPE) == expected


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("sweep.json", "folders"),
        ("a/b/c/d/e/sweep.json", "folders"),
        ("s/Sweep.json", "must be called sweep.json"),
        ("a b/sweep.json", "the sweep name"),
    ],
)
def test_a_wrong_path_is_explained(path: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sweep_from_blob_path(path, "w", "e", SCOPE)
