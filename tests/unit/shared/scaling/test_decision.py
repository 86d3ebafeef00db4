"""Single decisions: who is chosen, who is not, and what is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.jobs.allocation import Scale
from shared.jobs.model import State
from shared.jobs.queue_order import QueuedEntry
from shared.jobs.waiting_reason import RELEASED, NodeView
from shared.scaling.decision import Decision, decide
from shared.scaling.demand import wish_of
from shared.scaling.fleet import ScalingDelays
from shared.scaling.pools import Machine, Pool
from shared.scaling.state import KnownMachine, ScalingState, from_json, observed, to_json

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AUTO = Scale(0, 3, follows_jobs=True)


def job(name: str, nodes: int = 1, owner: str = "", minutes: int = 0) -> QueuedEntry:
    state = State.RUNNING if owner else State.QUEUED
    return QueuedEntry(name, state, "normal", nodes, NOW + timedelta(minutes=minutes), owner)


def node(number: int, state: str = "idle", seconds: float = 0.0, **more: object) -> NodeView:
    found = NodeView(f"pool_{number}", state, True, state_seconds=seconds)
    return replace(found, **more)  # type: ignore[arg-type]


def pool(count: int, capacity: int | None = None, settled: bool = True) -> Pool:
    machines = tuple(Machine(f"pool_{number}") for number in range(count))
    return Pool("pool", "c", count if capacity is None else capacity, machines, settled)


def decision(
    nodes: list[NodeView],
    jobs: list[QueuedEntry],
    found: Pool,
    scale: Scale = AUTO,
    state: ScalingState = ScalingState(),  # noqa: B008
) -> Decision:
    wish = wish_of(scale, jobs, NOW - timedelta(days=1), NOW, 600)
    return decide(wish, jobs, nodes, found, observed(state, found, nodes, NOW), NOW, ScalingDelays())


def test_the_longest_idle_go_first_and_only_as_many_as_nobody_needs() -> None:
    nodes = [node(0, seconds=700), node(1, seconds=900), node(2, seconds=800)]
    found = decision(nodes, [job("a")], pool(3))
    assert found.drain == ("pool_1", "pool_2")
    assert found.sentence == "cluster shrinks 3 -> 1 because 2 nodes have been idle for 13 min 20 s"


def test_who_has_not_rested_for_long_stays() -> None:
    nodes = [node(0, seconds=599), node(1, "preparing", 5000), node(2, "running", 5000)]
    assert decision(nodes, [job("a", owner="pool_2")], pool(3)).quiet


def test_of_an_older_runner_nobody_knows_how_long_it_has_rested() -> None:
    assert decision([node(0, state_seconds=None)], [], pool(1)).quiet


def test_a_node_whose_job_may_still_live_is_not_deleted_however_silent_it_is() -> None:
    gone = node(0, "leaving", alive=False, silent_seconds=5000.0, drain=True, release=RELEASED)
    assert decision([gone], [job("a", owner="pool_0")], pool(1)).delete == ()
    assert decision([gone], [], pool(1)).delete == ("pool_0",)
    silent = replace(node(0), alive=False, silent_seconds=5000.0)
    assert decision([silent], [job("a", owner="pool_0")], pool(1)).quiet
    assert decision([silent], [], pool(1)).drain == ("pool_0",)


def test_a_job_on_a_machine_that_leaves_needs_no_other() -> None:
    leaves = node(0, "leaving", job="a", drain=True, release=RELEASED)
    assert decision([leaves], [job("a", owner="pool_0")], pool(1)).quiet
    found = decision([leaves], [job("a", owner="pool_0"), job("b")], pool(1))
    assert found.capacity == 2


def test_a_gang_that_fits_only_alone_has_its_machines_while_another_job_runs() -> None:
    jobs = [job("a", owner="pool_0"), job("gang", 3, minutes=1), job("b", minutes=2)]
    found = decision([node(0, "running", job="a")], jobs, pool(1))
    assert (found.capacity, found.wanted) == (3, 3)
    assert decision([node(0, "running", job="a")], [*jobs, job("huge", 4)], pool(1)).capacity == 3


def test_beyond_the_maximum_is_deleted_who_has_no_job_at_once() -> None:
    nodes = [node(0, "running", job="a"), node(1), node(2, standby="requeue")]
    small = Scale(0, 1, follows_jobs=True)
    assert decision(nodes, [job("a", owner="pool_0")], pool(3), small).drain == ("pool_2", "pool_1")


@pytest.mark.parametrize(
    ("found", "asked", "minutes", "capacity"),
    [
        (pool(0), None, 0, 2),
        (pool(0), 2, 0.5, None),
        (pool(0), 2, 2, 2),
        (pool(0, capacity=2), 2, 0.5, None),
        (pool(0, capacity=2, settled=False), 2, 2, None),
        (pool(0, capacity=2), 2, 2, 2),
        (pool(0), 1, 0.1, 2),
    ],
)
def test_what_was_asked_for_is_asked_again_only_when_it_should_be_seen(
    found: Pool, asked: int | None, minutes: float, capacity: int | None
) -> None:
    at = NOW - timedelta(minutes=minutes) if asked else None
    state = ScalingState(asked=asked, asked_at=at)
    assert decision([], [job("a"), job("b")], found, state=state).capacity == capacity


def test_what_the_cloud_never_gave_is_taken_back_and_never_while_a_node_is_not_listed() -> None:
    assert (
        decision([node(0, "running", job="a")], [job("a", owner="pool_0")], pool(1, capacity=3)).capacity == 1
    )
    unlisted = [node(0, "running", job="a"), node(7, "running", job="b")]
    jobs = [job("a", owner="pool_0"), job("b", owner="pool_7")]
    assert decision(unlisted, jobs, pool(1, capacity=3)).capacity is None
    working = pool(1, capacity=3, settled=False)
    assert decision([node(0, "running", job="a")], [job("a", owner="pool_0")], working).capacity is None


def test_a_state_of_another_version_is_read() -> None:
    kept = ScalingState(pool="pool", machines=(KnownMachine("pool_0", Machine("x").state, NOW),))
    text = to_json(kept).replace('"pool":"pool"', '"pool":"pool","newer":[1]').replace('"steady":true,', "")
    assert from_json(text) == kept
    assert from_json("{}") == ScalingState()


def test_what_cannot_be_stays_with_whoever_it_belongs_to() -> None:
    with pytest.raises(ValueError, match="no scaleSettings"):
        wish_of(Scale(), [], NOW, NOW, 0)
    back = replace(node(0, "leaving"), alive=False, left=True)
    assert decision([back], [], pool(1)).quiet, "undrained, its runner not started yet"
    own = NodeView("own", "leaving", True)
    assert decision([own], [job("a")], pool(0)).capacity == 1, (
        "a node of somebody's own that leaves serves nobody"
    )
    unlisted = node(7, "leaving", job="a", drain=True, release=RELEASED)
    assert decision([unlisted], [job("a", owner="pool_7")], pool(0)).forget == (), "while its job lives"
    assert decision([unlisted], [], pool(0)).forget == () == decision([unlisted], [], pool(0)).delete
