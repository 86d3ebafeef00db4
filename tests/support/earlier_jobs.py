"""The writes of a runner from before jobs had layouts (docs/adr/0315), as its table of jobs made them.

It read rows with today's columns and carried the ones that it did not know along.
"""

from dataclasses import replace
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.jobs.model import Job, State
from shared.names.ids import JobId
from shared.stores import job_rows, job_table, live_rows, row_keys
from shared.stores.connection import Connection, translated
from shared.stores.service_time import ServiceTime

_REPLACE: dict[str, Any] = {"mode": UpdateMode.REPLACE}
_MERGE: dict[str, Any] = {"mode": UpdateMode.MERGE}


class EarlierJobs:
    """Reads and writes jobs."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(job_table.TABLE)

    def get(self, job: JobId) -> Job:
        """The job; its layout is a column among others."""
        time, partition = ServiceTime(), row_keys.partition(job.workspace)
        entity = self._table.get_entity(partition, row_keys.job_row(job), raw_response_hook=time.hook)
        read = job_rows.job_from(entity, str(entity.metadata["etag"]), time.age(entity))
        unknown = tuple((name, value) for name, value in entity.items() if name == "Layout")
        return replace(read, layout=1, newer=(*read.newer, *unknown))

    def update(self, job: Job, before: State) -> None:
        """Over the row it was read from, which was in the state `before`. Raises StoreError."""
        live = ("upsert", live_rows.live_entity(job), _MERGE)
        self._write(job, [live, *self._moved(job, before)])

    def end(self, job: Job, before: State) -> None:
        """The same, for a job that has ended."""
        history = ("upsert", job_rows.job_entity(job, row_keys.run_row(job)), _REPLACE)
        self._write(job, [self._gone(job, row_keys.live_row(job)), history, *self._moved(job, before)])

    def _write(self, job: Job, more: list[tuple[Any, ...]]) -> None:
        condition = {"etag": job.etag, "match_condition": MatchConditions.IfNotModified, **_REPLACE}
        first = ("update", job_rows.job_entity(job, row_keys.job_row(job.id)), condition)
        with translated(f"writing job {job.id}"):
            self._table.submit_transaction([first, *more])

    def _moved(self, job: Job, before: State) -> list[tuple[Any, ...]]:
        row = job_rows.job_entity(job, row_keys.job_row(job.id))
        listed = [
            ("upsert", job_rows.listed_entity(job, row, key), _REPLACE)
            for key in (row_keys.time_row(job), row_keys.state_row(job, job.state))
        ]
        return listed if before is job.state else [self._gone(job, row_keys.state_row(job, before)), *listed]

    @staticmethod
    def _gone(job: Job, row_key: str) -> tuple[Any, ...]:
        return ("delete", {"PartitionKey": row_keys.partition(job.id.workspace), "RowKey": row_key})
