"""Sweeps and their runs as resources (ours: the original had none). PURE."""

import json
from collections.abc import Mapping
from typing import Any

from api.resources.forms import EXPERIMENT_TYPE, provisioning, resource
from shared.jobs.model import Job
from shared.names.ids import Scope
from shared.names.sweep_ids import sweep_arm_id
from shared.sweeps.model import RunResult, Sweep
from shared.sweeps.parameters import Value
from shared.sweeps.status_json import counts
from shared.times import timestamp

SWEEP_TYPE = f"{EXPERIMENT_TYPE}/sweeps"
#: Of a run that has no job yet.
WAITING = "waiting"
#: Members of a document that may be long, and that a list of many sweeps leaves out.
_LONG = ("job", "parameters", "rows")


def sweep_resource(sweep: Sweep, scope: Scope) -> dict[str, Any]:
    """A sweep as GET returns it: its document without secrets, and how it stands."""
    properties = json.loads(sweep.properties) | {
        **provisioning(sweep.created, sweep.deleting),
        "state": str(sweep.state),
        "stateTransitionTime": timestamp(sweep.state_since),
        "runs": counts(sweep),
        "generation": sweep.generation,
        "uuid": sweep.uuid,
    }
    if sweep.why:
        properties["why"] = str(sweep.why)
    if sweep.submitted_by:
        properties["submittedBy"] = sweep.submitted_by
    return resource(sweep_arm_id(sweep.id, scope), SWEEP_TYPE, properties)


def listed_sweep(sweep: Sweep, scope: Scope) -> dict[str, Any]:
    """A sweep in a list of many: how it stands, without its jobs' document and its parameters."""
    shown = sweep_resource(sweep, scope)
    kept = {name: value for name, value in shown["properties"].items() if name not in _LONG}
    return shown | {"properties": kept}


def run_resource(
    sweep: Sweep,
    number: int,
    values: Mapping[str, Value],
    result: RunResult | None,
    job: Job | None,
    scope: Scope,
) -> dict[str, Any]:
    """One run: its parameters, its job, how that stands or ended, its metric."""
    index = sweep.index(number)
    run: dict[str, Any] = {"index": index, "parameters": dict(values)}
    run["job"] = scope.job(sweep.id.job(index))
    if result:
        run |= _ended(result)
    else:
        run["state"] = str(job.state) if job else WAITING
        if job and job.started:
            run["startTime"] = timestamp(job.started)
    return run


def _ended(result: RunResult) -> dict[str, Any]:
    run: dict[str, Any] = {"state": result.state}
    if result.metric is not None:
        run["metric"] = result.metric
    if result.started:
        run["startTime"] = timestamp(result.started)
    if result.ended:
        run["endTime"] = timestamp(result.ended)
    if result.exit_code is not None:
        run["exitCode"] = result.exit_code
    if result.message:
        run["message"] = result.message
    return run
