"""Which entries a job has beside its row, and what each write of the row does to them.

A run has one layout from its acceptance to its end. Entities written for a job that is claimed once, its own
row included:

                                     accepted    claimed      ended
    second layout                    3           3            4          10
        live entry, whole            added       changed      removed
        entry by time                added       changed      changed
        entry by state                                        added
    first layout                     4           5            6          15
        live entry, a few columns    added       changed      removed
        entry by time                added       changed      changed
        entry by state               added       moved        moved
        entry in the history                                  added

In the second layout the live entry keeps its key through a claim, and lists by a live state are read from
live entries; the row of an ended run is its history until another run takes its name. Runners of earlier
versions know the first layout only (docs/adr/0315).
"""

from collections.abc import Mapping
from typing import Any

from azure.data.tables import UpdateMode

from shared.jobs import layouts
from shared.jobs.model import Job
from shared.stores import job_rows, live_rows
from shared.stores import row_keys as keys

#: One of a transaction: verb, entity and options, as the SDK takes them.
Operation = tuple[Any, ...]
#: The job's own row (job_rows.job_entity): what holds the whole job is made from it.
Row = Mapping[str, Any]
_REPLACE: dict[str, Any] = {"mode": UpdateMode.REPLACE}
_MERGE: dict[str, Any] = {"mode": UpdateMode.MERGE}


def added(job: Job, row: Row) -> list[Operation]:
    """With the row of a new run."""
    if job.layout == layouts.FIRST:
        return [("create", live_rows.live_entity(job)), _by_time(job, row), _by_state(job, row)]
    return [("create", live_rows.whole_live_entity(job, row)), _by_time(job, row)]


def changed(job: Job, row: Row) -> list[Operation]:
    """With the row of a live job, over the one it was read from."""
    if job.layout == layouts.FIRST:
        return [("upsert", live_rows.live_entity(job), _MERGE), _by_time(job, row), *_moved(job, row)]
    return [("upsert", live_rows.whole_live_entity(job, row), _REPLACE), _by_time(job, row)]


def ended(job: Job, row: Row) -> list[Operation]:
    """With the row of a job that has ended."""
    if job.layout == layouts.FIRST:
        history = ("upsert", {**row, "RowKey": keys.run_row(job)}, _REPLACE)
        return [_gone(job, keys.live_row(job)), history, _by_time(job, row), *_moved(job, row)]
    return [_gone(job, keys.whole_live_row(job)), _by_time(job, row), _by_state(job, row)]


def superseded(job: Job) -> list[Operation]:
    """Of an ended run whose row is another run's from now on: it becomes history."""
    if job.layout == layouts.FIRST:
        return unlisted(job)
    return [("upsert", job_rows.job_entity(job, keys.run_row(job)), _REPLACE), *unlisted(job)]


def unlisted(job: Job) -> list[Operation]:
    """Of a job whose row is removed."""
    state = job.stored_as or job.state
    whole = state.live and job.layout != layouts.FIRST
    other = keys.whole_live_row(job) if whole else keys.state_row(job, state)
    return [_gone(job, keys.time_row(job)), _gone(job, other)]


def fallen_back(job: Job, former: Job, row: Row) -> list[Operation]:
    """With the row of a live job of the second layout as `former`, which is of the first."""
    live = ("upsert", live_rows.live_entity(former), _REPLACE)
    return [_gone(job, keys.whole_live_row(job)), live, _by_time(former, row), _by_state(former, row)]


def _moved(job: Job, row: Row) -> list[Operation]:
    """The entry under the state of the job; the one under another state is removed."""
    before = job.stored_as
    if before is None or before is job.state:
        return [_by_state(job, row)]
    return [_gone(job, keys.state_row(job, before)), _by_state(job, row)]


def _by_time(job: Job, row: Row) -> Operation:
    return ("upsert", job_rows.listed_entity(job, row, keys.time_row(job)), _REPLACE)


def _by_state(job: Job, row: Row) -> Operation:
    return ("upsert", job_rows.listed_entity(job, row, keys.state_row(job, job.state)), _REPLACE)


def _gone(job: Job, row_key: str) -> Operation:
    return ("delete", {"PartitionKey": keys.partition(job.id.workspace), "RowKey": row_key})
