"""The table of jobs. Every write is one transaction in one partition and proves ownership with an ETag."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode

from shared.errors import NotFoundError, StoreError
from shared.jobs.model import Job
from shared.names.ids import ClusterId, JobId
from shared.stores import job_rows
from shared.stores import row_keys as keys
from shared.stores.connection import Connection, error_code, translated
from shared.stores.service_time import ServiceTime
from shared.stores.unreadable_rows import readables

TABLE = "jobs"
_MOST_ENTITIES = 1000  #: of one page; the service refuses more
_MOST_OPERATIONS = 100  #: of one transaction (Azure Table storage)
_TRIES = 5  #: where others work on the same rows
_REPLACE: dict[str, Any] = {"mode": UpdateMode.REPLACE}
_MERGE: dict[str, Any] = {"mode": UpdateMode.MERGE}


class JobTable:
    """Rows of jobs, their entries in the indexes and their history. Knows no rule of the protocol."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)

    def get(self, job: JobId) -> Job | None:
        """The latest run under a name, or None."""
        time = ServiceTime()
        with translated(f"reading job {job}"):
            try:
                # A point read: Azurite answers a query for one row by a look at every row.
                entity = self._table.get_entity(
                    keys.partition(job.workspace), keys.job_row(job), raw_response_hook=time.hook
                )
            except ResourceNotFoundError as error:
                if error_code(error) != "ResourceNotFound":
                    raise  # the table is missing: that says nothing of the job
                return None
        return job_rows.job_from(entity, str(entity.metadata["etag"]), time.age(entity))

    def insert(self, job: Job) -> Job:
        """Add a job under a free name. Raises ConflictError when the name is taken."""
        row = _row(job)
        return self._commit(job, [("create", row), ("create", job_rows.live_entity(job)), *_listed(job, row)])

    def replace_ended(self, ended: Job, job: Job) -> Job:
        """Put a new run in the place of an ended one (which stays in the history).

        Raises LostOwnershipError when the row is no longer as `ended` was read.
        """
        row = _row(job)
        first = ("update", row, self._if_match(ended))
        return self._commit(
            job, [first, ("create", job_rows.live_entity(job)), *_unlisted(ended), *_listed(job, row)]
        )

    def update(self, job: Job) -> Job:
        """Write a live job over the row it was read from. Raises LostOwnershipError."""
        row = _row(job)
        first = ("update", row, self._if_match(job))
        return self._commit(job, [first, ("upsert", job_rows.live_entity(job), _MERGE), *_moved(job, row)])

    def prolong(self, job: Job, seconds: float, *, with_events: bool = False) -> Job:
        """Let the owner's lease begin anew, for `seconds`, and write the message it is looked for by, and on
        request the job's events: one merge of the job's own row. Raises LostOwnershipError when it is no
        longer as `job` was read."""
        entity = {
            "PartitionKey": keys.partition(job.id.workspace),
            "RowKey": keys.job_row(job.id),
            "LeaseSeconds": float(seconds),
            "MessageId": job.message_id,
        } | (job_rows.events_column(job) if with_events else {})
        with translated(f"renewing the lease of job {job.id}"):
            written = self._table.update_entity(
                entity,
                mode=UpdateMode.MERGE,
                etag=job.etag,
                match_condition=MatchConditions.IfNotModified,
                # The condition makes a repetition harmless; unasked the SDK does not repeat a PATCH.
                retry_on_methods=["PATCH"],
            )
        return replace(job, lease_seconds=float(seconds), etag=str(written["etag"]), age_seconds=0.0)

    def end(self, job: Job) -> Job:
        """Write an ended job: its row, its entry in the history, and no live entry any more.

        Raises LostOwnershipError when the row is no longer as `job` was read.
        """
        row = _row(job)
        return self._commit(
            job,
            [
                ("update", row, self._if_match(job)),
                _gone(job, keys.live_row(job)),
                ("upsert", {**row, "RowKey": keys.run_row(job)}, _REPLACE),
                *_moved(job, row),
            ],
        )

    def write(self, job: Job) -> Job:
        """`update` or `end`, as the job is. Raises LostOwnershipError."""
        return self.update(job) if job.state.live else self.end(job)

    def list_jobs(self, workspace: str, experiment: str, after: str = "", most: int = 1000) -> list[Job]:
        """The latest run of each job of an experiment, by name: `most` of them, after the name `after`."""
        prefix = keys.experiment_prefix(experiment)
        # '!' sorts before every character of a name, so "after" excludes the name itself and nothing else.
        first = f"{prefix}{after.lower()}!" if after else prefix
        found = itertools.islice(self._range(workspace, prefix, most, first), most)
        return list(readables(found, _job))

    def list_workspace(self, workspace: str, most: int) -> list[Job]:
        """The latest run of `most` jobs of a workspace, whatever their experiment."""
        found = itertools.islice(self._range(workspace, keys.JOBS, most), most)
        return list(readables(found, _job))

    def list_runs(self, job: JobId) -> Iterator[Job]:
        """Ended runs under a name, oldest first."""
        return readables(self._range(job.workspace, keys.run_prefix(job), 1000), _job)

    def delete_runs(self, job: JobId) -> None:
        """Remove the history under a name; what somebody else removes at the same time is fine."""
        for _ in range(_TRIES):
            try:
                return self._delete_runs(job)
            except NotFoundError:
                continue  # a transaction with one row that has gone meanwhile removes none
        raise StoreError(f"the history of job {job} is being removed by others at the same time; try again")

    def _delete_runs(self, job: JobId) -> None:
        found = [keys.run_row(run) for run in self.list_runs(job)]
        for start in range(0, len(found), _MOST_OPERATIONS):
            part = found[start : start + _MOST_OPERATIONS]
            gone = [("delete", {"PartitionKey": keys.partition(job.workspace), "RowKey": k}) for k in part]
            with translated(f"removing the history of job {job}"):
                self._table.submit_transaction(gone)

    def delete(self, job: Job) -> None:
        """Remove the row of an ended job and its entries in lists; a row that is gone is fine.

        Raises LostOwnershipError when it is not as `job` was read.
        """
        row = {"PartitionKey": keys.partition(job.id.workspace), "RowKey": keys.job_row(job.id)}
        unmodified = {"etag": job.etag, "match_condition": MatchConditions.IfNotModified}
        try:
            with translated(f"removing job {job.id}"):
                self._table.submit_transaction(
                    [("delete", row, unmodified), *_unlisted(job)], retry_on_methods=["POST"]
                )
        except NotFoundError:
            pass  # an earlier try has arrived: they go together

    def list_live(
        self, cluster: ClusterId, workspace: str | None = None, most: int | None = None
    ) -> list[job_rows.LiveEntry]:
        """Jobs of a cluster that have not ended, oldest first, among those submitted in `workspace`
        (default: the cluster's own)."""
        return self._live(workspace or cluster.workspace, keys.live_prefix(cluster), most)

    def list_live_of_workspace(self, workspace: str) -> list[job_rows.LiveEntry]:
        """Jobs submitted in a workspace that have not ended, whatever their cluster."""
        return self._live(workspace, keys.LIVE)

    def _live(self, workspace: str, prefix: str, most: int | None = None) -> list[job_rows.LiveEntry]:
        time = ServiceTime()
        entities = self._range(workspace, prefix, 1000, time=time)

        def read(entity: Any) -> job_rows.LiveEntry:
            return job_rows.live_from(entity, str(entity.metadata["etag"]), time.age(entity))

        return list(readables(itertools.islice(entities, most), read))

    def _range(
        self, workspace: str, prefix: str, page: int, first: str = "", time: ServiceTime | None = None
    ) -> Iterator[Any]:
        filters = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        values = {
            "partition": keys.partition(workspace),
            "first": first or prefix,
            "last": keys.after(prefix),
        }
        with translated(f"listing {prefix.split('|')[0]} rows of workspace {workspace}"):
            size = min(page, _MOST_ENTITIES)
            hook: dict[str, Any] = {"raw_response_hook": time.hook} if time else {}
            yield from self._table.query_entities(filters, parameters=values, results_per_page=size, **hook)

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
        return replace(job, etag=answers[0]["etag"], age_seconds=0.0, stored_as=job.state)


def _job(entity: Any) -> Job:
    return job_rows.job_from(entity, str(entity.metadata["etag"]))


def _row(job: Job) -> dict[str, Any]:
    """The job's own row. Every other row that holds the whole job is made from it."""
    return job_rows.job_entity(job, keys.job_row(job.id))


def _listed(job: Job, row: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The job's entries by time and by state, as it is now. With its row they are always written together, so
    each row has exactly these two, under its own state."""
    row_keys = (keys.time_row(job), keys.state_row(job, job.state))
    return [("upsert", job_rows.listed_entity(job, row, key), _REPLACE) for key in row_keys]


def _moved(job: Job, row: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """`_listed`, for a row that is there already: its entry under another state is removed."""
    before = job.stored_as
    if before is None or before is job.state:
        return _listed(job, row)
    return [_gone(job, keys.state_row(job, before)), *_listed(job, row)]


def _unlisted(job: Job) -> list[tuple[Any, ...]]:
    return [_gone(job, keys.time_row(job)), _gone(job, keys.state_row(job, job.stored_as or job.state))]


def _gone(job: Job, row_key: str) -> tuple[Any, ...]:
    return ("delete", {"PartitionKey": keys.partition(job.id.workspace), "RowKey": row_key})
