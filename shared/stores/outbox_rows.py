"""The outbox: events of changes that nobody has been sent yet, as entities of a workspace's partition.

They are written in the transaction that changes the job's row, so that there is one exactly for each change,
whatever crashes. Keys make the events of a run lie together in the order of its changes, older runs first:

    event|<time of acceptance>|<uuid>|<sequence>   an event that is to be sent
    sent|<time of acceptance>|<uuid>               the latest one that was sent, of a run that has not ended

A partition of its own has a row for each workspace of which there ever were events.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure.data.tables import UpdateMode

from shared.jobs import changes
from shared.jobs.cloud_events import data_of
from shared.jobs.model import Job, State
from shared.names import table_limits
from shared.names.ids import JobId
from shared.stores import job_rows, row_keys
from shared.stores.unreadable_rows import readable

#: No workspace is called so.
WORKSPACES = "|events"
EVENTS, SENT = "event|", "sent|"
#: One of a transaction: verb, entity and options, as the SDK takes them.
Operation = tuple[Any, ...]


@dataclass(frozen=True)
class Waiting:
    """An event that is to be sent."""

    workspace: str
    run: str  #: what the keys of the run's events have in common: acceptance and uuid
    sequence: int
    at: datetime  #: of the change
    data: Mapping[str, Any]  #: the event's, as whoever wrote it did

    @property
    def ends(self) -> bool:
        """Whether no event of the run follows."""
        return not State(str(self.data.get("state"))).live


@dataclass(frozen=True)
class Sent:
    """Up to which event those of a run were sent."""

    job: JobId
    run: str
    uuid: str
    sequence: int
    state: State
    attempt: int
    age_seconds: float = field(default=0.0, compare=False)


def announced(job: Job) -> tuple[Job, list[Operation]]:
    """The job as it is to be written, and the events that belong into the same transaction. None where nobody
    wants events of it: that costs nothing."""
    if job.noted is None:
        return job, []
    noted, missing = changes.announced(job)
    return noted, [("upsert", _event(noted, change), {"mode": UpdateMode.REPLACE}) for change in missing]


def run_of(job: Job) -> str:
    """What the keys of a run's events have in common."""
    return f"{row_keys.stamp(job.created)}|{job.uuid}".lower()


def event_row(run: str, sequence: int) -> str:
    """The key of an event."""
    return f"{EVENTS}{run}|{sequence:06d}"


def _event(job: Job, change: changes.Change) -> dict[str, Any]:
    data = json.dumps(data_of(job, change), separators=(",", ":"))
    return {
        "PartitionKey": row_keys.partition(job.id.workspace),
        "RowKey": event_row(run_of(job), change.sequence),
        "At": change.at,
        "Data": table_limits.clean(data),
    }


def waiting_from(entity: Mapping[str, Any]) -> Waiting:
    """The event that a row holds. Raises UnreadableError."""
    with readable(entity):
        _, run, sequence = _parts(entity["RowKey"])
        data = json.loads(entity["Data"])
        return Waiting(data["workspace"], run, sequence, job_rows.utc(entity["At"]), data)


def sent_entity(event: Waiting) -> dict[str, Any]:
    """The row that says that `event` and those before it were sent."""
    data = event.data
    return {
        "PartitionKey": row_keys.partition(event.workspace),
        "RowKey": f"{SENT}{event.run}",
        "Workspace": data["workspace"],
        "Experiment": data["experiment"],
        "Job": data["job"],
        "Uuid": data["uuid"],
        "Sequence": event.sequence,
        "State": data["state"],
        "Attempt": data["attempt"],
    }


def sent_from(entity: Mapping[str, Any], age_seconds: float) -> Sent:
    """What `sent_entity` wrote so many seconds ago. Raises UnreadableError."""
    with readable(entity):
        return Sent(
            JobId(entity["Workspace"], entity["Experiment"], entity["Job"]),
            entity["RowKey"].removeprefix(SENT),
            entity["Uuid"],
            entity["Sequence"],
            State(entity["State"]),
            entity["Attempt"],
            age_seconds,
        )


def _parts(row_key: str) -> tuple[str, str, int]:
    kind, created, uuid, sequence = row_key.split("|")
    return kind, f"{created}|{uuid}", int(sequence)
