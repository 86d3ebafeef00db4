"""What is said of the provider itself: its operations and usages. PURE."""

from collections.abc import Mapping
from typing import Any

from shared.names import PROVIDER

#: int32, the largest a client can read: this service sets no quotas.
_NO_LIMIT = 2_147_483_647
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


def usages(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """What Usages_List answers: each count under its name, without a limit."""
    return [
        {
            "currentValue": count,
            "limit": _NO_LIMIT,
            "name": {"value": name, "localizedValue": name},
            "unit": "Count",
        }
        for name, count in counts.items()
    ]
