"""The table of jobs. Every write is one transaction in one partition and proves ownership with an ETag."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.errors import LostOwnershipError, NotFoundError, StoreError
from shared.jobs import layouts
from shared.jobs.model import Job
from shared.names.ids import ClusterId, JobId
from shared.stores import job_entries, job_rows, outbox_rows
from shared.stores import row_keys as keys
from shared.stores.connection import Connection, translated
from shared.stores.live_rows import LIVE_COLUMNS, LiveEntry, live_from, once_each
from shared.stores.named_rows import NamedRows
from shared.stores.service_time import ServiceTime
from shared.stores.unreadable_rows import readables

TABLE = "jobs"
_MOST_ENTITIES = 1000  #: of one page; the service refuses more
_MOST_OPERATIONS = 100  #: of one transaction (Azure Table storage)
#: Of live entries: those that are whole say so in a column, those of the first layout in their keys.
_OF_CLUSTER = " and ( Serves eq @serves or RowKey ge @from and RowKey lt @to )"
_TRIES = 5  #: where others work on the same rows


class JobTable(NamedRows):
    """Rows of jobs, their entries in the indexes and their history. Knows no rule of the protocol."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.tables.get_table_client(TABLE))

    def insert(self, job: Job) -> Job:
        """Add a job under a free name. Raises ConflictError when the name is taken."""
        job, events = outbox_rows.announced(job)
        return self._commit(job, [*job_entries.added(job), *events])

    def replace_ended(self, ended: Job, job: Job) -> Job:
        """Put a new run in the place of an ended one (which becomes history).

        Raises LostOwnershipError when the row is no longer as `ended` was read.
        """
        job, events = outbox_rows.announced(job)
        ended, missing = outbox_rows.announced(ended)
        return self._commit(job, [*job_entries.added(job, ended), *missing, *events])

    def update(self, job: Job) -> Job:
        """Write a live job over the row it was read from. Raises LostOwnershipError."""
        job, events = outbox_rows.announced(job)
        with _gone_is_lost(job):
            return self._commit(job, [*job_entries.changed(job), *events])

    def fall_back(self, job: Job) -> Job:
        """Give a live job the entries of the first layout instead of its own, for runners of an earlier
        version. Raises LostOwnershipError."""
        former = replace(job, layout=layouts.FIRST)
        with _gone_is_lost(job):
            return self._commit(former, job_entries.fallen_back(job, former))

    def prolong(self, job: Job, seconds: float, *, with_events: bool = False) -> Job:
        """Let the owner's lease begin anew, for `seconds`, and write the message it is looked for by, and on
        request the job's events: one merge of the job's own row. Raises LostOwnershipError when it is no
        longer as `job` was read."""
        entity = {
            "PartitionKey": keys.partition(job.id.workspace),
            "RowKey": job_entries.row_key(job),
            "LeaseSeconds": float(seconds),
            "MessageId": job.message_id,
        } | (job_rows.events_column(job) if with_events else {})
        with _gone_is_lost(job), translated(f"renewing the lease of job {job.id}"):
            written = self._table.update_entity(
                entity,
                mode=UpdateMode.MERGE,
                **job_entries.unmodified(job),
                # The condition makes a repetition harmless; unasked the SDK does not repeat a PATCH.
                retry_on_methods=["PATCH"],
            )
        return replace(job, lease_seconds=float(seconds), etag=str(written["etag"]), age_seconds=0.0)

    def end(self, job: Job) -> Job:
        """Write an ended job: its row, its entries in lists, and no live entry any more.

        Raises LostOwnershipError when the row is no longer as `job` was read.
        """
        ended, events = outbox_rows.announced(job)
        with _gone_is_lost(job):
            return self._commit(ended, [*job_entries.ended(ended), *events])

    def announce(self, job: Job) -> Job:
        """Write the events that a runner of an earlier version has left out. Raises LostOwnershipError."""
        job, events = outbox_rows.announced(job)
        with _gone_is_lost(job):
            return self._commit(job, [*job_entries.rewritten(job), *events])

    def write(self, job: Job) -> Job:
        """`update` or `end`, as the job is. Raises LostOwnershipError."""
        return self.update(job) if job.state.live else self.end(job)

    def list_jobs(self, workspace: str, experiment: str, after: str = "", most: int = 1000) -> list[Job]:
        """The latest run of each job of an experiment, by name: `most` of them, after the name `after`."""
        prefix = keys.experiment_prefix(experiment)
        # '!' sorts before every character of a name, so "after" excludes the name itself and nothing else.
        first = f"{prefix}{after.lower()}!" if after else prefix
        return list(self.jobs(itertools.islice(self._range(workspace, prefix, most, first), most)))

    def list_workspace(self, workspace: str, most: int) -> list[Job]:
        """The latest run of `most` jobs of a workspace, whatever their experiment."""
        return list(self.jobs(itertools.islice(self._range(workspace, keys.JOBS, most), most)))

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
        _, missing = outbox_rows.announced(job)
        gone = [*job_entries.removed(job), *missing]
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
            self._table.delete_entity(
                keys.partition(entry.id.workspace),
                entry.row_key,
                etag=entry.etag,
                match_condition=MatchConditions.IfNotModified,
            )

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
        """Run the operations as one transaction; the first one is the row that is the job from then on."""
        with translated(f"writing job {job.id}"):
            # One operation of each is conditional, so a repetition does no harm: where only the answer was
            # lost it is refused, and the caller finds its own write. The SDK does not repeat a POST unasked.
            answers = self._table.submit_transaction(operations, retry_on_methods=["POST"])
        written = replace(job, etag=answers[0]["etag"], age_seconds=0.0, stored_as=job.state)
        self.remember(written)
        return written


def _job(entity: Any) -> Job:
    return job_rows.job_from(entity, str(entity.metadata["etag"]))


@contextlib.contextmanager
def _gone_is_lost(job: Job) -> Iterator[None]:
    """A live entry that is the job is removed when the job ends: where it is missing, the job is not as it
    was read. Raises LostOwnershipError then."""
    try:
        yield
    except NotFoundError as error:
        if job_entries.in_live_entry(job):
            raise LostOwnershipError(f"job {job.id} has ended or is gone") from error
        raise
