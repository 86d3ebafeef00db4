"""Jobs as resources of the Batch AI REST API. PURE."""

import json
from typing import Any

from api.resources.forms import JOB_TYPE, provisioning, resource
from shared.environment.layout import path_segment
from shared.jobs.model import Job, JobError
from shared.jobs.status_json import timestamp
from shared.jobs.timeline import timeline
from shared.jobs.waiting_reason import Waiting
from shared.names.ids import Scope
from shared.names.sweep_ids import run_mark, sweep_arm_id, sweep_of
from shared.times import parse_duration


def job_resource(job: Job, scope: Scope, waiting: Waiting | None = None) -> dict[str, Any]:
    """A job as GET returns it."""
    properties = json.loads(job.properties)
    properties |= {
        "experimentName": job.id.experiment,
        "cluster": {"id": scope.cluster(job.cluster)},
        "toolType": job.tool_type,
        "jobOutputDirectoryPathSegment": path_segment(scope, job.id, job.uuid),
        **provisioning(job.created, job.deleting),
        "executionState": str(job.state),
        "executionStateTransitionTime": timestamp(job.state_since),
        # Not declared by the specification, but the recorded service sent it.
        "maxJobDurationSeconds": _seconds(properties),
    }
    if info := _execution_info(job):
        properties["executionInfo"] = info
    if job.submitted_by:
        properties["submittedBy"] = job.submitted_by
    if run_mark(job.source):
        properties["sweep"] = {"id": sweep_arm_id(sweep_of(job.id), scope)}
    if job.attempt:
        properties["attempt"] = job.attempt
    if waiting:
        properties["waiting"] = waiting.as_json()
    if job.events:
        properties["timeline"] = timeline(job)
    return resource(scope.job(job.id), JOB_TYPE, properties)


def run_resource(job: Job, scope: Scope) -> dict[str, Any]:
    """One run in the history of a job (ours: the original had no history)."""
    shown = job_resource(job, scope)
    return shown | {"id": f"{shown['id']}/runs/{job.uuid}", "name": job.uuid, "type": f"{JOB_TYPE}/runs"}


def _seconds(properties: dict[str, Any]) -> int:
    limit = properties.get("constraints", {}).get("maxWallClockTime", "P7D")
    return int(parse_duration(limit).total_seconds())


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
