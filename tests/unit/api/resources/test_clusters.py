"""Clusters as REST resources: when they are steady, and how nodes are counted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from api.resources.clusters import (
    ClusterFacts,
    cluster_resource,
    login_information,
    node_information,
    starting_machines,
)
from shared.environment.layout import setup_task_directory
from shared.jobs.known_node import KnownNode
from shared.jobs.waiting_reason import NodeView
from shared.names.ids import ClusterId, Scope
from shared.scaling.pools import MachineState
from shared.scaling.state import KnownMachine, Refusal, ScalingState
from shared.times import timestamp
from tests.support.cases import cases

CREATED = datetime(2019, 12, 29, 7, 41, 13, 393000, UTC)


REVISION = "0123456789abcdef0123456789abcdef"


def shown(properties: dict[str, Any], *states: str, deleting: bool = False) -> dict[str, Any]:
    nodes = tuple(NodeView(f"node-{number}", state, True) for number, state in enumerate(states))
    text = json.dumps(properties)
    facts = ClusterFacts(ClusterId("w", "c"), CREATED, text, CREATED, deleting, REVISION, nodes)
    found: dict[str, Any] = cluster_resource(facts, Scope("s", "g"))["properties"]
    return found


@cases(
    ("scale", "states", "count", "allocation"),
    [
        ({}, "idle idle idle", 3, "steady"),
        ({"manual": {"targetNodeCount": 0}}, "", 0, "steady"),
        ({"manual": {"targetNodeCount": 0}}, "idle idle", 0, "steady"),
        ({"manual": {"targetNodeCount": 0}}, "idle running", 1, "resizing"),
        ({"manual": {"targetNodeCount": 2}}, "idle", 1, "resizing"),
        ({"manual": {"targetNodeCount": 2}}, "idle idle idle", 2, "steady"),
        ({"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 2}}, "", 0, "steady"),
        ({"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 2}}, "idle idle", 0, "steady"),
        ({"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 2}}, "idle running idle", 1, "steady"),
        ({"autoScale": {"minimumNodeCount": 1, "maximumNodeCount": 2}}, "", 0, "resizing"),
        ({"autoScale": {"minimumNodeCount": 1, "maximumNodeCount": 2}}, "idle idle idle", 1, "steady"),
        ({"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 0}}, "idle", 0, "steady"),
    ],
)
def test_a_cluster_counts_the_nodes_it_is_to_have(
    scale: dict[str, Any], states: str, count: int, allocation: str
) -> None:
    properties = shown({"scaleSettings": scale}, *states.split())
    assert (properties["currentNodeCount"], properties["allocationState"]) == (count, allocation)
    assert sum(properties["nodeStateCounts"].values()) == count


def with_pool(state: ScalingState, *nodes: NodeView) -> dict[str, Any]:
    scale = {"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 4}}
    text = json.dumps({"scaleSettings": scale})
    facts = ClusterFacts(ClusterId("w", "c"), CREATED, text, CREATED, False, REVISION, nodes, state)
    found: dict[str, Any] = cluster_resource(facts, Scope("s", "g"))["properties"]
    return found


def machine(name: str, state: MachineState = MachineState.PRESENT) -> KnownMachine:
    return KnownMachine(name, state, CREATED)


def test_of_a_pool_every_machine_is_counted() -> None:
    later = CREATED + timedelta(hours=1)
    released = NodeView("p_2", "leaving", False, drain=True, release="released", left=True)
    state = ScalingState(
        pool="p",
        machines=(
            machine("p_0"),
            machine("p_1"),
            machine("p_2"),
            machine("p_3", MachineState.DELETING),
            machine("P_4"),
        ),
        steady=False,
        changed=later,
    )
    shown = with_pool(state, NodeView("p_0", "idle", True), NodeView("p_4", "running", True), released)
    assert shown["currentNodeCount"] == 5
    assert shown["nodeStateCounts"] == {
        "runningNodeCount": 1,
        "idleNodeCount": 1,
        "unusableNodeCount": 0,
        "preparingNodeCount": 1,
        "leavingNodeCount": 2,
    }
    assert shown["allocationState"] == "resizing"
    assert shown["allocationStateTransitionTime"] == "2019-12-29T08:41:13.393Z"
    assert "errors" not in shown
    assert starting_machines(
        state, [NodeView("p_0", "idle", True), NodeView("p_4", "running", True), released]
    ) == [
        {"nodeId": "p_1", "state": "starting", "drain": False, "port": 22},
        {"nodeId": "p_3", "state": "leaving", "drain": False, "port": 22},
    ]


def test_why_a_cluster_has_not_its_nodes_is_an_error_of_it() -> None:
    refusal = Refusal("OperationNotAllowed", "exceeding approved Cores quota", CREATED)
    state = ScalingState(refusal=refusal, stuck=("p_0",))
    errors = with_pool(state, NodeView("n", "unusable", True, "no GPU"))["errors"]
    assert [(error["code"], error["message"]) for error in errors] == [
        ("OperationNotAllowed", "exceeding approved Cores quota"),
        ("NodeDoesNotStart", "machine p_0 did not become a node"),
        ("NodeUnusable", "no GPU"),
    ]
    assert errors[2]["details"] == [{"name": "nodeId", "value": "n"}]


def test_a_cloud_that_does_not_answer_is_an_error_while_machines_are_lacking() -> None:
    [error] = with_pool(ScalingState(silent=CREATED, wanted=1, lacking=1))["errors"]
    assert error["code"] == "CloudDoesNotAnswer"
    assert f"has not answered since {timestamp(CREATED)}" in error["message"]
    assert "errors" not in with_pool(ScalingState(silent=CREATED))


def test_the_setup_task_shows_where_its_logs_are() -> None:
    """az batchai cluster file list joins prefix and suffix to the folder that it lists."""
    task = {"commandLine": "x", "stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/afs/"}
    suffix = shown({"nodeSetup": {"setupTask": task}})["nodeSetup"]["setupTask"]["stdOutErrPathSuffix"]
    assert suffix == "s/g/workspaces/w/clusters/c/01234567-89ab-cdef-0123-456789abcdef"
    assert setup_task_directory("/mnt/afs/", suffix) == f"/mnt/afs/{suffix}"


def test_nodes_are_counted_by_state() -> None:
    properties = shown({}, "idle", "idle", "running", "leaving", deleting=True)
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


def test_a_node_that_nothing_was_heard_of_is_lost_and_empty_members_are_left_out() -> None:
    node = NodeView("node-0", "running", False, job="uuid")
    assert node_information(KnownNode(node, "", "1.2.3", True)) == {
        "nodeId": "node-0",
        "state": "lost",
        "drain": True,
        "version": "1.2.3",
        "port": 22,
        "job": "uuid",
    }
    assert node_information(KnownNode(NodeView("n", "idle", True), "10.0.0.4"))["state"] == "idle"


def test_a_node_shows_its_gpus_as_it_has_reported_them() -> None:
    view = NodeView("node-0", "running", True)
    gpus = [{"index": 0, "name": "H200", "utilizationPercent": 87, "newer": 1}]
    shown = node_information(KnownNode(view, gpu_readings=json.dumps(gpus), heard=CREATED))
    assert shown["gpus"] == gpus, "members of newer runners are carried along"
    assert shown["reportedAt"] == timestamp(CREATED)
    for nothing in ("", "{", "3"):
        assert "gpus" not in node_information(KnownNode(view, gpu_readings=nothing))
