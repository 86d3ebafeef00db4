"""Sweeps, the results of their runs, and pointers to sweeps, as table entities and back."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.errors import UnreadableError
from shared.names import table_limits
from shared.names.sweep_ids import SweepId
from shared.stores import row_keys
from shared.stores.unreadable_rows import readable
from shared.sweeps import bits
from shared.sweeps.model import RunResult, Sweep, SweepState, Why

#: Of the rows of this version; a row of a later one is left alone.
VERSION = 1
_COLUMNS = re.compile(
    "PartitionKey|RowKey|Timestamp|V|Workspace|Experiment|Sweep|Uuid|State|Created|StateSince|Source|"
    "ContentSha256|Count|FirstIndex|MaxConcurrent|MaxFailures|Todo|Reserved|Made|EndedRuns|FailedRuns|"
    r"Generation|Why|Deleting|SubmittedBy|Properties\d*|Problems|odata\..*|.*@odata\.type"
)
_RUN_COLUMNS = re.compile(
    r"PartitionKey|RowKey|Timestamp|V|Number|Uuid|State|Started|Ended|ExitCode|Metric|Message|odata\..*|"
    r".*@odata\.type"
)
#: UTF-16 units of what is kept of a run's error.
_MOST_MESSAGE = 1_000


@dataclass(frozen=True)
class Pointer:
    """A sweep that may have something to do."""

    id: SweepId
    uuid: str
    age_seconds: float  #: since it was written, by the storage service's clock


def key(sweep: SweepId) -> tuple[str, str]:
    """Partition and row key of a sweep."""
    return row_keys.partition(sweep.workspace), f"sweep|{sweep.experiment}|{sweep.sweep}".lower()


def run_key(sweep: SweepId, number: int) -> tuple[str, str]:
    """Partition and row key of the result of a run; they sort by number."""
    row = f"run|{sweep.experiment}|{sweep.sweep}|{number:06d}".lower()
    return row_keys.partition(sweep.workspace), row


def pointer_key(sweep: SweepId, uuid: str) -> str:
    """Row key of the pointer to a sweep."""
    return f"{row_keys.partition(sweep.workspace)}|{sweep.experiment}|{sweep.sweep}|{uuid}".lower()


def sweep_entity(sweep: Sweep) -> dict[str, Any]:
    """The columns of a sweep. Columns without a value are absent."""
    partition, row = key(sweep.id)
    entity = {
        "PartitionKey": partition,
        "RowKey": row,
        "V": VERSION,
        "Workspace": sweep.id.workspace,
        "Experiment": sweep.id.experiment,
        "Sweep": sweep.id.sweep,
        "Uuid": sweep.uuid,
        "State": str(sweep.state),
        "Created": sweep.created,
        "StateSince": sweep.state_since,
        "Source": sweep.source,
        "ContentSha256": sweep.content_sha256,
        "Count": sweep.count,
        "FirstIndex": sweep.first_index,
        "MaxConcurrent": sweep.max_concurrent,
        "MaxFailures": sweep.max_failures,
        "Todo": bits.to_text(sweep.todo),
        "Reserved": sweep.reserved,
        "Made": sweep.made,
        "EndedRuns": bits.to_text(sweep.ended),
        "FailedRuns": bits.to_text(sweep.failed),
        "Generation": sweep.generation,
        "Why": str(sweep.why) or None,
        "Deleting": sweep.deleting or None,
        "SubmittedBy": sweep.submitted_by or None,
        "Problems": sweep.problems if sweep.problems != "[]" else None,
        **dict(sweep.newer),
    }
    return table_limits.fitted(entity) | table_limits.spread("Properties", sweep.properties)


def sweep_from(entity: Any) -> Sweep:
    """The sweep that an entity holds. Raises UnreadableError."""
    with readable(entity):
        if entity["V"] != VERSION:
            raise UnreadableError(
                f"sweep {entity['Sweep']} is in the form of another version of this program"
            )
        return _sweep_from(entity)


def _sweep_from(entity: Any) -> Sweep:
    return Sweep(
        id=SweepId(entity["Workspace"], entity["Experiment"], entity["Sweep"]),
        uuid=entity["Uuid"],
        state=SweepState(entity["State"]),
        created=_plain(entity["Created"]),
        state_since=_plain(entity["StateSince"]),
        source=entity["Source"],
        content_sha256=entity["ContentSha256"],
        count=entity["Count"],
        first_index=entity["FirstIndex"],
        max_concurrent=entity.get("MaxConcurrent"),
        max_failures=entity.get("MaxFailures"),
        todo=bits.from_text(entity["Todo"]),
        reserved=entity["Reserved"],
        made=entity["Made"],
        ended=bits.from_text(entity["EndedRuns"]),
        failed=bits.from_text(entity["FailedRuns"]),
        generation=entity["Generation"],
        why=Why(entity.get("Why", "")),
        deleting=entity.get("Deleting", False),
        submitted_by=entity.get("SubmittedBy", ""),
        properties=table_limits.joined(entity, "Properties"),
        problems=entity.get("Problems", "[]"),
        newer=_newer(entity, _COLUMNS),
        etag=str(entity.metadata["etag"]),
    )


def run_entity(sweep: SweepId, result: RunResult) -> dict[str, Any]:
    """The columns of the result of a run."""
    partition, row = run_key(sweep, result.number)
    entity = {
        "PartitionKey": partition,
        "RowKey": row,
        "V": VERSION,
        "Number": result.number,
        "Uuid": result.uuid,
        "State": result.state,
        "Started": result.started,
        "Ended": result.ended,
        "ExitCode": result.exit_code,
        "Metric": None if result.metric is None else float(result.metric),
        "Message": table_limits.cut(result.message, _MOST_MESSAGE) or None,
        **dict(result.newer),
    }
    return table_limits.fitted(entity)


def result_from(entity: Any) -> RunResult:
    """The result that an entity holds. Raises UnreadableError."""
    with readable(entity):
        return RunResult(
            number=entity["Number"],
            uuid=entity["Uuid"],
            state=entity["State"],
            started=_plain(entity["Started"]) if "Started" in entity else None,
            ended=_plain(entity["Ended"]) if "Ended" in entity else None,
            exit_code=entity.get("ExitCode"),
            metric=entity.get("Metric"),
            message=entity.get("Message", ""),
            newer=_newer(entity, _RUN_COLUMNS),
        )


def pointer_from(entity: Any, age_seconds: float) -> Pointer:
    """The pointer that an entity holds. Raises UnreadableError."""
    with readable(entity):
        sweep = SweepId(entity["Workspace"], entity["Experiment"], entity["Sweep"])
        return Pointer(sweep, entity["Uuid"], age_seconds)


def _plain(moment: datetime) -> datetime:
    """The SDK's own subclass of datetime as a plain one, so that values compare and print as such."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)


def _newer(entity: Any, known: re.Pattern[str]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in entity.items() if not known.fullmatch(name))
