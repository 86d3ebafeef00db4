"""Clusters with a pool grow and shrink: the real managers over storage and a cloud in memory."""

from datetime import timedelta

from shared.stores.node_table import NodeRow
from tests.support.memory.scaled import (
    ScaledWorld,
    auto,
    cluster_document,
    ended,
    ended_job,
    names,
    scaled_world,
)
from tests.support.world import document


def test_a_drop_asks_for_a_machine_at_once_and_the_sweep_for_no_other() -> None:
    world = scaled_world()
    world.accept()
    assert len(world.machines()) == 1
    world.step()
    assert (len(world.machines()), world.pools.calls.count("set_capacity pool 1")) == (1, 1)


def test_from_none_to_three_and_back_to_none() -> None:
    world = scaled_world(most=3)
    for name in names(5):
        world.accept(name)
    world.until(lambda: len(world.machines()) == 3)
    world.until(lambda: ended(world, 5))
    before = world.clock()
    world.until(world.is_empty)
    idle = world.clock() - before
    assert timedelta(seconds=500) < idle < timedelta(seconds=900), "ten minutes of rest, and the way out"
    for _ in range(40):
        world.step()
    assert world.machines() == [] and max(int(c.split()[2]) for c in world.pools.calls if "set_" in c) == 3


def test_a_gang_gets_its_machines_at_once() -> None:
    world = scaled_world(most=4)
    world.accept(data=document(nodeCount=2))
    assert len(world.machines()) == 2
    world.step()
    assert world.backend.scaler.state(world.cluster).sentence == (  # type: ignore[union-attr]
        "cluster grows 0 -> 2 because 1 job waits for 2 nodes"
    )


def test_a_gang_that_is_too_large_asks_for_nothing() -> None:
    world = scaled_world(most=1)
    world.accept(data=document(nodeCount=2))
    world.step()
    assert world.machines() == []
    assert world.manager.why(world.job()).reason == "GangTooLarge"


def test_a_target_is_followed_both_ways_without_waiting_for_the_sweep() -> None:
    world = ScaledWorld(None)
    assert world.machines() == []
    world.resize({"manual": {"targetNodeCount": 2}})
    assert len(world.machines()) == 2
    world.until(lambda: len(world.nodes()) == 2)
    world.resize({"manual": {"targetNodeCount": 1}})
    world.until(lambda: len(world.machines()) == 1, 10)
    world.until(lambda: len(world.nodes()) == 1, 10)
    world.resize({"manual": {"targetNodeCount": 0}})
    world.until(world.is_empty, 10)


def test_without_scale_settings_a_pool_is_left_to_whoever_sets_it() -> None:
    world = ScaledWorld(None)
    world.accept()
    for _ in range(5):
        world.step()
    assert world.pools.calls == []


def test_the_initial_number_comes_first_and_then_the_minimum() -> None:
    world = ScaledWorld(auto(1, 3, initial=2))
    assert len(world.machines()) == 2
    world.until(lambda: len(world.machines()) == 1)


def test_of_several_pools_that_of_the_wanted_priority_is_used() -> None:
    world = ScaledWorld(None)
    world.pools.add("aaa", str(world.cluster), spot=True)
    world.create_cluster(cluster_document(auto(1, 1), vmPriority="lowpriority"))
    assert [call for call in world.pools.calls if "set_" in call] == ["set_capacity aaa 1"]


def test_a_job_that_waits_for_machines_says_so() -> None:
    world = scaled_world()
    world.accept()
    world.step(65)
    reported = world.waiting()
    assert reported["reason"] == "ClusterGrowing"
    assert reported["message"] == f"cluster {world.cluster} grows: 1 of 1 machines were asked for 65 s ago"
    written = world.counter.snapshot()
    world.step(30)
    assert world.waiting() == reported, "that time passes is no news"
    world.until(lambda: ended_job(world))
    world.until(lambda: not world.machines())
    world.accept("second")
    world.step(40)
    assert "the last one took 2 min" in world.waiting("second")["message"]
    assert written


def test_who_is_drained_by_hand_is_left_to_whoever_did_it() -> None:
    world = scaled_world(least=1, most=2)
    world.until(lambda: bool(world.runners))
    [first] = world.machines()
    world.backend.cluster_manager.mark_drain(world.cluster, first, True)
    world.until(lambda: len(world.runners) == 2)
    for _ in range(40):
        world.step()
    assert first in world.machines()


def test_a_cluster_that_is_deleted_gives_its_machines_back() -> None:
    world = scaled_world(least=2)
    world.until(lambda: len(world.runners) == 2)
    world.backend.cascading_deletion.delete_cluster(world.cluster)
    world.backend.cascading_deletion.resume()
    world.until(lambda: not world.machines())
    world.until(lambda: not world.nodes())
    for _ in range(30):
        world.step()
    assert world.machines() == []
    assert world.account.tables.get_table_client("scaling") is not None


def test_nodes_on_other_machines_count() -> None:
    world = scaled_world(most=3)

    def own() -> None:
        world.backend.nodes.report(NodeRow(world.cluster, "own", "idle", 1))

    own()
    world.accept()
    world.step(10)
    assert world.machines() == []
    own()
    world.accept("second")
    world.step(10)
    assert len(world.machines()) == 1
