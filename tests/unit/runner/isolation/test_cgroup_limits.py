"""Limits in the unified hierarchy, as far as its files go: no kernel here has its controllers in it."""

import os
from pathlib import Path

import pytest

from runner.isolation import cgroup_limits
from runner.limits import Limits
from runner.machine import cgroups
from runner.machine.cgroups import Cgroup

PROCESSORS = os.cpu_count() or 1


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The group of a job, with all controllers."""
    monkeypatch.setattr(cgroups, "home_of", lambda controller: None)
    for name in ("memory.max", "memory.swap.max", "pids.max", "cpu.weight"):
        (tmp_path / name).write_text("max\n")
    return tmp_path


def test_limits_are_written_into_the_jobs_own_group(group: Path) -> None:
    made = cgroup_limits.set_up("x", Limits(500, 10**9), Cgroup(group))
    assert made.holds("memory") and made.holds("pids")
    found = [(group / name).read_text() for name in ("memory.max", "memory.swap.max", "pids.max")]
    assert found == [str(10**9), "0", "500"]
    assert (group / "cpu.weight").read_text() == str(100 * PROCESSORS)
    assert made.entrances == () and made.folders == (), "there is nothing more to enter or to remove"


def test_what_was_met_is_reported(group: Path) -> None:
    made = cgroup_limits.set_up("x", Limits(500, 200 * 1024**2), Cgroup(group))
    (group / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 2\noom_kill 0\n")
    (group / "pids.events").write_text("max 0\n")
    assert made.exceeded() == ""
    (group / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 2\noom_kill 3\n")
    (group / "pids.events").write_text("max 4\n")
    assert "(200 MiB): the kernel ended 3 of its processes; " in made.exceeded()
    assert made.exceeded().endswith("more processes and threads than jobs may have here (500)")


def test_a_job_without_limits_still_comes_after_its_runner(group: Path) -> None:
    made = cgroup_limits.set_up("x", Limits(), Cgroup(group))
    assert [(bound.controller, bound.limit) for bound in made.held] == [("cpu", 100 * PROCESSORS)]
    assert made.exceeded() == ""


def test_controllers_of_their_own_hierarchies_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "home_of", lambda controller: tmp_path if controller == "cpu" else None)
    made = cgroup_limits.set_up("x", Limits(500, 10**9), None)
    assert [(bound.controller, bound.limit, bound.unified) for bound in made.held] == [
        ("cpu", 1024 * PROCESSORS, False)
    ]
    assert (made.folders[0] / "cpu.shares").read_text() == str(1024 * PROCESSORS)


@pytest.mark.parametrize(("processors", "shares", "weight"), [(1, 1024, 100), (999, 262_144, 10_000)])
def test_the_share_grows_with_the_machine_up_to_what_the_kernel_takes(
    group: Path, monkeypatch: pytest.MonkeyPatch, processors: int, shares: int, weight: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert cgroup_limits.cpu_shares() == shares
    assert [bound.limit for bound in cgroup_limits.set_up("x", Limits(), Cgroup(group)).held] == [weight]


def test_a_group_without_controllers_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "home_of", lambda controller: None)
    assert cgroup_limits.set_up("x", Limits(500, 10**9), Cgroup(tmp_path)).held == ()
    assert cgroup_limits.set_up("x", Limits(500, 10**9), None).held == ()


@pytest.mark.parametrize("alone", [True, False])
def test_a_runner_that_is_alone_in_its_group_makes_space_for_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    monkeypatch.setattr(cgroups, "home_of", lambda controller: tmp_path)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("\n")
    (tmp_path / "cgroup.procs").write_text(f"{os.getpid()}\n" + ("" if alone else "1\n"))
    cgroups.delegate()
    assert (tmp_path / "cgroup.subtree_control").read_text() == "\n+cpu\n+memory\n+pids\n"
    assert (tmp_path / "batchai.runner/cgroup.procs").exists() == alone
