"""Jobs that ended before a moment, found without a look at those that ended after it.

The latest run of a name is found by its entry by time: entries are in the order in which jobs were created,
so that those created later are not read. Earlier runs of a name have no such entry. The service filters what
has not ended, a thousand a call.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shared.errors import NotFoundError
from shared.jobs.model import Job
from shared.stores import job_rows, row_keys
from shared.stores.connection import Connection, translated
from shared.stores.job_table import TABLE
from shared.stores.unreadable_rows import readables

_MOST_ENTITIES = 1000
_FILTER = (
    "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last "
    "and Created lt @before and Ended lt @before"
)


class EndedJobs:
    """Iterators ask for further pages as they are used. Raises StoreError."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)

    def latest(self, workspace: str, experiment: str, before: datetime) -> Iterator[Job]:
        """The latest runs of an experiment that ended before. Entries of a list: not to be written."""
        prefix = row_keys.time_prefix(experiment)
        return self._range(workspace, prefix, before, prefix + row_keys.newest_first(before))

    def earlier(self, workspace: str, experiment: str, before: datetime) -> Iterator[Job]:
        """Runs of an experiment that others under the same name have followed, and that ended before."""
        return self._range(workspace, row_keys.runs_prefix(experiment), before)

    def forget(self, run: Job) -> None:
        """Remove the row of an earlier run; one that is gone is fine."""
        with translated(f"removing an earlier run of job {run.id}"):
            try:
                self._table.delete_entity(row_keys.partition(run.id.workspace), row_keys.run_row(run))
            except NotFoundError:
                pass

    def _range(self, workspace: str, prefix: str, before: datetime, first: str = "") -> Iterator[Job]:
        values: dict[str, Any] = {
            "partition": row_keys.partition(workspace),
            "first": first or prefix,
            "last": row_keys.after(prefix),
            "before": before,
        }
        with translated(f"listing jobs of workspace {workspace} that ended before {before:%Y-%m-%d}"):
            found = self._table.query_entities(_FILTER, parameters=values, results_per_page=_MOST_ENTITIES)
            yield from readables(found, lambda e: job_rows.job_from(e, str(e.metadata["etag"])))
