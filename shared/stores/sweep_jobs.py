"""The jobs of a sweep as they stand, without their documents: one query for a thousand of them, and one more
while some of these live."""

from collections.abc import Iterator

from shared.jobs.model import Job
from shared.names.sweep_ids import SweepId, run_mark
from shared.stores import row_keys
from shared.stores.connection import Connection, translated
from shared.stores.job_table import TABLE
from shared.stores.named_rows import POINTER_COLUMNS, NamedRows

#: The columns of a Job but for the long ones: document, events, seals, problems.
_COLUMNS = (
    *("PartitionKey", "RowKey", "Workspace", "Experiment", "Job", "ClusterWorkspace", "Cluster", "Uuid"),
    *("ToolType", "StateSince", "Source", "ContentSha256", "MaxAttempts", "Started", "Ended", "ExitCode"),
    *("Errors", "Deleting", "State", "Priority", "NodeCount", "Created", "Enqueued", "Owner", "Attempt"),
)
_MOST = 1000


class SweepJobs:
    """Reads only. What it gives is to be looked at, never written."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)
        self._named = NamedRows(self._table)

    def list(self, sweep: SweepId) -> Iterator[Job]:
        """The latest run of every job that is, or was, a run of a sweep of this name. Raises StoreError."""
        filters = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        prefix = f"{row_keys.experiment_prefix(sweep.experiment)}{sweep.sweep.lower()}-"
        # '.' is the character after '-'.
        values = {
            "partition": row_keys.partition(sweep.workspace),
            "first": prefix,
            "last": prefix[:-1] + ".",
        }
        with translated(f"listing the jobs of sweep {sweep}"):
            found = self._table.query_entities(
                filters, parameters=values, select=[*_COLUMNS, *POINTER_COLUMNS], results_per_page=_MOST
            )
            yield from (job for job in self._named.jobs(found, list(_COLUMNS)) if _is_run(job, sweep))


def _is_run(job: Job, sweep: SweepId) -> bool:
    """Not of a sweep whose name is longer: the runs of a-b are not those of a."""
    return run_mark(job.source) is not None and job.id.job.rpartition("-")[0].lower() == sweep.sweep.lower()
