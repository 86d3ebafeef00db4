"""What the timer mends, and what it leaves alone."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runner.agent.heartbeat import NodeReporter
from shared.jobs.model import State
from shared.managers import waiting_reports
from shared.stores import node_table
from shared.stores.node_table import NodeRow
from shared.stores.row_keys import cluster_partition
from tests.support.waiting import eventually
from tests.support.world import World, settings_for
from tests.support.world import world as open_world


@pytest.fixture
def world(installation: str) -> Iterator[World]:
    """With a lease and a resend time that a test can wait for: they go by the service's clock."""
    with open_world(settings_for(installation, lease_seconds=1, renew_seconds=0.4, resend_seconds=1)) as made:
        yield made


def sweep(world: World, after_seconds: float = 0.0) -> None:
    world.clock.move(after_seconds)
    assert world.backend.sweeper.sweep().faults == 0


def alive(world: World, node: str = "node-0", job: str = "") -> None:
    world.stores.nodes.report(NodeRow(world.cluster, node, "running", 0, job=job))


def clear(world: World) -> None:
    world.stores.queue(world.queue()).clear_messages()


def test_a_healthy_installation_is_left_alone(world: World) -> None:
    alive(world)
    world.accept("queued")
    world.accept("running")
    claim = world.must_claim()
    alive(world, job=claim.job.uuid)
    before = (world.job("queued"), world.job("running"), world.messages())
    sweep(world, 3600)
    assert (world.job("queued"), world.job("running"), world.messages()) == before
    world.finish(claim)


def test_each_lost_message_is_replaced_once(world: World) -> None:
    for name in ("a", "b", "c"):
        world.accept(name)
    clear(world)
    eventually(lambda: sweep(world) or world.messages() == 3)
    sweep(world)
    assert world.messages() == 3
    assert {world.must_claim().job.id.job for _ in range(3)} == {"a", "b", "c"}


def lose(world: World) -> float:
    """The runner of the job disappears, and its message with it. When that was, by the monotonic clock."""
    at = time.monotonic()
    world.must_claim("gone")
    clear(world)
    return at


def sweep_early(world: World, lost: float) -> None:
    """A sweep before anybody can know that the runner is gone leaves the job alone. On a busy machine the
    sweep itself may take longer than that, and then says nothing."""
    sweep(world)
    found = world.job()
    assert found.state is State.RUNNING or time.monotonic() - lost > 2 * world.settings.lease_seconds


def test_a_running_job_without_runner_and_message_runs_again(world: World) -> None:
    world.accept()
    sweep_early(world, lose(world))
    eventually(lambda: sweep(world) or world.job().state is State.QUEUED)
    job = world.job()
    assert (job.attempt, job.owner) == (1, None)
    assert world.status()["errors"][0]["code"] == "RunnerLost"
    assert world.must_claim("node-1").job.attempt == 2


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_wrong_clock_neither_hastens_nor_delays_it(world: World, ahead: float) -> None:
    """Of the machine that submitted and claimed, or of the one that sweeps: the service's clock counts."""
    world.clock.move(ahead)
    world.accept()
    lost = lose(world)
    sweep_early(world, lost)
    world.clock.move(-2 * ahead)
    sweep_early(world, lost)
    eventually(lambda: sweep(world) or world.job().state is State.QUEUED)


def test_a_terminating_job_without_a_runner_ends(world: World) -> None:
    world.accept()
    lose(world)
    world.manager.terminate(world.id())
    eventually(lambda: sweep(world) or not world.job().state.live)
    job = world.job()
    assert (job.state, job.errors[0].code, job.exit_code) == (State.FAILED, "JobTerminated", None)
    assert world.status()["state"] == "failed"


def test_the_last_attempt_without_a_runner_fails(world: World) -> None:
    world.accept()
    for _ in range(2):
        world.expire(world.must_claim("gone"))
    lose(world)
    eventually(lambda: sweep(world) or not world.job().state.live)
    assert (world.job().state, world.job().errors[0].code) == (State.FAILED, "RunnerLost")


def test_a_job_whose_lease_is_renewed_is_left_alone_whatever_its_node_says(world: World) -> None:
    """Requests to the table of nodes are refused for one runner: it is not heard of, and it works."""
    world.accept()
    claim = world.must_claim("silent")
    job, lease = claim.job, claim.lease
    clear(world)

    def continues(began: float = job.state_since.timestamp()) -> bool:
        nonlocal job, lease
        lease, job = world.backend.attempts.renew(job, lease)
        sweep(world)
        assert (world.job().state, world.job().attempt) == (State.RUNNING, 1)
        return world.clock().timestamp() - began > 4 * world.settings.lease_seconds

    eventually(continues, interval=0.3)


def test_a_row_of_an_older_runner_ends_only_when_its_node_is_silent_as_well(world: World) -> None:
    world.accept()
    claim = world.must_claim("node-0")
    clear(world)
    job = world.stores.jobs.update(replace(claim.job, lease_seconds=None))
    eventually(lambda: world.job().age_seconds > 3 * world.settings.lease_seconds)
    alive(world, "node-0")
    sweep(world)
    assert world.job() == job
    eventually(lambda: sweep(world) or world.job().state is State.QUEUED)


def test_a_long_wait_is_explained_in_status_json(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_reports, "_LATE_SECONDS", 0.5)
    world.accept()
    eventually(lambda: sweep(world) or "waiting" in world.status())
    waiting = world.status()["waiting"]
    assert waiting["reason"] == "NoNodeAlive"
    assert "python -m runner" in waiting["next"]
    alive(world)
    sweep(world)
    assert world.status()["waiting"]["reason"] == "WaitingForNode"


def test_a_reason_that_did_not_change_is_reported_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_reports, "_LATE_SECONDS", 0.0)
    for number in range(5):
        world.accept(f"job-{number}")
    eventually(lambda: sweep(world) or all("waiting" in world.status(f"job-{n}") for n in range(5)))
    world.counter.reset()
    sweep(world)
    calls = world.counter.snapshot()
    assert calls["PUT blob"] == 0
    # What was written is not read again either: clusters, live jobs, gangs, nodes; other worlds add theirs.
    there = len(world.stores.clusters.list_all()[0])
    assert calls["GET table"] <= 2 + 3 * there


def rows(world: World) -> set[str]:
    return {node.node_id for node in world.stores.nodes.nodes(world.cluster)[0]}


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
        monkeypatch.setattr(node_table, name, counted(getattr(node_table, name)))
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
    forgetful.stores.clusters.delete(forgetful.cluster)
    eventually(lambda: sweep(forgetful) or not rows(forgetful))


def test_the_clock_of_the_function_app_forgets_nobody(world: World) -> None:
    alive(world)
    sweep(world, timedelta(days=30).total_seconds())
    assert rows(world) == {"node-0"}


def test_a_node_that_is_heard_of_while_it_is_about_to_be_forgotten_stays(forgetful: World) -> None:
    table = forgetful.stores.nodes
    alive(forgetful)
    _, now = table.nodes(forgetful.cluster)
    partition = cluster_partition(forgetful.cluster)
    mine = [row for row in table.silent(now + timedelta(seconds=1)) if row.partition == partition]
    assert [node.node_id for node in mine] == ["node-0"]
    alive(forgetful)
    assert not table.forget_silent(mine[0])
    assert rows(forgetful) == {"node-0"}


def test_a_node_that_comes_back_after_it_was_forgotten_is_there_again(forgetful: World) -> None:
    table = forgetful.stores.nodes
    row = NodeRow(forgetful.cluster, "node-0", "idle", 0)
    reporter = NodeReporter(forgetful.backend.nodes, row, 0.2)
    reporter.start()
    try:
        eventually(lambda: rows(forgetful) == {"node-0"})
        table.forget(row)
        eventually(lambda: rows(forgetful) == {"node-0"})
    finally:
        reporter.end()
