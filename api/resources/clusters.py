"""Clusters and their nodes as resources of the Batch AI REST API. PURE."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.resources.forms import CLUSTER_TYPE, provisioning, resource
from shared.environment.layout import setup_task_segment
from shared.jobs.allocation import is_steady, present, scale_of
from shared.jobs.status_json import timestamp
from shared.jobs.waiting_reason import NodeView
from shared.names.ids import ClusterId, Scope

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


def cluster_resource(facts: ClusterFacts, scope: Scope) -> dict[str, Any]:
    """A cluster as GET returns it. Nodes that are not alive, or stand by, are not counted."""
    properties = json.loads(facts.properties)
    scale = scale_of(properties.get("scaleSettings", {}))
    counted = Counter(state for _, state in present(facts.nodes, scale))
    if task := properties.get("nodeSetup", {}).get("setupTask"):
        task["stdOutErrPathSuffix"] = setup_task_segment(scope, facts.id, facts.revision)
    shown = provisioning(facts.created, facts.deleting) | {
        "allocationState": "steady" if is_steady(facts.nodes, scale) else "resizing",
        "allocationStateTransitionTime": timestamp(facts.resized),
        "currentNodeCount": counted.total(),
        "nodeStateCounts": {f"{state}NodeCount": counted[state] for state in _STATES},
    }
    return resource(scope.cluster(facts.id), CLUSTER_TYPE, shown | properties)


def node_information(node: NodeView, address: str, version: str, drain: bool) -> dict[str, Any]:
    """A node as `GET .../nodes` shows it; `state` "lost" where nothing was heard of it for a lease."""
    shown = {
        "nodeId": node.node_id,
        "state": node.state if node.alive else "lost",
        "drain": drain,
        "version": version,
        "ipAddress": address,
        "port": _SSH_PORT,
        "detail": node.detail,
        "job": node.job,
    }
    return {name: value for name, value in shown.items() if value != ""}


def login_information(nodes: Iterable[tuple[str, str]]) -> Sequence[dict[str, Any]]:
    """(node id, address) pairs as listRemoteLoginInformation shows them; nodes without an address are left
    out."""
    return [
        {"nodeId": node_id, "ipAddress": address, "port": _SSH_PORT} for node_id, address in nodes if address
    ]
