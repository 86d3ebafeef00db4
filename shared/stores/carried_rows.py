"""A job's row as JSON: what its message carries, so that who receives it need not read the row."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.jobs.model import Job, State
from shared.stores import row_keys
from shared.stores.job_rows import job_entity, job_from
from shared.stores.unreadable_rows import readable

_TIMES = ("StateSince", "Started", "Ended", "RetryAt", "Created", "Enqueued")


def carried_columns(job: Job) -> dict[str, Any]:
    """`job_entity` of the job as JSON takes it, whatever row it lies in."""
    entity = job_entity(job, row_keys.job_row(job.id))
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in entity.items()
    }


def job_from_columns(columns: Mapping[str, Any], etag: str) -> Job:
    """The job of `carried_columns`. Raises UnreadableError for what is none."""
    with readable(columns):
        times = {name: datetime.fromisoformat(columns[name]) for name in _TIMES if name in columns}
    return replace(job_from({**columns, **times}, etag), stored_as=State(columns["State"]))
