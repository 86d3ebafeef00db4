"""What is said of the provider itself: its operations and usages. PURE."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.names.ids import PROVIDER
from shared.names.vm_sizes import family, processors

#: As the recorded service wrote it, of families of low priority.
NO_LIMIT = -1
_RESOURCES = {
    "workspaces": "workspace",
    "workspaces/experiments": "experiment",
    "workspaces/experiments/jobs": "job",
    "workspaces/clusters": "cluster",
    "workspaces/fileServers": "file server",
}
_ACTIONS = (
    ("workspaces/experiments/jobs", "terminate", "Terminates a Batch AI job"),
    ("workspaces/experiments/jobs", "listOutputFiles", "Lists the output files of a Batch AI job"),
    (
        "workspaces/experiments/jobs",
        "listRemoteLoginInformation",
        "Lists how to log in to the nodes of a Batch AI job",
    ),
    (
        "workspaces/clusters",
        "listRemoteLoginInformation",
        "Lists how to log in to the nodes of a Batch AI cluster",
    ),
)


def operations() -> list[dict[str, Any]]:
    """What Operations_List answers."""
    found = []
    for path, word in _RESOURCES.items():
        found.append(_operation(path, word, "read", f"Lists Batch AI {word}s or gets the properties of one"))
        found.append(_operation(path, word, "write", f"Creates or updates a Batch AI {word}"))
        found.append(_operation(path, word, "delete", f"Deletes a Batch AI {word}"))
    for path, action, text in _ACTIONS:
        found.append(_operation(path, _RESOURCES[path], f"{action}/action", text))
    return found


def _operation(path: str, word: str, operation: str, description: str) -> dict[str, Any]:
    return {
        "name": f"{PROVIDER}/{path}/{operation}",
        "origin": "user,system",
        "display": {
            "provider": "Microsoft Batch AI",
            "resource": f"Batch AI {word}s",
            "operation": description,
            "description": description,
        },
    }


@dataclass(frozen=True)
class ClusterUse:
    """What counts of one cluster."""

    vm_size: str | None
    low_priority: bool
    nodes: int  #: that it has
    most: int | None  #: that its scaleSettings let it have; None: any number


def usages(clusters: Sequence[ClusterUse], workspaces: int, live_jobs: int) -> list[dict[str, Any]]:
    """What Usages_List answers. Nobody sets quotas here: the limit of nodes and of their processors is what
    the clusters' scaleSettings let them have."""
    counted = [
        _usage("Clusters", len(clusters), NO_LIMIT),
        _usage("Cluster nodes", *_summed((cluster, 1) for cluster in clusters)),
        _usage("Workspaces", workspaces, NO_LIMIT),
        _usage("Live jobs", live_jobs, NO_LIMIT),
    ]
    for word, low in (("Dedicated", False), ("LowPriority", True)):
        sized = [(c, n) for c in clusters if c.low_priority is low and (n := processors(c.vm_size or ""))]
        counted.append(_usage(f"Total Cluster {word} Regional vCPUs", *_summed(sized)))
        for name in sorted({str(family(c.vm_size or "")) for c, _ in sized}):
            of_family = [(c, n) for c, n in sized if family(c.vm_size or "") == name]
            counted.append(_usage(f"Standard {name} Family Cluster {word} vCPUs", *_summed(of_family)))
    return counted


def _summed(clusters: Iterable[tuple[ClusterUse, int]]) -> tuple[int, int]:
    """(use, limit) of clusters, each node of which counts for a number of units."""
    use = limit = 0
    bounded = True
    for cluster, units in clusters:
        use += cluster.nodes * units
        bounded = bounded and cluster.most is not None
        limit += (cluster.most or 0) * units
    return use, limit if bounded else NO_LIMIT


def _usage(name: str, use: int, limit: int) -> dict[str, Any]:
    shown = {"value": name, "localizedValue": name}
    return {"currentValue": use, "limit": limit, "name": shown, "unit": "Count"}
