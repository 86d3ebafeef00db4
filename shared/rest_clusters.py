"""Clusters and their nodes as resources of the Batch AI REST API. PURE."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.names import ClusterId, Scope
from shared.rest import CLUSTER_TYPE, provisioning, resource
from shared.status import timestamp

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
    node_states: tuple[str, ...]  #: of the nodes that are alive


def cluster_resource(facts: ClusterFacts, scope: Scope) -> dict[str, Any]:
    """A cluster as GET returns it. Nodes that are not alive are not counted."""
    properties = json.loads(facts.properties)
    counted = Counter(facts.node_states)
    steady = is_steady(properties.get("scaleSettings", {}), len(facts.node_states))
    shown = provisioning(facts.created, facts.deleting) | {
        "allocationState": "steady" if steady else "resizing",
        "allocationStateTransitionTime": timestamp(facts.resized),
        "currentNodeCount": len(facts.node_states),
        "nodeStateCounts": {f"{state}NodeCount": counted[state] for state in _STATES},
    }
    return resource(scope.cluster(facts.id), CLUSTER_TYPE, shown | properties)


def is_steady(scale: Mapping[str, Any], nodes: int) -> bool:
    """Whether a cluster has the number of nodes that is wanted; without scaleSettings any number is right."""
    if manual := scale.get("manual"):
        return bool(nodes == manual["targetNodeCount"])
    if auto := scale.get("autoScale"):
        return bool(auto["minimumNodeCount"] <= nodes <= auto["maximumNodeCount"])
    return True


def login_information(nodes: Iterable[tuple[str, str]]) -> Sequence[dict[str, Any]]:
    """(node id, address) pairs as listRemoteLoginInformation shows them; nodes without an address are left
    out."""
    return [
        {"nodeId": node_id, "ipAddress": address, "port": _SSH_PORT} for node_id, address in nodes if address
    ]
