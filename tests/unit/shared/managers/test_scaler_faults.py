"""The cloud refuses, is silent, or takes machines away: what a cluster with a pool does then."""

import functools
from datetime import timedelta

import pytest

from shared.errors import ConflictError, StoreError
from shared.jobs.model import State
from shared.stores import scaling_table
from shared.stores.node_table import NodeRow
from tests.support.memory.scaled import (
    auto,
    cluster_document,
    ended_job,
    scaled_world,
)
from tests.support.memory.world import MemoryWorld


def test_a_lost_answer_doubles_nothing() -> None:
    world = scaled_world()
    world.pools.lost_answers = 1
    world.accept()
    for _ in range(20):
        world.step()
        assert len(world.machines()) <= 1
    assert ended_job(world)


def test_a_lost_answer_to_a_deletion_is_asked_again() -> None:
    world = scaled_world()
    world.accept()
    world.until(lambda: ended_job(world))
    world.pools.lost_answers = 1
    world.until(world.is_empty)


def test_the_cloud_is_left_alone_for_as_long_as_it_asks() -> None:
    world = scaled_world()
    world.pools.throttled, world.pools.retry_after = 1, 100.0
    world.accept()
    assert world.pools.calls == ["look"]
    for _ in range(3):
        world.step(30)
    assert world.pools.calls == ["look"]
    world.step(30)
    assert len(world.machines()) == 1


def test_a_minute_without_the_cloud_is_caught_up() -> None:
    world = scaled_world()
    world.pools.down = True
    world.accept()
    since = world.clock()
    for _ in range(2):
        world.step()
    assert world.machines() == []
    reported = world.waiting()
    assert (reported["reason"], reported.get("until")) == ("ClusterCannotGrow", None)
    assert (
        f"(1 are lacking): the cloud has not answered since {since:%Y-%m-%d %H:%M:%S} UTC"
        in reported["message"]
    )
    assert "it is asked again every minute" in reported["next"]
    world.pools.down = False
    world.step()
    assert len(world.machines()) == 1
    assert world.waiting()["reason"] == "ClusterGrowing"


def test_an_outage_is_reported_once_and_forgotten_with_the_next_answer() -> None:
    world = scaled_world(most=2)
    world.accept("a")
    world.until(lambda: world.job("a").state is State.RUNNING)
    world.pools.down = True
    world.accept("b")
    world.step()
    state = world.backend.scaler.state(world.cluster)
    assert state and (state.silent, state.lacking, len(state.machines)) == (
        world.clock() - timedelta(seconds=30),
        1,
        1,
    )
    written = [call for call in world.calls(world.backend.sweeper.sweep) if call.writes]
    assert [call for call in written if call.name.startswith(scaling_table.TABLE)] == []
    world.pools.down = False
    world.until(lambda: world.job("b").state is State.SUCCEEDED)
    state = world.backend.scaler.state(world.cluster)
    assert state and state.silent is None


def test_an_answer_that_is_lost_while_machines_are_asked_for_is_reported() -> None:
    world = scaled_world()
    world.pools.lost_answers = 1
    world.accept()
    state = world.backend.scaler.state(world.cluster)
    assert state and (state.silent, state.asked) == (world.clock(), 1)
    world.step()
    assert world.waiting()["reason"] == "ClusterGrowing"


def test_an_outage_says_nothing_of_nodes_that_came_from_elsewhere() -> None:
    """Of a cluster whose pool nobody has seen: it may have none."""
    world = MemoryWorld(with_pools=True)
    assert world.pools
    world.pools.down = True
    world.create_cluster(cluster_document(auto(0, 3)))
    world.backend.nodes.report(NodeRow(world.cluster, "mine", "running", 1, job="u"))
    world.accept()
    world.clock.move(30)
    world.backend.sweeper.sweep()
    assert world.backend.scaler.state(world.cluster) is None
    assert world.status()["waiting"]["reason"] == "WaitingForNode"


def test_a_quota_is_reported_in_the_clouds_words_and_asked_again_ever_more_rarely() -> None:
    world = scaled_world()
    world.pools.quota = 0
    world.accept()
    for _ in range(60):
        world.step()
    asked = [call for call in world.pools.calls if call.startswith("set_capacity")]
    assert 3 <= len(asked) <= 7, asked
    reported = world.waiting()
    assert reported["reason"] == "ClusterCannotGrow"
    assert "exceeding approved Cores quota" in reported["message"] and "quota" in reported["next"]
    assert reported["until"]
    world.pools.quota = None
    world.until(lambda: ended_job(world))


def test_a_role_that_is_missing_is_reported_and_the_cloud_not_asked_each_time() -> None:
    world = scaled_world()
    world.pools.forbidden = True
    world.accept()
    for _ in range(20):
        world.step()
    reported = world.waiting()
    assert reported["reason"] == "ClusterCannotGrow"
    assert "does not have authorization" in reported["message"]
    assert "Virtual Machine Contributor" in reported["next"]
    assert 2 <= world.pools.calls.count("look") <= 6
    world.pools.forbidden = False
    world.until(functools.partial(ended_job, world))


def test_machines_that_cannot_be_allocated_are_removed_and_reported() -> None:
    world = scaled_world(most=2)
    world.pools.available = 0
    world.accept()
    world.until(lambda: world.waiting().get("reason") == "ClusterCannotGrow", 10)
    assert "Allocation failed" in world.waiting()["message"]
    assert "dedicated" in world.waiting()["next"]
    world.until(lambda: not world.machines(), 20)
    world.pools.available = None
    world.until(lambda: ended_job(world))


def test_a_machine_that_does_not_start_is_reported_and_replaced() -> None:
    world = scaled_world()
    world.accept()
    [first] = world.machines()
    real = world.run_runners
    world.run_runners = lambda: None  # type: ignore[method-assign]
    world.until(lambda: world.waiting().get("reason") == "NodeDoesNotStart", 40)
    assert f"get-boot-log -g GROUP -n {first}" in world.waiting()["next"]
    world.until(lambda: first not in world.machines())
    world.run_runners = real  # type: ignore[method-assign]
    world.until(lambda: ended_job(world))
    world.until(world.is_empty)


def test_a_machine_that_was_taken_away_is_replaced_and_its_row_forgotten() -> None:
    world = scaled_world(job_seconds=600)
    world.accept()
    world.until(lambda: world.job().state is State.RUNNING)
    [first] = world.machines()
    world.evict(first)
    world.until(lambda: ended_job(world))
    assert world.job().attempt == 2
    assert first not in [node.node_id for node in world.nodes()]


@pytest.mark.parametrize("fault", ["unusable", "silent"])
def test_a_node_that_is_of_no_use_is_replaced(fault: str) -> None:
    world = scaled_world(least=1, most=2)
    world.until(lambda: bool(world.runners))
    [first] = world.machines()
    if fault == "silent":
        world.runners[first].stuck = True
    else:
        world.runners[first].state, world.runners[first].since = "unusable", world.clock.monotonic()
    world.until(lambda: first not in world.machines(), 40)
    world.until(lambda: len(world.nodes()) == 1 and world.nodes()[0].state == "idle")


def test_whose_machine_is_being_deleted_does_not_stay() -> None:
    world = scaled_world()
    world.accept()
    world.until(lambda: ended_job(world))
    world.until(lambda: any(node.release == "released" for node in world.nodes()))
    [node] = world.nodes()
    world.backend.cluster_manager.mark_drain(world.cluster, node.node_id, False)
    assert not world.nodes()[0].release, "until then it may"
    world.backend.nodes.release(world.cluster, node.node_id)
    world.run_runners()

    def lost() -> None:
        raise StoreError("the cloud is away")

    world.pools.before = lost
    world.backend.sweeper.sweep()
    assert world.nodes()[0].release == "deleted" and world.machines()
    with pytest.raises(ConflictError, match="being deleted"):
        world.backend.cluster_manager.mark_drain(world.cluster, node.node_id, False)
    world.until(world.is_empty, 5)
