"""Changes of jobs as CloudEvents 1.0; docs/reference/events.md and schemas/event.json describe them. PURE."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.jobs.changes import Change
from shared.jobs.model import Job
from shared.names.ids import JobId, Scope
from shared.times import timestamp

#: What every type begins with; the state follows.
TYPE = "batchai.job."


def data_of(job: Job, change: Change) -> dict[str, Any]:
    """The `data` of the event of a change. Names and words of closed lists, nothing that a document's author
    wrote freely."""
    return {
        "workspace": job.id.workspace,
        "experiment": job.id.experiment,
        "job": job.id.job,
        "uuid": job.uuid,
        "cluster": str(job.cluster),
        "stateBefore": str(change.before) if change.before else None,
        "state": str(change.state),
        "attempt": change.attempt,
        "nodeCount": job.node_count,
        "nodes": list(change.nodes),
        "reason": change.reason or None,
        "exitCode": change.exit_code,
    }


def cloud_event(
    data: Mapping[str, Any], sequence: int, at: datetime, scope: Scope, traceparent: str = ""
) -> dict[str, Any]:
    """The event, as its JSON says it. `data`: of `data_of`, with whatever a newer version has added."""
    job = JobId(data["workspace"], data["experiment"], data["job"])
    event = {
        "specversion": "1.0",
        "id": f"{data['uuid']}-{sequence}",
        "source": scope.workspace(job.workspace),
        "type": TYPE + str(data["state"]),
        "subject": scope.job(job),
        "time": timestamp(at),
        "datacontenttype": "application/json",
        # The extension "sequence": text whose order is that of the numbers.
        "sequence": f"{sequence:06d}",
    }
    return event | ({"traceparent": traceparent} if traceparent else {}) | {"data": dict(data)}
