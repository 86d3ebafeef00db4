"""The table of jobs. Every write is one transaction in one partition and proves ownership with an ETag."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode

from shared.errors import LostOwnershipError, NotFoundError, StoreError
from shared.jobs import layouts
from shared.jobs.model import Job
from shared.names.ids import ClusterId, JobId
from shared.stores import job_entries, job_rows, outbox_rows
from shared.stores import row_keys as keys
from shared.stores.connection import Connection, error_code, translated
from shared.stores.live_rows import LIVE_COLUMNS, LiveEntry, live_from, once_each
from shared.stores.service_time import ServiceTime
from shared.stores.unreadable_rows import readables

TABLE = "jobs"
_MOST_ENTITIES = 1000  #: of one page; the service refuses more
_MOST_OPERATIONS = 100  #: of one transaction (Azure Table storage)
#: Of live entries: those of the latest layout say so in a column, those of the first in their keys.
_OF_CLUSTER = " and ( Serves eq @serves or RowKey ge @from and RowKey lt @to )"
_TRIES = 5  #: where others work on the same rows


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
        job, row, events = _announced(job)
        return self._commit(job, [("create", row), *job_entries.added(job, row), *events])

    def replace_ended(self, ended: Job, job: Job) -> Job:
        """Put a new run in the place of an ended one (which becomes history).

        Raises LostOwnershipError when the row is no longer as `ended` was read.
        """
        job, row, events = _announced(job)
        former, missing = outbox_rows.announced(ended)
        operations = [*job_entries.superseded(former), *job_entries.added(job, row), *missing, *events]
        return self._commit(job, [("update", row, _over(ended)), *operations])

    def update(self, job: Job) -> Job:
        """Write a live job over the row it was read from. Raises LostOwnershipError."""
        job, row, events = _announced(job)
        return self._commit(job, [("update", row, _over(job)), *job_entries.changed(job, row), *events])

    def fall_back(self, job: Job) -> Job:
        """Give a live job the entries of the first layout instead of its own, for runners of an earlier
        version. Raises LostOwnershipError."""
        former, row, events = _announced(replace(job, layout=layouts.FIRST))
        entries = job_entries.fallen_back(job, former, row)
        return self._commit(former, [("update", row, _over(job)), *entries, *events])

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
                **_unmodified(job.etag),
                # The condition makes a repetition harmless; unasked the SDK does not repeat a PATCH.
                retry_on_methods=["PATCH"],
            )
        return replace(job, lease_seconds=float(seconds), etag=str(written["etag"]), age_seconds=0.0)

    def end(self, job: Job) -> Job:
        """Write an ended job: its row, its entries in lists, and no live entry any more.

        Raises LostOwnershipError when the row is no longer as `job` was read.
        """
        job, row, events = _announced(job)
        return self._commit(job, [("update", row, _over(job)), *job_entries.ended(job, row), *events])

    def announce(self, job: Job) -> Job:
        """Write the events that a runner of an earlier version has left out. Raises LostOwnershipError."""
        job, row, events = _announced(job)
        return self._commit(job, [("update", row, _over(job)), *events])

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
        """Earlier runs under a name, oldest first. One of the first layout is here once it has ended."""
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
        _, missing = outbox_rows.announced(job)
        gone = [("delete", row, _unmodified(job.etag)), *job_entries.unlisted(job), *missing]
        try:
            with translated(f"removing job {job.id}"):
                self._table.submit_transaction(gone, retry_on_methods=["POST"])
        except NotFoundError:
            pass  # an earlier try has arrived: they go together

    def list_live(
        self, cluster: ClusterId, workspace: str | None = None, most: int | None = None
    ) -> list[LiveEntry]:
        """Jobs of a cluster that have not ended, oldest first, among those submitted in `workspace`
        (default: the cluster's own). All are read, a thousand a call, whatever `most` says."""
        return once_each(self._live(workspace or cluster.workspace, cluster))[:most]

    def list_live_of_workspace(self, workspace: str) -> list[LiveEntry]:
        """Jobs submitted in a workspace that have not ended, whatever their cluster."""
        return once_each(self._live(workspace))

    def has_first_layout(self, workspace: str) -> bool:
        """Whether a job submitted in a workspace lives with the entries of the first layout."""
        found = self._range(workspace, keys.LIVE, 1, last=keys.LIVE_WHOLE, select=["RowKey"])
        return next(found, None) is not None

    def drop_live_entry(self, entry: LiveEntry) -> None:
        """Remove a live entry that no job has, as it was read; another one is left alone."""
        with contextlib.suppress(LostOwnershipError), translated(f"removing an entry of job {entry.id}"):
            partition = keys.partition(entry.id.workspace)
            self._table.delete_entity(partition, entry.row_key, **_unmodified(entry.etag))

    def _live(self, workspace: str, cluster: ClusterId | None = None) -> list[LiveEntry]:
        time = ServiceTime()
        options: dict[str, Any] = {"select": LIVE_COLUMNS, "raw_response_hook": time.hook}
        entities = self._range(workspace, keys.LIVE, _MOST_ENTITIES, cluster=cluster, **options)
        return list(readables(entities, lambda e: live_from(e, str(e.metadata["etag"]), time.age(e))))

    def _range(
        self,
        workspace: str,
        prefix: str,
        page: int,
        first: str = "",
        last: str = "",
        cluster: ClusterId | None = None,
        **options: Any,
    ) -> Iterator[Any]:
        """The rows whose keys begin with `prefix`, or those from `first` to before `last`; of live entries of
        either layout those of `cluster`."""
        filters = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        of_cluster = keys.live_prefix(cluster) if cluster else keys.LIVE
        values = {
            "partition": keys.partition(workspace),
            "first": first or prefix,
            "last": last or keys.after(prefix),
            "serves": keys.cluster_partition(cluster) if cluster else "",
            "from": of_cluster,
            "to": keys.after(of_cluster),
        }
        with translated(f"listing {prefix.split('|')[0]} rows of workspace {workspace}"):
            yield from self._table.query_entities(
                filters + (_OF_CLUSTER if cluster else ""),
                parameters=values,
                results_per_page=min(page, _MOST_ENTITIES),
                **options,
            )

    def _commit(self, job: Job, operations: list[tuple[Any, ...]]) -> Job:
        """Run the operations as one transaction; the first one is the job's own row."""
        with translated(f"writing job {job.id}"):
            # Every first operation is conditional, so a repetition does no harm: where only the answer was
            # lost it is refused, and the caller finds its own write. The SDK does not repeat a POST unasked.
            answers = self._table.submit_transaction(operations, retry_on_methods=["POST"])
        return replace(job, etag=answers[0]["etag"], age_seconds=0.0, stored_as=job.state)


def _job(entity: Any) -> Job:
    return job_rows.job_from(entity, str(entity.metadata["etag"]))


def _announced(job: Job) -> tuple[Job, dict[str, Any], list[job_entries.Operation]]:
    """The job as it is to be written, its own row, from which every other one that holds the whole job is
    made, and the events of what has changed."""
    noted, events = outbox_rows.announced(job)
    return noted, job_rows.job_entity(noted, keys.job_row(noted.id)), events


def _unmodified(etag: str) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _over(job: Job) -> dict[str, Any]:
    """The row that `job` was read from is replaced, if it is as it was."""
    return {"mode": UpdateMode.REPLACE, **_unmodified(job.etag)}
