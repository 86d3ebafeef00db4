"""status.json of a sweep: what a person finds beside the dropped file. PURE."""

import json
from datetime import datetime
from typing import Any

from shared.names.ids import API_VERSION, Scope
from shared.names.sweep_ids import sweep_arm_id
from shared.sweeps.model import Sweep
from shared.times import timestamp


def of_sweep(sweep: Sweep, scope: Scope, now: datetime) -> dict[str, Any]:
    """How an accepted sweep stands."""
    arm_id = sweep_arm_id(sweep.id, scope)
    status: dict[str, Any] = {
        "state": str(sweep.state),
        "id": arm_id,
        "uuid": sweep.uuid,
        "created": timestamp(sweep.created),
        "runs": counts(sweep),
    }
    if sweep.why:
        status["why"] = str(sweep.why)
    if problems := json.loads(sweep.problems):
        status["problems"] = problems
    status["links"] = {"runs": f"{arm_id}/runs?api-version={API_VERSION}"}
    return status | {"updated": timestamp(now)}


def counts(sweep: Sweep) -> dict[str, int]:
    """Runs by how they stand, as far as their ends have been counted."""
    return {
        "total": sweep.count,
        "succeeded": sweep.ended_count - sweep.failed_count,
        "failed": sweep.failed_count,
        "inFlight": len(sweep.in_flight),
        "waiting": sweep.count - sweep.ended_count - len(sweep.in_flight),
    }
