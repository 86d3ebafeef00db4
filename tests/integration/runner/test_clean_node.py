"""What jobs leave on a node does not keep the next one from running; a node that cannot prepare itself says
so, and no job loses an attempt by it."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.agent import loop as agents
from runner.isolation.node_config import NodeConfig
from runner.isolation.setup import isolated
from shared.jobs.model import State
from shared.settings import AccountEndpoints
from tests.integration.runner.conftest import Shares
from tests.integration.runner.test_agent import an_agent, done
from tests.integration.runner.test_trees import LEVELS, deep
from tests.support import closed_machine
from tests.support.closed_node import Closed
from tests.support.waiting import eventually
from tests.support.world import World, document, settings_for
from tests.support.world import world as open_world

DEEP = f"""python3 -c '
import os
for _ in range({LEVELS}):
    os.mkdir("d")
    os.chdir("d")
'"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In the place of pytest's, which other users cannot reach."""
    closed_machine.need("useradd", "setpriv", "unshare", "prlimit")
    with closed_machine.open_folder() as path:
        yield path


@pytest.fixture
def world(installation: str, shares: Shares) -> Iterator[World]:
    """With a lease that lasts while deep folders are made and removed."""
    endpoints = {shares.server.account: AccountEndpoints(file=shares.endpoint)}
    with open_world(settings_for(installation, endpoints=endpoints, lease_seconds=60)) as made:
        yield made


@pytest.fixture
def node(world: World, shares: Shares, config: Callable[..., NodeConfig]) -> Iterator[Closed]:
    with isolated(config(job_user="")) as closed:
        yield Closed(world, shares, closed)


def test_folders_deeper_than_python_can_count_are_gone_for_the_next_job(node: Closed) -> None:
    node.output(
        f"here=$PWD; for place in /tmp /dev/shm ~ $here; do cd $place && mkdir -m 0 x && chmod 700 x"
        f" && cd x && {DEEP} && chmod 0 $place/x || exit 1; done"
    )
    assert node.output("ls -A /tmp /dev/shm ~ . | grep -c x || true") == "0\n"
    assert [path.name for path in (node.config.root / "jobs").rglob("job-*")] == ["job-2"]


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """As a disk is that the kernel has found errors on."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_node_that_cannot_make_folders_says_so_and_uses_up_no_attempt(
    world: World,
    config: Callable[..., NodeConfig],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(agents, "_RETRY_SECONDS", 0.1)
    broken = config()

    def state() -> tuple[str, str]:
        views = world.backend.clusters.node_views(world.cluster)
        return (views[0].state, views[0].detail) if views else ("", "")

    with an_agent(world, broken):
        eventually(lambda: state()[0] == "idle")
        with read_only(broken.root):
            world.accept()
            eventually(lambda: "Read-only file system" in state()[1])
            assert state()[0] == "unusable"
            eventually(lambda: caplog.text.count("node unusable") > 3)
            job = world.job()
            # Given back once: a node that is unusable takes no other job, this one neither.
            assert (job.state, job.attempt, job.max_attempts) == (State.QUEUED, 1, 4)
            assert "Read-only file system" in str(job.errors[0])
        eventually(lambda: done(world), 20)
    assert (world.job().state, world.job().attempt) == (State.SUCCEEDED, 2)


def test_what_is_left_in_the_temps_is_cleared_when_the_runner_starts(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    made = config()
    left = made.root / "jobs/default/default/before"
    left.mkdir(parents=True)
    deep(left / "deep", LEVELS, "d")
    with an_agent(world, made):
        eventually(lambda: not left.exists() and world.backend.clusters.node_views(world.cluster), 30)
        world.accept(data=document("exit 0"))
        eventually(lambda: done(world), 20)
    assert world.job().state is State.SUCCEEDED
