"""A runner that is asked to finish ends the job it has, takes no other, and leaves; a mark outlives it."""

import threading
from collections.abc import Callable
from typing import Any

from runner.isolation.node_config import NodeConfig
from shared.backend import backend
from shared.jobs.model import State
from shared.jobs.waiting_reason import RELEASED
from tests.support import agents
from tests.support.agents import running
from tests.support.waiting import eventually
from tests.support.world import World, document


def node_of(world: World, node_id: str = "node-0") -> Any:
    found = world.stores.nodes.node(world.cluster, node_id)
    return found[0] if found else None


def begun(world: World) -> bool:
    return world.job("first").state is State.RUNNING


class Leaving:
    """An agent in a thread that is expected to leave by itself."""

    def __init__(self, world: World, config: NodeConfig) -> None:
        self.wired = backend(world.settings)
        self.agent = agents.agent(self.wired, config)
        self.thread = threading.Thread(target=self.agent.run, name="agent")

    def __enter__(self) -> "Leaving":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.agent.stop()
        self.thread.join(30)
        self.wired.close()
        assert not self.thread.is_alive()

    @property
    def left(self) -> bool:
        return not self.thread.is_alive()


def test_asked_by_a_signal_it_ends_its_job_and_leaves_the_other(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    world.accept("first", document("sleep 2; exit 3"))
    with Leaving(world, config()) as leaving:
        eventually(lambda: begun(world))
        world.accept("second")
        leaving.agent.finish()
        eventually(lambda: node_of(world).state == "leaving")
        assert begun(world), "the job continues"
        eventually(lambda: leaving.left)
        assert leaving.agent.has_finished
    job = world.job("first")
    assert (job.state, job.exit_code, job.attempt) == (State.FAILED, 3, 1)
    assert (world.job("second").state, world.job("second").attempt) == (State.QUEUED, 0)
    assert node_of(world) is None, "nothing keeps another runner of this name from serving"


def test_a_mark_lets_it_finish_and_keeps_the_next_runner_from_jobs_until_it_is_taken_away(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    cluster_manager, configured = world.backend.cluster_manager, config(node_report_seconds=0.3)
    world.accept("first", document("sleep 2"))
    with Leaving(world, configured) as leaving:
        eventually(lambda: begun(world))
        world.accept("second")
        marked = cluster_manager.mark_drain(world.cluster, "node-0", True)
        assert (marked.view.state, marked.drain) == ("leaving", True), "before its runner has heard of it"
        eventually(lambda: leaving.left)
        assert leaving.agent.has_finished
    assert world.job("first").state is State.SUCCEEDED
    assert (node_of(world).state, node_of(world).drain) == ("leaving", True)
    with Leaving(world, configured) as again:
        eventually(lambda: again.left)
        assert again.agent.has_finished
    assert world.job("second").attempt == 0
    cluster_manager.mark_drain(world.cluster, "node-0", False)
    with running(agents.agent(world.backend, configured)):
        eventually(lambda: world.job("second").state is State.SUCCEEDED)


def test_a_mark_that_is_taken_away_in_time_changes_nothing(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    cluster_manager = world.backend.cluster_manager
    world.accept("first", document("sleep 3"))
    world.accept("second")
    with Leaving(world, config(node_report_seconds=0.3)) as staying:
        eventually(lambda: begun(world))
        cluster_manager.mark_drain(world.cluster, "node-0", True)
        eventually(lambda: node_of(world).state == "leaving")
        cluster_manager.mark_drain(world.cluster, "node-0", False)
        eventually(lambda: world.job("second").state is State.SUCCEEDED)
        assert not staying.left


def test_a_released_node_ends_its_job_and_says_that_its_runner_has_gone(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    world.accept("first", document("sleep 2"))
    with Leaving(world, config(node_report_seconds=0.3)) as leaving:
        eventually(lambda: begun(world))
        world.accept("second")
        world.backend.nodes.release(world.cluster, "node-0")
        assert not node_of(world).left, "while its job runs"
        eventually(lambda: leaving.left)
    row = node_of(world)
    assert (row.state, row.drain, row.release, row.left, row.job) == ("leaving", True, RELEASED, True, "")
    assert (world.job("first").state, world.job("first").attempt) == (State.SUCCEEDED, 1)
    assert world.job("second").attempt == 0


def test_a_runner_that_comes_up_on_a_machine_that_was_given_back_takes_no_job(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    world.accept("first")
    world.backend.nodes.release(world.cluster, "node-0")
    with Leaving(world, config()) as leaving:
        eventually(lambda: leaving.left)
    assert world.job("first").attempt == 0
    assert node_of(world).left


def test_how_long_a_node_has_been_idle_is_reported(world: World, config: Callable[..., NodeConfig]) -> None:
    world.accept("first")
    with running(agents.agent(world.backend, config(node_report_seconds=0.2))):
        eventually(lambda: world.job("first").state is State.SUCCEEDED and node_of(world).state == "idle")
        early = node_of(world).state_seconds
        assert early is not None
        eventually(lambda: node_of(world).state_seconds > early + 0.5)
        world.accept("second")
        eventually(lambda: world.job("second").state is State.SUCCEEDED)
        eventually(lambda: node_of(world).state == "idle" and node_of(world).state_seconds < early + 0.5)


def test_stopped_while_it_finishes_it_hands_its_job_back(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    world.accept("first", document("sleep 60"))
    with Leaving(world, config()) as leaving:
        eventually(lambda: begun(world))
        leaving.agent.finish()
        leaving.agent.stop()
        eventually(lambda: leaving.left)
        assert not leaving.agent.has_finished
    assert world.job("first").state is State.QUEUED
