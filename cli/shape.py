"""Answers in the shape that `az` printed: properties beside id and name, resourceGroup beside every id.

Scripts written for `az batchai ... --query executionState` find the same members here.
"""

import re
from typing import Any

#: Spellings of the REST API that the original client turned into its own.
_RENAMED = {
    "fileServerPublicIP": "fileServerPublicIp",
    "fileServerInternalIP": "fileServerInternalIp",
    "diskSizeInGB": "diskSizeInGb",
    "publicIPsToAllow": "publicIpsToAllow",
}
_GROUP = re.compile(r"/subscriptions/[^/]+/resourceGroups/([^/]+)/", re.IGNORECASE)


def flat(value: Any) -> Any:
    """`value` with `properties` merged into what holds it and resourceGroup beside ids, at every depth."""
    if isinstance(value, list):
        return [flat(item) for item in value]
    if not isinstance(value, dict):
        return value
    message = {_RENAMED.get(key, key): flat(item) for key, item in value.items() if key != "properties"}
    inner = value.get("properties")
    if isinstance(inner, dict):
        message |= flat(inner)
    elif inner is not None:
        message["properties"] = inner
    group = _GROUP.match(message["id"]) if isinstance(message.get("id"), str) else None
    if group:
        message.setdefault("resourceGroup", group[1])
    return message


def part(arm_id: str, kind: str) -> str:
    """What follows `/kind/` in an ARM id, or ""."""
    match = re.search(rf"/{kind}/([^/]+)", arm_id, re.IGNORECASE)
    return match[1] if match else ""
