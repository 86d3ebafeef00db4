"""`python -m runner --once`: real processes that take one job, or none, and leave."""

from pathlib import Path

from shared.jobs.model import State
from shared.names.ids import ClusterId
from tests.support.waiting import eventually
from tests.support.world import World, document
from tests.support.world_runner import start_runner


def test_one_job_and_it_leaves_with_0_whatever_became_of_the_job(world: World, tmp_path: Path) -> None:
    world.accept("fails", document("exit 3"))
    eventually(lambda: world.messages() == 1)
    world.accept("next", document("true"))
    runner = start_runner(world, tmp_path, "once-0", ["--once"])
    try:
        assert runner.process.wait(40) == 0, runner.tail()
        ended = world.job("fails")
        assert (ended.state, ended.exit_code) == (State.FAILED, 3)
        # The second is left to the next one
        assert world.job("next").state is State.QUEUED
        # And its row does not stay behind as a node that is silent
        assert world.backend.clusters.alive_nodes(world.cluster) == []
    finally:
        runner.stop()


def test_with_nothing_to_do_it_leaves_with_0(world: World, tmp_path: Path) -> None:
    runner = start_runner(world, tmp_path, "once-0", ["--once", "--idle-exit", "1.5"])
    try:
        assert runner.process.wait(30) == 0, runner.tail()
    finally:
        runner.stop()
    assert b"ready for jobs" in runner.log.read_bytes()


def test_an_idle_runner_that_is_not_for_one_job_leaves_after_the_last(world: World, tmp_path: Path) -> None:
    for name in ("first", "second"):
        world.accept(name, document("true"))
    runner = start_runner(world, tmp_path, "idle-0", ["--idle-exit", "3"])
    try:
        assert runner.process.wait(40) == 0, runner.tail()
    finally:
        runner.stop()
    assert [world.job(name).state for name in ("first", "second")] == [State.SUCCEEDED] * 2


def test_a_node_that_was_never_ready_says_so(world: World, tmp_path: Path) -> None:
    world.cluster = ClusterId(world.settings.default_workspace, "not-there")
    runner = start_runner(world, tmp_path, "once-0", ["--once", "--idle-exit", "1.5"])
    try:
        assert runner.process.wait(30) == 1, runner.tail()
    finally:
        runner.stop()


def test_both_nodes_of_a_gang_leave_after_it(world: World, tmp_path: Path) -> None:
    world.accept(data=document("true", nodeCount=2))
    runners = [
        start_runner(
            world, tmp_path / str(number), f"once-{number}", ["--once", "--address", f"127.0.0.{number}"]
        )
        for number in (1, 2)
    ]
    try:
        assert [runner.process.wait(60) for runner in runners] == [0, 0]
    finally:
        for runner in runners:
            runner.stop()
    assert world.job().state is State.SUCCEEDED
