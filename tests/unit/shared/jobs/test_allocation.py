"""Which nodes serve a cluster: at most as many as are wanted, and the same ones when asked again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.allocation import (
    REQUEUE,
    TERMINATE,
    WAIT,
    Scale,
    is_steady,
    present,
    scale_of,
    serving,
    wanted_standby,
)
from shared.jobs.waiting_reason import NodeView


def manual(target: int, option: str = REQUEUE) -> Scale:
    return scale_of({"manual": {"targetNodeCount": target, "nodeDeallocationOption": option}})


def auto(least: int, most: int) -> Scale:
    return scale_of({"autoScale": {"minimumNodeCount": least, "maximumNodeCount": most}})


def nodes(*states: str, standby: str = "") -> list[NodeView]:
    return [NodeView(f"n{number}", state, True, standby=standby) for number, state in enumerate(states)]


SCALES = st.one_of(
    st.just(Scale()),
    st.builds(manual, st.integers(0, 5), st.sampled_from([REQUEUE, TERMINATE, WAIT])),
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda pair: auto(pair[0], sum(pair))),
)
STATES = st.sampled_from(["idle", "running", "preparing", "unusable", "leaving"])
NODES = st.lists(st.tuples(STATES, st.booleans(), st.sampled_from(["", REQUEUE, WAIT])), max_size=7).map(
    lambda drawn: [
        NodeView(f"n{number}", state, alive, standby=standby)
        for number, (state, alive, standby) in enumerate(drawn)
    ]
)


@given(NODES, SCALES)
def test_never_more_serve_than_are_wanted_and_never_fewer_than_there_are(
    views: list[NodeView], scale: Scale
) -> None:
    alive = [node for node in views if node.alive and node.state != "leaving"]
    wanted = len(alive) if scale.most is None else min(len(alive), scale.most)
    assert len(serving(views, scale)) == wanted
    assert serving(views, scale) <= {node.node_id for node in alive}


@given(NODES, SCALES)
def test_who_is_asked_again_is_given_the_same(views: list[NodeView], scale: Scale) -> None:
    first = wanted_standby(views, scale)
    heard = [replace(node, standby=first.get(node.node_id, node.standby)) for node in views]
    assert wanted_standby(heard, scale) == first
    assert set(first) == {node.node_id for node in views if node.alive}


@given(NODES, SCALES)
def test_what_is_counted_is_there_once_and_serves_or_leaves(views: list[NodeView], scale: Scale) -> None:
    counted = present(views, scale)
    assert len(dict(counted)) == len(counted)
    serve = serving(views, scale)
    assert all(node_id in serve or state == "leaving" for node_id, state in counted)
    if is_steady(views, scale):
        assert scale.most is None or scale.least <= len(counted) <= scale.most


@pytest.mark.parametrize(
    ("views", "served"),
    [
        (nodes("idle", "idle"), {"n0"}),
        (nodes("idle", "running"), {"n1"}),
        (nodes("unusable", "idle"), {"n1"}),
        (nodes("leaving", "preparing"), {"n1"}),
        ([*nodes("idle", standby=REQUEUE), NodeView("n9", "idle", True)], {"n9"}),
        ([NodeView("n0", "running", False), NodeView("n1", "idle", True)], {"n1"}),
    ],
)
def test_the_one_node_that_serves(views: list[NodeView], served: set[str]) -> None:
    assert serving(views, manual(1)) == served


def test_what_becomes_of_jobs_on_nodes_that_leave() -> None:
    running = nodes("running", "running")
    assert wanted_standby(running, manual(1, TERMINATE)) == {"n0": "", "n1": TERMINATE}
    assert wanted_standby(running, manual(0)) == {"n0": REQUEUE, "n1": REQUEUE}
    assert wanted_standby(running, auto(0, 1)) == {"n0": "", "n1": WAIT}, (
        "auto-scale takes no node away from a job"
    )
    assert present(running, manual(0)) == (("n0", "leaving"), ("n1", "leaving"))


def test_a_node_that_leaves_is_given_nothing_new() -> None:
    for standby in ("", REQUEUE):
        assert wanted_standby(nodes("leaving", standby=standby), Scale()) == {"n0": standby}
        assert wanted_standby(nodes("leaving", standby=standby), manual(0)) == {"n0": standby}


def test_auto_scale_counts_idle_nodes_up_to_its_minimum() -> None:
    assert present(nodes("idle", "running", "idle"), auto(0, 3)) == (("n1", "running"),)
    assert present(nodes("idle", "running", "idle"), auto(2, 3)) == (("n0", "idle"), ("n1", "running"))
