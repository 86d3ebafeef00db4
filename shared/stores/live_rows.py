"""Live entries: the lines of the index of jobs that have not ended, as table entities and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.jobs import layouts
from shared.jobs.model import Job, State
from shared.names import table_limits
from shared.names.ids import ClusterId, JobId
from shared.stores import job_rows, row_keys
from shared.stores.unreadable_rows import readable

#: The columns of a LiveEntry.
LIVE_COLUMNS = [
    *("PartitionKey", "RowKey", "Timestamp", "Workspace", "Experiment", "Job", "ClusterWorkspace", "Cluster"),
    *("Uuid", "State", "Priority", "NodeCount", "Created", "Enqueued", "Owner", "Attempt"),
    *("SubmittedBy", "Withheld", "Layout"),
]


@dataclass(frozen=True)
class LiveEntry:
    """What the index of live jobs says without reading the job: enough for positions and sweeping."""

    id: JobId
    cluster: ClusterId
    uuid: str
    state: State
    priority: str
    node_count: int
    created: datetime
    enqueued: datetime
    owner: str | None
    attempt: int
    #: Since the entry was written (the job was queued, claimed, ...), by the storage service's clock.
    age_seconds: float = 0.0
    etag: str = ""
    layout: int = layouts.FIRST  #: of the job's entries (job_entries.py)
    row_key: str = field(default="", compare=False)
    submitted_by: str = ""
    withheld: str = ""  #: not "": the limit that it waits for; it has no message


def live_entity(job: Job) -> dict[str, Any]:
    """The columns of the job's entry among the live jobs of its cluster."""
    entity = {
        "PartitionKey": row_keys.partition(job.id.workspace),
        "RowKey": row_keys.live_row(job),
        **job_rows.names(job),
        "Uuid": job.uuid,
        **job_rows.progress(job),
        # The entry is merged: a column that is left out would stay.
        "Owner": job.owner or "",
        "SubmittedBy": job.submitted_by,
        "Withheld": job.withheld,
    }
    return table_limits.fitted(entity)


def whole_live_entity(job: Job, row: Mapping[str, Any]) -> dict[str, Any]:
    """The job's `row` as its entry among live jobs. The cluster, and from the third layout on the name, stand
    there once more, as they do in keys: names ignore case, filters do not."""
    key, serves = row_keys.whole_live_row(job), row_keys.cluster_partition(job.cluster)
    if job.layout == layouts.THIRD:  # the entry is the job: no document is too large for it
        return {**row, "RowKey": key, "Serves": serves, "Named": row_keys.job_row(job.id)}
    return job_rows.listed_entity(job, row, key) | {"Serves": serves}


def live_from(entity: Mapping[str, Any], etag: str, age_seconds: float) -> LiveEntry:
    """The live entry a row holds, which was written `age_seconds` ago. Raises UnreadableError."""
    with readable(entity):
        return _live_from(entity, etag, age_seconds)


def _live_from(entity: Mapping[str, Any], etag: str, age_seconds: float) -> LiveEntry:
    return LiveEntry(
        id=JobId(entity["Workspace"], entity["Experiment"], entity["Job"]),
        cluster=ClusterId(entity["ClusterWorkspace"], entity["Cluster"]),
        uuid=entity["Uuid"],
        state=State(entity["State"]),
        priority=entity["Priority"],
        node_count=entity["NodeCount"],
        created=job_rows.utc(entity["Created"]),
        enqueued=job_rows.utc(entity["Enqueued"]),
        owner=entity.get("Owner") or None,
        attempt=entity["Attempt"],
        age_seconds=age_seconds,
        etag=etag,
        layout=_layout(entity),
        row_key=entity["RowKey"],
        submitted_by=entity.get("SubmittedBy") or "",
        withheld=entity.get("Withheld") or "",
    )


def _layout(entity: Mapping[str, Any]) -> int:
    if not entity["RowKey"].startswith(row_keys.LIVE_WHOLE):
        return layouts.FIRST
    # Whoever writes a whole entry knows layouts: where its mark is not ours to read, it is not the first.
    return max(layouts.SECOND, job_rows.layout_of(entity))


def once_each(found: Iterable[LiveEntry]) -> list[LiveEntry]:
    """Oldest first. A job has two entries where a runner of an earlier version took it over: then the one of
    the first layout is right."""
    each = {entry.uuid: entry for entry in sorted(found, key=lambda entry: -entry.layout)}
    return sorted(each.values(), key=lambda entry: (entry.created, entry.uuid))
