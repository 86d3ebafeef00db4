"""status.json: what a person finds beside the dropped file. PURE."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.environment.layout import output_directory, path_segment, stdouterr_directory
from shared.errors import Problem, Severity
from shared.jobs.model import Job
from shared.jobs.timeline import timeline
from shared.jobs.waiting_reason import Waiting
from shared.names.ids import API_VERSION, ClusterId, Scope
from shared.times import timestamp as timestamp  # others know it from here

#: More problems than a person reads at once; the rest is counted.
MOST_PROBLEMS = 200


def refused(problems: Sequence[Problem], now: datetime) -> dict[str, Any]:
    """The answer to a document that cannot run: every problem at once."""
    faults = sum(1 for p in problems if p.severity is Severity.ERROR)
    status: dict[str, Any] = {
        "state": "refused",
        "message": f"{faults} problem{'s' if faults != 1 else ''} found; correct the file and drop it again.",
        "problems": problems_json(problems),
        "updated": timestamp(now),
    }
    if len(problems) > MOST_PROBLEMS:
        status["problemsNotShown"] = len(problems) - MOST_PROBLEMS
    return status


def problems_json(problems: Sequence[Problem]) -> list[dict[str, str | int]]:
    """Problems as JSON, errors first, at most MOST_PROBLEMS."""
    order = sorted(problems, key=lambda p: (p.severity is not Severity.ERROR, p.line, p.column))
    return [p.as_json() for p in order[:MOST_PROBLEMS]]


def of_job(job: Job, scope: Scope, now: datetime, waiting: Waiting | None = None) -> dict[str, Any]:
    """How an accepted job stands: state, times, result, where its output is."""
    status: dict[str, Any] = {
        "state": str(job.state),
        "id": scope.job(job.id),
        "uuid": job.uuid,
        "cluster": scope.cluster(job.cluster),
        "created": timestamp(job.created),
    }
    if job.submitted_by:
        status["submittedBy"] = job.submitted_by
    if job.attempt:
        status["attempt"] = job.attempt
    if job.started:
        status["started"] = timestamp(job.started)
    if job.ended:
        status["ended"] = timestamp(job.ended)
    if job.exit_code is not None:
        status["exitCode"] = job.exit_code
    if waiting:
        status["waiting"] = waiting.as_json()
    if job.errors:
        status["errors"] = [
            {"code": e.code, "message": e.message, "details": [{"name": n, "value": v} for n, v in e.details]}
            for e in job.errors
        ]
    if problems := json.loads(job.problems):
        status["problems"] = problems
    return status | _places(job, scope) | {"timeline": timeline(job), "updated": timestamp(now)}


def is_about_another(status: bytes, uuid: str) -> bool:
    """Whether a status.json is about another run than `uuid`, or about a document that was refused."""
    try:
        said = json.loads(status)
    except ValueError:
        return False  # of nobody that we know
    return isinstance(said, dict) and (said.get("uuid", uuid) != uuid or said.get("state") == "refused")


def _places(job: Job, scope: Scope) -> dict[str, Any]:
    segment = path_segment(scope, job.id, job.uuid)
    properties = json.loads(job.properties)
    output: dict[str, Any] = {}
    if prefix := properties.get("stdOutErrPathPrefix"):
        output["stdOutErr"] = stdouterr_directory(prefix, segment)
    for entry in properties.get("outputDirectories", ()):
        folder = output_directory(entry["pathPrefix"], segment, entry.get("pathSuffix"))
        output.setdefault("directories", {})[entry["id"]] = folder
    places: dict[str, Any] = {"output": output}
    if job.seals:
        places["logs"] = [
            {"name": s.name, "bytes": s.size, "lines": s.lines, "sha256": s.sha256, "complete": s.complete}
            for s in job.seals
        ]
    places["links"] = {"job": f"{scope.job(job.id)}?api-version={API_VERSION}"}
    return places


def of_cluster(
    cluster: ClusterId, scope: Scope, now: datetime, problems: Sequence[Problem] = ()
) -> dict[str, Any]:
    """The answer to an accepted cluster.json."""
    status: dict[str, Any] = {"state": "accepted", "id": scope.cluster(cluster)}
    if problems:
        status["problems"] = problems_json(problems)
    return status | {"updated": timestamp(now)}
