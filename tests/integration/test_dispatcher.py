"""local.dispatcher over real tables: what it sees, what it costs, what it does when storage is away."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from local.dispatcher import Dispatcher
from shared.backend import backend
from shared.names.ids import ClusterId
from shared.stores.node_table import NodeRow
from tests.support.world import World, document


@pytest.fixture(scope="module")
def installation(own_installation: str) -> str:
    """A storage account of its own: the dispatcher looks at every cluster there is."""
    return own_installation


class Sent:
    """Runners that go where they are sent, at once."""

    def __init__(self, **served: ClusterId) -> None:
        self.places: dict[str, ClusterId] = dict(served)

    def served(self) -> Mapping[str, ClusterId]:
        return self.places

    def move(self, places: Mapping[str, ClusterId]) -> None:
        self.places |= places


class Turns:
    """A dispatcher whose clock the test moves: every turn is a second or more after the last."""

    def __init__(self, world: World, runners: Sent) -> None:
        self.now = 0.0
        self.runners = runners
        self._world = world
        self._home = ClusterId("elsewhere", "home")
        self._dispatcher = Dispatcher(runners, world.backend, self._home, lambda: self.now)

    def take(self, count: int = 2, seconds: float = 20.0) -> int:
        """Storage calls of `count` turns."""
        self._world.counter.reset()
        for _ in range(count):
            self.now += seconds
            self._dispatcher.turn()
        return sum(self._world.counter.snapshot().values())


def _other(world: World) -> ClusterId:
    """A cluster of another workspace than the world's own."""
    cluster = ClusterId(f"{world.cluster.workspace}-b", "other")
    world.backend.cluster_manager.accept(
        cluster,
        b'{"properties": {"vmSize": "STANDARD_D1", '
        b'"userAccountSettings": {"adminUserName": "me", "adminUserPassword": "correct-horse"}}}',
        f"clusters/{cluster}/cluster.json",
    )
    return cluster


def test_an_idle_stack_costs_one_call_per_workspace_and_one(world: World) -> None:
    assert Turns(world, Sent(n0=world.cluster)).take(1) == 2
    other = _other(world)
    try:
        assert Turns(world, Sent(n0=world.cluster)).take(1) == 3
    finally:
        world.stores.clusters.delete(other)


def test_looks_are_a_second_apart_and_further_where_they_cost_more(world: World) -> None:
    turns = Turns(world, Sent(n0=world.cluster))
    assert turns.take(10, seconds=0.1) == 2
    world.accept()
    # Clusters, jobs, nodes: three calls, good for a second.
    assert turns.take(10, seconds=0.25) == 9


def test_a_runner_moves_after_two_looks_and_once(world: World) -> None:
    runners = Sent(n0=ClusterId("elsewhere", "home"))
    turns = Turns(world, runners)
    world.accept()
    turns.take(1)
    assert runners.places == {"n0": ClusterId("elsewhere", "home")}
    turns.take(1)
    assert runners.places == {"n0": world.cluster}
    world.must_claim("n0")
    turns.take(4)
    assert runners.places == {"n0": world.cluster}


def test_a_job_that_was_claimed_meanwhile_moves_nobody(world: World) -> None:
    runners = Sent(n0=ClusterId("elsewhere", "home"))
    turns = Turns(world, runners)
    world.accept()
    turns.take(1)
    world.must_claim("started-by-hand")
    turns.take(3)
    assert runners.places == {"n0": ClusterId("elsewhere", "home")}


def test_jobs_of_another_workspace_count(world: World) -> None:
    other = _other(world)
    try:
        runners = Sent(n0=world.cluster)
        asked = world.settings.scope.cluster(other)
        world.accept(data=document(cluster={"id": asked}))
        Turns(world, runners).take(2)
        assert runners.places == {"n0": other}
    finally:
        world.stores.clusters.delete(other)


def test_a_cluster_its_node_cannot_use_does_not_hold_the_node(world: World) -> None:
    other = _other(world)
    try:
        runners = Sent(n0=world.cluster)
        turns = Turns(world, runners)
        world.accept("older")
        asked = world.settings.scope.cluster(other)
        world.accept("younger", document(cluster={"id": asked}))
        turns.take(4, seconds=2)
        assert runners.places == {"n0": world.cluster}
        world.stores.nodes.report(NodeRow(world.cluster, "n0", "unusable", 0))
        turns.take(4, seconds=2)
        # It has gone to the other and stays there, though the older job still waits.
        assert runners.places == {"n0": other}
    finally:
        world.stores.clusters.delete(other)


def test_storage_that_is_away_is_tried_again(world: World) -> None:
    nobody = re.sub(r"(127\.0\.0\.1):\d+", r"\1:1", world.settings.storage)
    away = backend(replace(world.settings, storage=nobody))
    dispatcher = Dispatcher(Sent(n0=world.cluster), away, world.cluster)
    dispatcher.turn()
    away.close()
