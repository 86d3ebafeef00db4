"""Rows as resources of the Batch AI REST API 2018-05-01. PURE.

Forms are those of the recorded conversations, not of the specification's partly stale examples: absent
members are omitted, times end in Z with milliseconds, states are lower case. Members that the original did
not have (attempt, waiting) are added under names its clients ignore.
"""

import json
from collections.abc import Sequence
from typing import Any

from shared.layout import path_segment
from shared.names import PROVIDER, Scope
from shared.state import Job, JobError
from shared.status import timestamp
from shared.waiting import Waiting

API_VERSION = "2018-05-01"
JOB_TYPE = f"{PROVIDER}/workspaces/experiments/jobs"


def job_resource(job: Job, scope: Scope, waiting: Waiting | None = None) -> dict[str, Any]:
    """A job as GET returns it."""
    properties = json.loads(job.properties) | {
        "experimentName": job.id.experiment,
        "cluster": {"id": scope.cluster(job.cluster)},
        "toolType": job.tool_type,
        "creationTime": timestamp(job.created),
        "provisioningState": "succeeded",
        "provisioningStateTransitionTime": timestamp(job.created),
        "executionState": str(job.state),
        "executionStateTransitionTime": timestamp(job.state_since),
        "jobOutputDirectoryPathSegment": path_segment(scope, job.id, job.uuid),
    }
    if info := _execution_info(job):
        properties["executionInfo"] = info
    if job.attempt:
        properties["attempt"] = job.attempt
    if waiting:
        properties["waiting"] = waiting.as_json()
    return {"id": scope.job(job.id), "name": job.id.job, "type": JOB_TYPE, "properties": properties}


def _execution_info(job: Job) -> dict[str, Any]:
    info: dict[str, Any] = {}
    if job.started:
        info["startTime"] = timestamp(job.started)
    if job.ended:
        info["endTime"] = timestamp(job.ended)
    if job.exit_code is not None:
        info["exitCode"] = job.exit_code
    if job.errors:
        info["errors"] = [_error(e) for e in job.errors]
    return info


def _error(error: JobError) -> dict[str, Any]:
    shown: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details:
        shown["details"] = [{"name": name, "value": value} for name, value in error.details]
    return shown


def page(resources: Sequence[dict[str, Any]], next_link: str | None) -> dict[str, Any]:
    """A list answer; nextLink is omitted on the last page."""
    return {"value": list(resources)} | ({"nextLink": next_link} if next_link else {})


def error_body(code: str, message: str) -> dict[str, Any]:
    """ARM's error form."""
    return {"error": {"code": code, "message": message}}
