"""Clusters as REST resources: when they are steady, and how nodes are counted."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.names import ClusterId, Scope
from shared.rest_clusters import ClusterFacts, cluster_resource, is_steady, login_information

CREATED = datetime(2019, 12, 29, 7, 41, 13, 393000, UTC)


@pytest.mark.parametrize(
    ("scale", "nodes", "steady"),
    [
        ({}, 7, True),
        ({"manual": {"targetNodeCount": 0}}, 0, True),
        ({"manual": {"targetNodeCount": 2}}, 1, False),
        ({"manual": {"targetNodeCount": 2}}, 3, False),
        ({"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 2}}, 0, True),
        ({"autoScale": {"minimumNodeCount": 1, "maximumNodeCount": 2}}, 0, False),
        ({"autoScale": {"minimumNodeCount": 1, "maximumNodeCount": 2}}, 3, False),
    ],
)
def test_steady_is_what_was_asked_for(scale: dict[str, Any], nodes: int, steady: bool) -> None:
    assert is_steady(scale, nodes) is steady


def test_nodes_are_counted_by_state() -> None:
    states = ("idle", "idle", "running", "leaving")
    facts = ClusterFacts(ClusterId("w", "c"), CREATED, "{}", CREATED, True, states)
    properties = cluster_resource(facts, Scope("s", "g"))["properties"]
    assert properties["currentNodeCount"] == 4
    assert properties["nodeStateCounts"] == {
        "runningNodeCount": 1,
        "idleNodeCount": 2,
        "unusableNodeCount": 0,
        "preparingNodeCount": 0,
        "leavingNodeCount": 1,
    }
    assert properties["provisioningState"] == "deleting"


def test_a_node_without_an_address_cannot_be_logged_in_to() -> None:
    assert [n["nodeId"] for n in login_information([("a", "10.0.0.4"), ("b", "")])] == ["a"]
