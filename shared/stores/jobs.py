"""The table of jobs. Every write is one transaction in one partition and proves ownership with an ETag."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.names import ClusterId, JobId
from shared.state import Job
from shared.stores import keys, rows
from shared.stores.connection import Connection, translated

TABLE = "jobs"
_MOST_ENTITIES = 1000  #: of one page; the service refuses more
_MOST_OPERATIONS = 100  #: of one transaction (Azure Table storage)
_REPLACE: dict[str, Any] = {"mode": UpdateMode.REPLACE}


class JobTable:
    """Rows of jobs, their live entries and their history. Knows no rule of the protocol."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)

    def get(self, job: JobId) -> Job | None:
        """The latest run under a name, or None."""
        filters = "PartitionKey eq @partition and RowKey eq @row"
        values = {"partition": keys.partition(job.workspace), "row": keys.job_row(job)}
        with translated(f"reading job {job}"):
            for entity in self._table.query_entities(filters, parameters=values):
                return rows.job_from(entity, str(entity.metadata["etag"]))
        return None

    def insert(self, job: Job) -> Job:
        """Add a job under a free name. Raises ConflictError when the name is taken."""
        job_row = rows.job_entity(job, keys.job_row(job.id))
        timed = ("upsert", rows.time_entity(job), _REPLACE)
        return self._commit(job, [("create", job_row), ("create", rows.live_entity(job)), timed])

    def replace_ended(self, ended: Job, job: Job) -> Job:
        """Put a new run in the place of an ended one (which stays in the history).

        Raises LostOwnershipError when the row is no longer as `ended` was read.
        """
        first = ("update", rows.job_entity(job, keys.job_row(job.id)), self._if_match(ended))
        timed = ("upsert", rows.time_entity(job), _REPLACE)
        return self._commit(job, [first, ("create", rows.live_entity(job)), timed])

    def update(self, job: Job) -> Job:
        """Write a live job over the row it was read from. Raises LostOwnershipError."""
        first = ("update", rows.job_entity(job, keys.job_row(job.id)), self._if_match(job))
        return self._commit(job, [first, ("upsert", rows.live_entity(job), _REPLACE)])

    def end(self, job: Job) -> Job:
        """Write an ended job: its row, its entry in the history, and no live entry any more.

        Raises LostOwnershipError when the row is no longer as `job` was read.
        """
        live = {"PartitionKey": keys.partition(job.id.workspace), "RowKey": keys.live_row(job)}
        return self._commit(
            job,
            [
                ("update", rows.job_entity(job, keys.job_row(job.id)), self._if_match(job)),
                ("delete", live),
                ("upsert", rows.job_entity(job, keys.run_row(job)), _REPLACE),
                ("upsert", rows.time_entity(job), _REPLACE),
            ],
        )

    def list_jobs(self, workspace: str, experiment: str, after: str = "", most: int = 1000) -> list[Job]:
        """The latest run of each job of an experiment, by name: `most` of them, after the name `after`."""
        prefix = keys.experiment_prefix(experiment)
        # '!' sorts before every character of a name, so "after" excludes the name itself and nothing else.
        first = f"{prefix}{after.lower()}!" if after else prefix
        found = itertools.islice(self._range(workspace, prefix, most, first), most)
        return [rows.job_from(entity, str(entity.metadata["etag"])) for entity in found]

    def list_workspace(self, workspace: str, most: int) -> list[Job]:
        """The latest run of `most` jobs of a workspace, whatever their experiment."""
        found = itertools.islice(self._range(workspace, keys.JOBS, most), most)
        return [rows.job_from(entity, str(entity.metadata["etag"])) for entity in found]

    def list_runs(self, job: JobId) -> Iterator[Job]:
        """Ended runs under a name, oldest first."""
        for entity in self._range(job.workspace, keys.run_prefix(job), 1000):
            yield rows.job_from(entity, str(entity.metadata["etag"]))

    def delete_runs(self, job: JobId) -> None:
        """Remove the history under a name."""
        runs = list(self.list_runs(job))
        # First what points to a run, then the run, so that a crash leaves something to find. An entry that
        # is missing is fine for the SDK; in a transaction it would not be.
        with translated(f"removing the history of job {job}"):
            for run in runs:
                self._table.delete_entity(keys.partition(job.workspace), keys.time_row(run))
        found = [keys.run_row(run) for run in runs]
        for start in range(0, len(found), _MOST_OPERATIONS):
            part = found[start : start + _MOST_OPERATIONS]
            gone = [("delete", {"PartitionKey": keys.partition(job.workspace), "RowKey": k}) for k in part]
            with translated(f"removing the history of job {job}"):
                self._table.submit_transaction(gone)

    def delete(self, job: Job) -> None:
        """Remove the row of an ended job. Raises LostOwnershipError when it is not as `job` was read."""
        with translated(f"removing job {job.id}"):
            self._table.delete_entity(
                keys.partition(job.id.workspace),
                keys.job_row(job.id),
                etag=job.etag,
                match_condition=MatchConditions.IfNotModified,
            )

    def list_live(self, cluster: ClusterId, workspace: str | None = None) -> list[rows.LiveEntry]:
        """Jobs of a cluster that have not ended, oldest first, among those submitted in `workspace`
        (default: the cluster's own)."""
        entities = self._range(workspace or cluster.workspace, keys.live_prefix(cluster), 1000)
        return [rows.live_from(entity) for entity in entities]

    def _range(self, workspace: str, prefix: str, page: int, first: str = "") -> Iterator[Any]:
        filters = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        values = {
            "partition": keys.partition(workspace),
            "first": first or prefix,
            "last": keys.after(prefix),
        }
        with translated(f"listing {prefix.split('|')[0]} rows of workspace {workspace}"):
            size = min(page, _MOST_ENTITIES)
            yield from self._table.query_entities(filters, parameters=values, results_per_page=size)

    def _if_match(self, job: Job) -> dict[str, Any]:
        return {
            "mode": UpdateMode.REPLACE,
            "etag": job.etag,
            "match_condition": MatchConditions.IfNotModified,
        }

    def _commit(self, job: Job, operations: list[tuple[Any, ...]]) -> Job:
        """Run the operations as one transaction; the first one is the job's own row."""
        with translated(f"writing job {job.id}"):
            # Every first operation is conditional, so a repetition does no harm: where only the answer was
            # lost it is refused, and the caller finds its own write. The SDK does not repeat a POST unasked.
            answers: list[Mapping[str, Any]] = self._table.submit_transaction(
                operations, retry_on_methods=["POST"]
            )
        return replace(job, etag=answers[0]["etag"])
