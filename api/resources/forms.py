"""What every answer of the Batch AI REST API 2018-05-01 shares: version, types, pages, errors. PURE.

Forms are those of the recorded conversations, not of the specification's partly stale examples: absent
members are omitted, times end in Z with milliseconds, states are lower case. Members that the original did
not have are added under names its clients ignore.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.errors import Problem, Severity
from shared.jobs.status_json import timestamp
from shared.names.ids import PROVIDER

WORKSPACE_TYPE = f"{PROVIDER}/workspaces"
EXPERIMENT_TYPE = f"{PROVIDER}/workspaces/experiments"
JOB_TYPE = f"{PROVIDER}/workspaces/experiments/jobs"
CLUSTER_TYPE = f"{PROVIDER}/workspaces/clusters"
FILE_SERVER_TYPE = f"{PROVIDER}/workspaces/fileServers"


def resource(arm_id: str, resource_type: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A resource in ARM's form; members of `more` stand between type and properties, None ones nowhere."""
    name = arm_id.rpartition("/")[2]
    beside = {key: value for key, value in more.items() if value is not None}
    return {"id": arm_id, "name": name, "type": resource_type} | beside | {"properties": properties}


def provisioning(created: datetime, deleting: bool, state: str = "succeeded") -> dict[str, str]:
    """creationTime and provisioning state as every resource shows them."""
    return {
        "creationTime": timestamp(created),
        "provisioningState": "deleting" if deleting else state,
        "provisioningStateTransitionTime": timestamp(created),
    }


def page(resources: Sequence[dict[str, Any]], next_link: str | None = None) -> dict[str, Any]:
    """A list answer; nextLink is omitted on the last page."""
    return {"value": list(resources)} | ({"nextLink": next_link} if next_link else {})


def error_body(code: str, message: str, details: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """ARM's error form."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["target"] = details[0]["target"]
        error["details"] = list(details)
    return {"error": error}


def refused_body(code: str, problems: Sequence[Problem]) -> dict[str, Any]:
    """The error of a document that cannot be accepted: the first fault in words, every one in details."""
    faults = [p for p in problems if p.severity is Severity.ERROR] or list(problems)
    details = [{"code": code, "message": str(p), "target": p.path} for p in faults[:_MOST_DETAILS]]
    more = f" (and {len(faults) - 1} more problems, see details)" if len(faults) > 1 else ""
    return error_body(code, f"{faults[0]}{more}", details)


#: More than a person reads at once.
_MOST_DETAILS = 100
