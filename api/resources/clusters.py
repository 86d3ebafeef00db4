"""Clusters and their nodes as resources of the Batch AI REST API. PURE."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from api.resources.forms import CLUSTER_TYPE, provisioning, resource
from shared.environment.layout import setup_task_segment
from shared.jobs.allocation import Scale, is_steady, present, scale_of
from shared.jobs.known_node import KnownNode
from shared.jobs.status_json import timestamp
from shared.jobs.waiting_reason import NODE_STUCK, NodeView
from shared.names.ids import ClusterId, Scope
from shared.scaling.pools import MachineState
from shared.scaling.state import ScalingState

#: As the recorded service ordered them.
_STATES = ("running", "idle", "unusable", "preparing", "leaving")
_SSH_PORT = 22


@dataclass(frozen=True)
class ClusterFacts:
    """What is known of a cluster when it is shown."""

    id: ClusterId
    created: datetime
    properties: str  #: JSON, without secrets
    resized: datetime  #: when the wanted number of nodes was last set
    deleting: bool
    revision: str  #: of the document in force
    nodes: tuple[NodeView, ...]
    pool: ScalingState | None = None  #: what was last seen of its pool, if it has one


def cluster_resource(facts: ClusterFacts, scope: Scope) -> dict[str, Any]:
    """A cluster as GET returns it. Nodes that are not alive, or stand by, are not counted; of a pool every
    machine is."""
    properties = json.loads(facts.properties)
    scale = scale_of(properties.get("scaleSettings", {}))
    counted = Counter(state for _, state in counted_nodes(facts.nodes, scale, facts.pool))
    steady, since = is_steady(facts.nodes, scale), facts.resized
    if pool := facts.pool:
        steady, since = pool.steady, max(since, pool.changed or since)
    if task := properties.get("nodeSetup", {}).get("setupTask"):
        task["stdOutErrPathSuffix"] = setup_task_segment(scope, facts.id, facts.revision)
    shown: dict[str, Any] = provisioning(facts.created, facts.deleting) | {
        "allocationState": "steady" if steady else "resizing",
        "allocationStateTransitionTime": timestamp(since),
        "currentNodeCount": counted.total(),
        "nodeStateCounts": {f"{state}NodeCount": counted[state] for state in _STATES},
    }
    if errors := _errors(facts):
        shown["errors"] = errors
    return resource(scope.cluster(facts.id), CLUSTER_TYPE, shown | properties)


def counted_nodes(
    nodes: Sequence[NodeView], scale: Scale, pool: ScalingState | None
) -> Sequence[tuple[str, str]]:
    """(node id, state) of the nodes that are counted. A machine of a pool that has no node yet prepares; one
    whose node has left still leaves."""
    if pool is None:
        return present(nodes, scale)
    there = list(present(nodes, replace(scale, follows_jobs=False)))
    known = {node.node_id.lower(): node for node in nodes}
    for machine in pool.machines:
        node = known.get(machine.key)
        if node is None or not node.alive:
            leaves = machine.state is MachineState.DELETING or (node is not None and node.release)
            there.append((machine.name, "leaving" if leaves else "preparing"))
    return there


def _errors(facts: ClusterFacts) -> list[dict[str, Any]]:
    """Why it has not the nodes that it should have."""
    errors: list[dict[str, Any]] = []
    if facts.pool and (refusal := facts.pool.refusal):
        errors.append({"code": refusal.code, "message": refusal.message})
    if facts.pool and facts.pool.silent and facts.pool.lacking:
        since = (
            f"the cloud has not answered since {timestamp(facts.pool.silent)}; it is asked again every minute"
        )
        errors.append({"code": "CloudDoesNotAnswer", "message": since})
    for name in facts.pool.stuck if facts.pool else ():
        errors.append({"code": NODE_STUCK, "message": f"machine {name} did not become a node"})
    for node in facts.nodes:
        if node.alive and node.state == "unusable":
            about = [{"name": "nodeId", "value": node.node_id}]
            errors.append({"code": "NodeUnusable", "message": node.detail or "no detail", "details": about})
    return errors


def node_information(known: KnownNode) -> dict[str, Any]:
    """A node as `GET .../nodes` shows it; `state` "lost" where nothing was heard of it for a lease."""
    node = known.view
    shown = {
        "nodeId": node.node_id,
        "state": node.state if node.alive else "lost",
        "drain": known.drain,
        "version": known.version,
        "ipAddress": known.address,
        "port": _SSH_PORT,
        "detail": node.detail,
        "job": node.job,
        "gpus": _gpus(known.gpu_readings),
        "reportedAt": timestamp(known.heard) if known.heard else "",
    }
    return {name: value for name, value in shown.items() if value not in ("", None)}


def _gpus(text: str) -> list[Any] | None:
    """What a runner of any version has reported of its GPUs; None where that is nothing, or no list."""
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def starting_machines(pool: ScalingState | None, nodes: Sequence[NodeView]) -> list[dict[str, Any]]:
    """The machines of a pool that are no nodes (yet, or any more), as `GET .../nodes` shows them."""
    known = {node.node_id.lower() for node in nodes}
    states = {MachineState.DELETING: "leaving", MachineState.FAILED: "unusable"}
    return [
        node_information(KnownNode(NodeView(each.name, states.get(each.state, "starting"), True)))
        for each in (pool.machines if pool else ())
        if each.key not in known
    ]


def login_information(nodes: Iterable[tuple[str, str]]) -> Sequence[dict[str, Any]]:
    """(node id, address) pairs as listRemoteLoginInformation shows them; nodes without an address are left
    out."""
    return [
        {"nodeId": node_id, "ipAddress": address, "port": _SSH_PORT} for node_id, address in nodes if address
    ]
