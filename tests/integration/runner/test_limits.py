"""Jobs that want more of the machine than they may have: the runner continues, and they learn why they
ended."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from runner.isolation import cgroup_limits
from runner.isolation.isolation import Isolation
from runner.isolation.node_config import NodeConfig
from runner.isolation.setup import isolated
from runner.limits import Limits
from runner.machine import cgroups
from runner.processes import job_process
from runner.processes.process_tracker import ProcessTracker
from shared.jobs.model import State
from tests.integration.runner.conftest import Shares
from tests.integration.runner.test_agent import an_agent, done
from tests.support import closed_machine
from tests.support.waiting import eventually
from tests.support.world import World, document

MIB = 1024**2
HOG = "exec python3 -c 'held = []\nwhile True: held.append(bytes(range(256)) * 4096 * 16)'"
#: bash keeps trying when it is refused: what ends this is somebody else.
FORK_BOMB = "bomb() { bomb & bomb & }; bomb; sleep 1000"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In the place of pytest's, which other users cannot reach."""
    closed_machine.need("useradd", "setpriv", "unshare", "prlimit")
    with closed_machine.open_folder() as path:
        yield path


def need_controller(name: str) -> None:
    made = cgroup_limits.set_up("probe", Limits(64, 64 * MIB), group := cgroups.make("probe"))
    held = made.holds(name)
    made.remove()
    if group:
        group.remove()
    if not held:
        closed_machine.lacking(f"this machine has no cgroup controller '{name}' for us")


def run(
    world: World,
    shares: Shares,
    config: NodeConfig,
    command: str,
    limits: Limits,
    wall_clock: str = "PT60S",
) -> tuple[State, str, int | None]:
    """State, message and attempt of a job under limits, whose message nobody else gets to see meanwhile."""
    shares.create("logs")
    with isolated(replace(config, job_user="", limits=limits)) as closed:
        volumes = {"azureFileShares": [shares.volume("logs")]}
        prefix = "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs"
        more = {"stdOutErrPathPrefix": prefix, "constraints": {"maxWallClockTime": wall_clock}}
        world.accept(data=document(command, mountVolumes=volumes, **more))
        with an_agent(world, closed):
            eventually(lambda: world.job().state is not State.QUEUED, 30)
            taken = []
            eventually(lambda: taken.append(world.receive()) or done(world), 90)
            assert not any(taken), "the lease is renewed all the time"
    job = world.job()
    return job.state, str(job.errors[0]) if job.errors else "", job.attempt


def test_a_job_that_needs_too_much_memory_ends_and_learns_why(
    world: World, shares: Shares, config: Callable[..., NodeConfig]
) -> None:
    need_controller("memory")
    state, message, attempt = run(world, shares, config(), HOG, Limits(memory=200 * MIB))
    assert (state, attempt) == (State.FAILED, 1)
    assert "more memory than jobs may use here (200 MiB): the kernel ended 1 of its processes" in message


@pytest.mark.parametrize("held_by", ["the cgroup", "the user's count"])
def test_a_fork_bomb_ends_and_the_runner_continues(
    world: World,
    shares: Shares,
    config: Callable[..., NodeConfig],
    monkeypatch: pytest.MonkeyPatch,
    held_by: str,
) -> None:
    if held_by == "the cgroup":
        need_controller("pids")
    else:
        monkeypatch.setattr(cgroup_limits, "set_up", lambda name, limits, group: cgroup_limits.Bounds())
    state, message, attempt = run(world, shares, config(), FORK_BOMB, Limits(processes=100), "PT4S")
    assert (state, attempt) == (State.FAILED, 1) and "longer than maxWallClockTime" in message
    text = "more processes and threads than jobs may have here (100)"
    assert (text in message) == (held_by == "the cgroup")


def test_the_groups_of_a_job_go_with_it() -> None:
    need_controller("memory")
    tracker = ProcessTracker(Isolation(limits=Limits(100, 100 * MIB)))
    tracker.open()
    folders = [bound.folder for bound in tracker.bounds.held]
    assert folders and all(folder.is_dir() for folder in folders)
    tracker.close()
    assert not any(folder.exists() for folder in folders)


def test_a_stalled_runner_leaves_no_groups_behind() -> None:
    need_controller("memory")
    tracker = ProcessTracker(Isolation(limits=Limits(100, 100 * MIB)))
    tracker.arm(0.1)
    tracker.open()
    folders = [bound.folder for bound in tracker.bounds.held]
    eventually(lambda: not any(folder.exists() for folder in folders), 20)
    tracker.close()


SPINNERS = 200
#: Each in a session of its own: where the kernel weighs sessions, each weighs as much as the runner's.
BUSY = f"for i in $(seq {SPINNERS}); do setsid sh -c 'while :; do :; done' & done; touch all; sleep 100"


def _seconds(processes: list[psutil.Process]) -> float:
    """Of processors, used until now."""
    used = 0.0
    for one in processes:
        with suppress(psutil.Error):
            used += sum(one.cpu_times()[:2])
    return used


def test_however_many_busy_processes_a_job_has_its_runner_gets_its_turn(tmp_path: Path) -> None:
    """A process beside the job, which always wants a processor, against all of the job's: by what they got,
    so that nothing depends on how busy the machine is otherwise."""
    need_controller("cpu")
    tracker = ProcessTracker()
    env = {"PATH": os.environ["PATH"]}
    job = job_process.start("", BUSY, env, tmp_path, tmp_path / "out", tmp_path / "err", tracker)
    runner = None
    try:
        eventually((tmp_path / "all").exists, 60)
        runner = subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"])
        beside, inside = psutil.Process(runner.pid), tracker.members()
        assert len(inside) > SPINNERS
        before = _seconds([beside]), _seconds(inside)
        eventually(lambda: _seconds([beside]) + _seconds(inside) > sum(before) + 2.0, 60, 0.2)
        own, jobs = _seconds([beside]) - before[0], _seconds(inside) - before[1]
    finally:
        tracker.kill()
        job_process.kill_left([job])
        tracker.close()
        if runner:
            runner.kill()
            runner.wait()
    # One of 200 equals gets half a hundredth; one against a group, about half of a processor or more.
    assert own > jobs / 8, (own, jobs)
