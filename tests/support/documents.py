"""Documents for tests of the document engine."""

import copy
import json
from typing import Any, TypeVar

from shared.documents.parse import DocumentSettings, Parsed, parse_cluster, parse_job
from shared.documents.spec import ClusterSpec, JobSpec
from shared.errors import Severity

S = TypeVar("S", JobSpec, ClusterSpec)

OWN = DocumentSettings(storage_account="ownaccount", storage_key="b3duLWtleQ==")
#: A job that draws no problem of any kind.
JOB: dict[str, Any] = {
    "cluster": {"id": "gpus"},
    "nodeCount": 1,
    "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs",
    "customToolkitSettings": {"commandLine": "true"},
    "mountVolumes": {
        "azureFileShares": [
            {
                "accountName": "acct",
                "azureFileUrl": "https://acct.file.core.windows.net/logs",
                "credentials": {"accountKey": "a2V5"},
                "relativeMountPath": "logs",
            }
        ]
    },
}
#: A cluster that draws no problem of any kind.
CLUSTER: dict[str, Any] = {
    "vmSize": "STANDARD_NC6",
    "userAccountSettings": {"adminUserName": "me", "adminUserPassword": "hunter2"},
    "scaleSettings": {"manual": {"targetNodeCount": 1}},
}
#: A member that `changed` leaves out.
ABSENT = object()


def changed(base: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A copy of `base` with other members; ABSENT takes one out."""
    out = copy.deepcopy(base) | members
    return {key: value for key, value in out.items() if value is not ABSENT}


def job(settings: DocumentSettings = OWN, **members: Any) -> Parsed[JobSpec]:
    """JOB with other members, parsed."""
    return parse_job(json.dumps({"properties": changed(JOB, **members)}), settings)


def cluster(settings: DocumentSettings = OWN, **members: Any) -> Parsed[ClusterSpec]:
    """CLUSTER with other members, parsed."""
    return parse_cluster(json.dumps({"properties": changed(CLUSTER, **members)}), settings)


def spec_of(parsed: Parsed[S]) -> S:
    """What an accepted document says."""
    assert parsed.spec is not None, parsed.errors
    return parsed.spec


def problems_of(parsed: Parsed[Any], severity: Severity | None = None) -> list[str]:
    """`path: message hint` of every problem (of one severity), paths without `$.properties`."""
    return [
        f"{problem.path.removeprefix('$.properties').lstrip('.')}: {problem.message} {problem.hint}".strip()
        for problem in parsed.problems
        if severity in (None, problem.severity)
    ]
