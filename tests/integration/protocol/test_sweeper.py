"""What the timer mends, and what it leaves alone."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from runner.node_report import NodeReporter
from shared.state import State
from shared.stores import clusters
from shared.stores.clusters import NodeRow
from shared.stores.keys import cluster_partition
from tests.support.waiting import eventually
from tests.support.world import World, settings_for
from tests.support.world import world as open_world


def sweep(world: World, after_seconds: float = 0.0) -> None:
    world.clock.move(after_seconds)
    assert world.backend.sweeper.sweep().faults == 0


def alive(world: World, node: str = "node-0") -> None:
    world.backend.clusters.table.report(NodeRow(world.cluster, node, "running", 0))


def clear(world: World) -> None:
    world.manager.queues._client(world.queue()).clear_messages()


def test_a_healthy_installation_is_left_alone(world: World) -> None:
    alive(world)
    world.accept("queued")
    world.accept("running")
    claim = world.must_claim()
    before = (world.job("queued"), world.job("running"), world.messages())
    sweep(world, 60)
    assert (world.job("queued"), world.job("running"), world.messages()) == before
    world.finish(claim)


def test_each_lost_message_is_replaced_once(world: World) -> None:
    for name in ("a", "b", "c"):
        world.accept(name)
    clear(world)
    sweep(world, world.settings.resend_seconds + 1)
    assert world.messages() == 3
    assert {world.must_claim().job.id.job for _ in range(3)} == {"a", "b", "c"}


def test_a_running_job_without_runner_and_message_runs_again(world: World) -> None:
    world.accept()
    world.must_claim("gone")
    clear(world)
    sweep(world)
    assert world.job().state is State.RUNNING, "too early to tell"
    sweep(world, 2 * world.settings.lease_seconds + 1)
    job = world.job()
    assert (job.state, job.attempt, job.owner) == (State.QUEUED, 1, None)
    assert world.status()["errors"][0]["code"] == "RunnerLost"
    assert world.must_claim("node-1").job.attempt == 2


def test_a_terminating_job_without_a_runner_ends(world: World) -> None:
    world.accept()
    world.must_claim("gone")
    clear(world)
    world.manager.terminate(world.id())
    sweep(world, 2 * world.settings.lease_seconds + 1)
    job = world.job()
    assert (job.state, job.errors[0].code, job.exit_code) == (State.FAILED, "JobTerminated", None)
    assert world.status()["state"] == "failed"


def test_the_last_attempt_without_a_runner_fails(world: World) -> None:
    world.accept()
    for _ in range(2):
        world.expire(world.must_claim("gone"))
    world.must_claim("gone")
    clear(world)
    sweep(world, 2 * world.settings.lease_seconds + 1)
    assert (world.job().state, world.job().errors[0].code) == (State.FAILED, "RunnerLost")


def test_a_runner_that_is_heard_of_keeps_its_job(world: World) -> None:
    world.accept()
    world.must_claim("node-0")
    alive(world, "node-0")
    sweep(world, 2 * world.settings.lease_seconds + 1)
    assert world.job().state is State.RUNNING


def test_a_long_wait_is_explained_in_status_json(world: World) -> None:
    world.accept()
    sweep(world, 30)
    waiting = world.status()["waiting"]
    assert waiting["reason"] == "NoNodeAlive"
    assert "python -m runner" in waiting["next"]
    alive(world)
    sweep(world)
    assert world.status()["waiting"]["reason"] == "WaitingForNode"


def rows(world: World) -> set[str]:
    return {node.node_id for node in world.backend.clusters.table.nodes(world.cluster)[0]}


@pytest.fixture
def forgetful(installation: str) -> Iterator[World]:
    """A world that forgets a node after two seconds of silence."""
    with open_world(settings_for(installation, forget_node_seconds=2)) as made:
        yield made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The nodes whose rows storage sends."""
    names: list[str] = []

    def counted(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def count(entity: Any) -> Any:
            names.append(entity["RowKey"])
            return make(entity)

        return count

    for name in ("_node", "_silent"):
        monkeypatch.setattr(clusters, name, counted(getattr(clusters, name)))
    return names


def test_nodes_that_never_come_back_are_forgotten_and_a_sweep_reads_each_other_node_once(
    forgetful: World, read: list[str]
) -> None:
    """Jobs that run and jobs that wait are there: both make the sweep ask for the nodes."""
    world = forgetful
    for number in range(20):
        alive(world, f"gone-{number}")
    world.accept("running")
    world.must_claim("node-0")
    world.accept("waiting")

    def swept() -> bool:
        alive(world)
        sweep(world)
        return rows(world) == {"node-0"}

    assert not swept(), "not at once"
    eventually(swept)
    read.clear()
    sweep(world, 30)
    assert read == ["node-0"]


def test_nodes_of_a_cluster_that_is_gone_are_forgotten_too(forgetful: World) -> None:
    alive(forgetful)
    forgetful.backend.clusters.table.delete(forgetful.cluster)
    eventually(lambda: sweep(forgetful) or not rows(forgetful))


def test_the_clock_of_the_function_app_forgets_nobody(world: World) -> None:
    alive(world)
    sweep(world, timedelta(days=30).total_seconds())
    assert rows(world) == {"node-0"}


def test_a_node_that_is_heard_of_while_it_is_about_to_be_forgotten_stays(forgetful: World) -> None:
    table = forgetful.backend.clusters.table
    alive(forgetful)
    _, now = table.nodes(forgetful.cluster)
    partition = cluster_partition(forgetful.cluster)
    mine = [row for row in table.silent(now + timedelta(seconds=1)) if row.partition == partition]
    assert [node.node_id for node in mine] == ["node-0"]
    alive(forgetful)
    assert not table.forget_silent(mine[0])
    assert rows(forgetful) == {"node-0"}


def test_a_node_that_comes_back_after_it_was_forgotten_is_there_again(forgetful: World) -> None:
    table = forgetful.backend.clusters.table
    row = NodeRow(forgetful.cluster, "node-0", "idle", 0)
    reporter = NodeReporter(table, row, 0.2)
    reporter.start()
    try:
        eventually(lambda: rows(forgetful) == {"node-0"})
        table.forget(row)
        eventually(lambda: rows(forgetful) == {"node-0"})
    finally:
        reporter.end()
