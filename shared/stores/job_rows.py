"""Jobs as table entities and back. Every field of a Job is a column, so that a row can be read by people."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shared.jobs import layouts
from shared.jobs.events import EventKind, JobEvent
from shared.jobs.model import Job, JobError, Noted, State, StreamSeal
from shared.names import table_limits
from shared.names.ids import ClusterId, JobId
from shared.stores import row_keys
from shared.stores.unreadable_rows import readable

#: The columns of `job_entity`. New facts come as new columns: an older version carries those along, but would
#: cut a list that has grown.
_COLUMNS = re.compile(
    "PartitionKey|RowKey|Timestamp|Workspace|Experiment|Job|ClusterWorkspace|Cluster|Uuid|ToolType|StateSince|"
    "Source|ContentSha256|MaxAttempts|MessageId|LeaseSeconds|Started|Ended|ExitCode|Errors|Seals|Events|"
    "GpuSeconds|RetryAt|Problems|Deleting|SubmittedBy|Withheld|Noted|Layout|Serves|Named|State|Priority|NodeCount|Created|Enqueued|Owner|Attempt|"
    r"Properties\d+|odata\..*|.*@odata\.type"
)
#: UTF-16 units of a document that the entries by time and state repeat. With larger ones in four rows a
#: transaction might pass the 4 MiB that the service takes.
_MOST_REPEATED = 60_000
#: The columns of the document: Properties0, Properties1, ...
_PROPERTIES = ("Properties", "Properties0")


def job_entity(job: Job, row_key: str) -> dict[str, Any]:
    """The columns of `job` under `row_key`. Columns without a value are absent."""
    entity: dict[str, Any] = {
        "PartitionKey": row_keys.partition(job.id.workspace),
        "RowKey": row_key,
        **names(job),
        "Uuid": job.uuid,
        "ToolType": job.tool_type,
        "StateSince": job.state_since,
        "Source": job.source,
        "ContentSha256": job.content_sha256,
        "MaxAttempts": job.max_attempts,
        "MessageId": job.message_id,
        "LeaseSeconds": job.lease_seconds,
        "Started": job.started,
        "Ended": job.ended,
        "ExitCode": job.exit_code,
        "Errors": table_limits.listed(
            [[e.code, e.message, e.details] for e in job.errors], table_limits.MOST_ERRORS
        ),
        "Seals": table_limits.newest(seal_values(job.seals), table_limits.MOST_SEALS),
        **events_column(job),
        "GpuSeconds": job.gpu_seconds or None,
        "RetryAt": job.retry_at,
        "Problems": job.problems if job.problems != "[]" else None,
        "Deleting": job.deleting or None,
        "SubmittedBy": job.submitted_by or None,
        "Withheld": job.withheld or None,
        "Noted": _noted(job.noted),
        "Layout": _layout(job),
        **progress(job),
        **dict(job.newer),
    }
    name, first = _PROPERTIES
    return table_limits.fitted(entity) | table_limits.spread(name, job.properties, first)


def pointer_entity(job: Job) -> dict[str, Any]:
    """The row under the name of a job that lies in its live entry: where that is. It is no job: an earlier
    version, which looks for one, leaves it alone as a row of a newer version."""
    return {
        "PartitionKey": row_keys.partition(job.id.workspace),
        "RowKey": row_keys.job_row(job.id),
        "Workspace": job.id.workspace,
        "Experiment": job.id.experiment,
        "Job": job.id.job,
        "Uuid": job.uuid,
        "Created": job.created,
        "LiveRow": row_keys.whole_live_row(job),
    }


def pointed_at(entity: Mapping[str, Any]) -> str:
    """The key of the live entry that a row under a name points at; "" where the row is the job."""
    return str(entity.get("LiveRow") or "")


def events_column(job: Job) -> dict[str, Any]:
    """The column of a job's events."""
    return {"Events": table_limits.listed(event_values(job.events), table_limits.MOST_EVENTS)}


def listed_entity(job: Job, row: Mapping[str, Any], row_key: str) -> dict[str, Any]:
    """The job's `row` (of `job_entity`) once more under `row_key`, for lists: whole, unless its document is
    very large; then it has none, and the job itself is read."""
    if table_limits.units(job.properties) > _MOST_REPEATED:
        return job_entity(replace(job, properties=""), row_key)
    return {**row, "RowKey": row_key}


def _layout(job: Job) -> str | None:
    written = _written(job.attempt, job.state)
    return None if job.layout == layouts.FIRST else layouts.marked(job.layout, written)


def layout_of(entity: Mapping[str, Any]) -> int:
    """The layout that a row says its job has."""
    return layouts.read(entity.get("Layout"), _written(entity["Attempt"], State(entity["State"])))


def _known_layout(entity: Mapping[str, Any]) -> int:
    """Raises ValueError: of a layout of a newer version nobody here knows what else to write."""
    if (layout := layout_of(entity)) > layouts.LATEST:
        raise ValueError(f"its layout is {layout}")
    return layout


def _written(attempt: int, state: State) -> str:
    """What a version that knows no layouts changes when it writes a job."""
    return f"{attempt}|{state}"


def _noted(noted: Noted | None) -> str | None:
    # A version that knows no events carries the column along and changes the state beside it: so the next
    # one sees which events are missing.
    return None if noted is None else f"{noted.sequence}|{noted.attempt}|{noted.state or ''}"


def _noted_from(text: str) -> Noted | None:
    if not text:
        return None
    sequence, attempt, state = text.split("|")[:3]
    return Noted(int(sequence), State(state) if state else None, int(attempt))


def names(job: Job) -> dict[str, Any]:
    """The columns that say which job it is."""
    return {
        "Workspace": job.id.workspace,
        "Experiment": job.id.experiment,
        "Job": job.id.job,
        "ClusterWorkspace": job.cluster.workspace,
        "Cluster": job.cluster.cluster,
    }


def progress(job: Job) -> dict[str, Any]:
    """The columns that a place in the queue depends on."""
    return {
        "State": str(job.state),
        "Priority": job.priority,
        "NodeCount": job.node_count,
        "Created": job.created,
        "Enqueued": job.enqueued,
        "Owner": job.owner,
        "Attempt": job.attempt,
    }


def job_from(entity: Mapping[str, Any], etag: str, age_seconds: float = 0.0) -> Job:
    """The job a row holds; `etag` is the row's, `age_seconds` how long ago it was written.

    Words and columns of a newer version are carried along. Raises UnreadableError for what is no job.
    """
    with readable(entity):
        return _job_from(entity, etag, age_seconds)


def _job_from(entity: Mapping[str, Any], etag: str, age_seconds: float) -> Job:
    state = State(entity["State"])
    return Job(
        id=JobId(entity["Workspace"], entity["Experiment"], entity["Job"]),
        uuid=entity["Uuid"],
        cluster=ClusterId(entity["ClusterWorkspace"], entity["Cluster"]),
        priority=entity["Priority"],
        node_count=entity["NodeCount"],
        tool_type=entity["ToolType"],
        state=state,
        created=utc(entity["Created"]),
        state_since=utc(entity["StateSince"]),
        source=entity["Source"],
        content_sha256=entity["ContentSha256"],
        enqueued=utc(entity["Enqueued"]),
        attempt=entity["Attempt"],
        max_attempts=entity["MaxAttempts"],
        owner=entity.get("Owner"),
        message_id=entity.get("MessageId"),
        lease_seconds=entity.get("LeaseSeconds"),
        started=_maybe_utc(entity.get("Started")),
        ended=_maybe_utc(entity.get("Ended")),
        exit_code=entity.get("ExitCode"),
        errors=tuple(
            JobError(code, message, tuple((name, value) for name, value in details))
            for code, message, details in json.loads(entity.get("Errors", "[]"))
        ),
        seals=seals_from(json.loads(entity.get("Seals", "[]"))),
        events=events_from(json.loads(entity.get("Events", "[]"))),
        gpu_seconds=entity.get("GpuSeconds", 0.0),
        retry_at=_maybe_utc(entity.get("RetryAt")),
        properties=table_limits.joined(entity, *_PROPERTIES),
        problems=entity.get("Problems", "[]"),
        deleting=bool(entity.get("Deleting", False)),
        submitted_by=entity.get("SubmittedBy", ""),
        withheld=entity.get("Withheld", ""),
        noted=_noted_from(entity.get("Noted", "")),
        layout=_known_layout(entity),
        newer=tuple((name, value) for name, value in entity.items() if not _COLUMNS.fullmatch(name)),
        etag=etag,
        age_seconds=age_seconds,
        stored_as=state,
    )


def seal_values(seals: tuple[StreamSeal, ...]) -> list[list[Any]]:
    """Seals as a column holds them, before JSON."""
    return [[s.name, s.size, s.sha256, s.complete, s.lines] for s in seals]


def seals_from(values: list[list[Any]]) -> tuple[StreamSeal, ...]:
    """The seals of `seal_values`."""
    return tuple(StreamSeal(*seal[:5]) for seal in values)


def event_values(events: tuple[JobEvent, ...]) -> list[list[Any]]:
    """Events as a column holds them, before JSON."""
    return [[e.at.isoformat(), e.kind, e.attempt, e.node, e.detail] for e in events]


def events_from(values: list[list[Any]]) -> tuple[JobEvent, ...]:
    """The events of `event_values`."""
    return tuple(
        JobEvent(datetime.fromisoformat(at), EventKind(kind), *rest[:3]) for at, kind, *rest in values
    )


def utc(value: datetime) -> datetime:
    """A time read from a row, as a plain datetime."""
    # The SDK's own subclass of datetime becomes a plain one, so that jobs compare and print as such.
    return datetime.fromtimestamp(value.timestamp(), UTC)


def _maybe_utc(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)
