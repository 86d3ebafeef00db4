"""Clusters with a pool grow and shrink: the real managers over storage and a cloud in memory."""

import functools
import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.errors import ConflictError, StoreError
from shared.jobs.model import State
from shared.managers.live_jobs import queued
from shared.stores import scaling_table
from shared.stores.node_table import NodeRow
from tests.support.examples import examples
from tests.support.memory.faults import Call
from tests.support.memory.scaled import ScaledWorld, auto, cluster_document, scaled_world
from tests.support.memory.world import MemoryWorld, every_crash
from tests.support.world import document


def names(count: int) -> list[str]:
    return [f"job{number}" for number in range(count)]


def ended(world: ScaledWorld, count: int) -> bool:
    return all(world.job(name).state is State.SUCCEEDED for name in names(count))


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


def test_a_lost_answer_doubles_nothing() -> None:
    world = scaled_world()
    world.pools.lost_answers = 1
    world.accept()
    for _ in range(20):
        world.step()
        assert len(world.machines()) <= 1
    assert ended_job(world)


def ended_job(world: ScaledWorld) -> bool:
    return world.job().state is State.SUCCEEDED


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
    world.until(functools.partial(has_run, world, "job"))


def test_a_cluster_without_a_pool_is_not_looked_for_with_every_sweep() -> None:
    world = scaled_world()
    world.pools.sets.clear()
    world.accept()
    for _ in range(10):
        world.step()
    assert world.pools.calls.count("look") <= 2
    assert world.manager.why(world.job()).reason == "NoNodeAlive"


def test_many_who_ask_why_read_what_is_kept_once() -> None:
    world = scaled_world()
    job = world.accept()
    calls = world.calls(lambda: [world.manager.why(job, 60.0) for _ in range(20)])
    assert len([call for call in calls if "scaling" in call.name]) == 1


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


def test_who_is_drained_by_hand_is_left_to_whoever_did_it() -> None:
    world = scaled_world(least=1, most=2)
    world.until(lambda: bool(world.runners))
    [first] = world.machines()
    world.backend.cluster_manager.mark_drain(world.cluster, first, True)
    world.until(lambda: len(world.runners) == 2)
    for _ in range(40):
        world.step()
    assert first in world.machines()


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


def with_an_idle_node() -> ScaledWorld:
    """A world whose only node has been idle for so long that the next sweep lets it go."""
    world = scaled_world()
    world.accept()
    world.until(lambda: ended_job(world))
    for _ in range(21):
        world.step(sweeps=False)
    assert len(world.runners) == 1
    assert not world.nodes()[0].drain
    return world


def test_the_claim_wins_or_the_way_out_wins() -> None:
    """A job comes with the sweep that lets an idle node go; at each of its storage calls the node's runner
    looks for a job just then, as it does when it has read its row before."""
    ways, idle = set(), with_an_idle_node()
    for at in itertools.count(1):
        world = idle.copy()
        [runner] = world.runners.values()
        world.works = False
        first = len(world.faults.calls)
        world.faults.meanwhile(at_call(world, first + at), functools.partial(late, world))
        world.backend.sweeper.sweep()
        if len(world.faults.calls) < first + at:
            break
        [node] = world.nodes()
        ways.add((bool(runner.claim), node.drain))
        world.works = True
        world.until(functools.partial(has_run, world, "late"))
        assert world.job("late").attempt == 1, f"call {at}: it was killed"
        world.until(world.is_empty)
    assert {(True, False), (True, True)} <= ways, "before the mark, and in the very moment of it"


def at_call(world: ScaledWorld, number: int) -> Callable[[Call], bool]:
    """Whether this is the call of storage with that number."""
    return lambda _: len(world.faults.calls) == number


def has_run(world: ScaledWorld, name: str) -> bool:
    return world.job(name).state is State.SUCCEEDED


def late(world: ScaledWorld) -> None:
    """A job comes, and the runner takes it."""
    world.accept("late")
    for runner in world.runners.values():
        runner.take()


@pytest.mark.parametrize("what", ["grow", "shrink"])
def test_a_sweep_that_dies_anywhere_is_made_good_by_the_next(what: str) -> None:
    crashes = every_crash(
        growing if what == "grow" else with_an_idle_node, lambda w: w.backend.sweeper.sweep()
    )
    for world, where in crashes:
        for _ in range(12):
            world.step()
            assert len(world.machines()) <= 2, where
        if what == "grow":
            world.until(functools.partial(ended, world, 2))
        world.until(world.is_empty)
    assert len(crashes) > 3


def growing() -> ScaledWorld:
    """A world whose next sweep asks for two machines."""
    world = scaled_world(most=2)
    world.pools.down = True
    for name in names(2):
        world.accept(name)
    world.pools.down = False
    world.clock.move(1)
    return world


@pytest.mark.parametrize("what", ["grow", "shrink"])
def test_two_sweeps_at_once_do_no_more_than_one(what: str) -> None:
    """The second runs as a whole at each storage call of the first, and before the first's change of the pool
    arrives."""
    begun = growing() if what == "grow" else with_an_idle_node()
    for at in itertools.count(0):
        world = begun.copy()
        other = world.start()
        first = len(world.faults.calls)
        if at == 0:
            world.pools.before = other.sweeper.sweep
        else:
            world.faults.meanwhile(
                at_call(world, first + at),
                other.sweeper.sweep,
            )
        world.backend.sweeper.sweep()
        if len(world.faults.calls) < first + at:
            break
        for _ in range(5):
            assert len(world.machines()) <= 2, at
            world.step()
        if what == "grow":
            world.until(functools.partial(ended, world, 2))
        world.until(world.is_empty)
    assert at > 5


def test_a_sweep_that_comes_too_late_takes_no_machine_away() -> None:
    """It has seen a pool of one machine and asks for two; meanwhile another has asked for three."""
    world = scaled_world(most=3)
    world.accept("a")
    world.clock.move(30)
    look = world.backend.scaler.begin(world.clock())
    assert look
    row = world.backend.clusters.get(world.cluster)
    nodes, _ = world.backend.clusters.look_at(row)
    world.accept("b")
    stale = queued(world.manager.live(world.cluster))
    world.accept("c")
    world.pools.before = None
    pool = look.pool_of(row, False, "STANDARD_D1")
    assert pool and len(pool.machines) >= 1
    world.step()
    assert len(world.machines()) == 3
    world.backend.scaler.turn(look, row, nodes, stale)
    assert len(world.machines()) == 3


def test_a_sweep_that_read_the_cluster_before_it_was_resized_lets_no_machine_go() -> None:
    """It has listed the clusters when somebody asks for two machines and gets them."""
    world = ScaledWorld({"manual": {"targetNodeCount": 0}})
    world.faults.meanwhile(
        lambda call: call.service == "table" and call.name.startswith(f"{scaling_table.TABLE}"),
        lambda: world.resize({"manual": {"targetNodeCount": 2}}),
    )
    world.step()
    assert len(world.machines()) == 2
    assert not [node.node_id for node in world.nodes() if node.drain]
    world.until(lambda: len([node for node in world.nodes() if node.state == "idle"]) == 2)
    assert [call for call in world.pools.calls if "set_" in call] == ["set_capacity pool 2"]


def calls_of_a_sweep(world: ScaledWorld) -> tuple[int, int]:
    """(storage calls, calls of the cloud) of the next sweep."""
    before = len(world.pools.calls)
    stored = world.calls(world.backend.sweeper.sweep)
    return len(stored), len(world.pools.calls) - before


@pytest.mark.parametrize("clusters", [number for number in (1, 10, 100) if number <= examples(100)])
def test_what_a_sweep_costs_while_nothing_happens(clusters: int) -> None:
    """One call of storage for all pools together; none of the cloud but for a look every ten minutes."""
    world = scaled_world()
    for number in range(1, clusters):
        world.other_cluster(number, auto(0, 2))
    world.step()
    without = MemoryWorld()
    without.create_cluster(cluster_document(auto(0, 3)))
    without.backend.sweeper.sweep()
    without.clock.move(60)  # what is remembered of a cluster is too old by then
    per_cluster = len(without.calls(without.backend.sweeper.sweep)) - 2
    stored, asked = [], []
    for _ in range(60):
        world.clock.move(60)
        one, other = calls_of_a_sweep(world)
        stored.append(one)
        asked.append(other)
    assert min(stored) == 2 + 1 + per_cluster * clusters
    assert max(stored) == min(stored) + 1
    assert (sum(asked), max(asked)) == (6, 1)


def test_what_a_sweep_costs_while_a_cluster_grows_and_works() -> None:
    world = scaled_world(most=3, job_seconds=3000)
    for name in names(3):
        world.accept(name)
    while len(world.nodes()) < 3:
        world.clock.move(30)
        assert calls_of_a_sweep(world)[1] <= 3, "a list, what became of the last growth, and a change"
        world.run_runners()
    world.step()
    world.step()
    before = len(world.pools.calls)
    for _ in range(10):
        world.step()
    assert len(world.pools.calls) - before <= 1, "full, and everybody works: nothing to ask"


def test_without_pools_nothing_is_asked_or_read_for_them() -> None:
    world = MemoryWorld()
    world.create_cluster(cluster_document(auto(0, 3)))
    world.accept()
    world.backend.sweeper.sweep()
    world.manager.why(world.job())
    assert [call for call in world.faults.calls if "scaling/" in call.name] == []
