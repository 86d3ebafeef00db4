"""Which rows a job has in its workspace's partition, and what each write of the job does to them.

A run has one layout from its acceptance to its end. Rows written for a job that is claimed once and succeeds;
the first line of each layout is *the job*, whose ETag every write proves, except that in the third layout it
is the live entry until the job has ended, and the row under its name from then on:

                                            accepted    claimed    ended
    third layout                               3           2         3          8
        live entry, whole                      added       changed   removed
        row under its name                     pointer               whole
        entry by time                          added       changed   changed
        entry by state, of failed jobs only                          (added)
    second layout                              3           3         4          10
        row under its name                     added       changed   changed
        live entry, whole                      added       changed   removed
        entry by time                          added       changed   changed
        entry by state                                               added
    first layout                               4           5         6          15
        row under its name                     added       changed   changed
        live entry, a few columns              added       changed   removed
        entry by time                          added       changed   changed
        entry by state                         added       moved     moved
        entry in the history                                         added

From the second layout on the live entry keeps its key through a claim, and lists by a live state are read
from live entries; the row of an ended run is its history until another run takes its name. Runners of earlier
versions know earlier layouts only (docs/adr/0315, 0385).

Every function gives one transaction. Its first operation writes the row that is the job from then on; one of
them has the condition that the job is as it was read.
"""

from collections.abc import Mapping
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.jobs import layouts
from shared.jobs.model import Job, State
from shared.stores import job_rows, live_rows
from shared.stores import row_keys as keys

#: One of a transaction: verb, entity and options, as the SDK takes them.
Operation = tuple[Any, ...]
#: The job's row under its name (job_rows.job_entity): what holds the whole job is made from it.
Row = Mapping[str, Any]
_REPLACE: dict[str, Any] = {"mode": UpdateMode.REPLACE}
_MERGE: dict[str, Any] = {"mode": UpdateMode.MERGE}


def in_live_entry(job: Job) -> bool:
    """Whether the row that a job was read from is its live entry; else it is the row under its name."""
    return job.layout == layouts.THIRD and (job.stored_as or job.state).live


def row_key(job: Job) -> str:
    """Of the row that a job was read from, or last written to: the one that its ETag is of."""
    return keys.whole_live_row(job) if in_live_entry(job) else keys.job_row(job.id)


def unmodified(job: Job) -> dict[str, Any]:
    """The condition that the row of `row_key` is as it was read."""
    return {"etag": job.etag, "match_condition": MatchConditions.IfNotModified}


def added(job: Job, ended: Job | None = None) -> list[Operation]:
    """A new run, under a free name or in the place of an ended one, which becomes history."""
    row = _row(job)
    former = _superseded(ended) if ended else []
    if job.layout == layouts.THIRD:
        live = ("create", live_rows.whole_live_entity(job, row))
        return [live, _named(job_rows.pointer_entity(job), ended), _by_time(job, row), *former]
    more = [("create", live_rows.whole_live_entity(job, row))]
    if job.layout == layouts.FIRST:
        more = [("create", live_rows.live_entity(job)), _by_state(job, row)]
    return [_named(row, ended), *more, _by_time(job, row), *former]


def changed(job: Job) -> list[Operation]:
    """A live job."""
    row = _row(job)
    if job.layout == layouts.THIRD:
        return [("update", live_rows.whole_live_entity(job, row), _over(job)), _by_time(job, row)]
    more = [("upsert", live_rows.whole_live_entity(job, row), _REPLACE)]
    if job.layout == layouts.FIRST:
        more = [("upsert", live_rows.live_entity(job), _MERGE), *_moved(job, row)]
    return [("update", row, _over(job)), *more, _by_time(job, row)]


def rewritten(job: Job) -> list[Operation]:
    """A job of which nothing has changed that lists show."""
    return changed(job) if job.state.live else [("update", _row(job), _over(job))]


def ended(job: Job) -> list[Operation]:
    """A job that has ended."""
    row = _row(job)
    if job.layout == layouts.FIRST:
        history = ("upsert", {**row, "RowKey": keys.run_row(job)}, _REPLACE)
        more = [_gone(job, keys.live_row(job)), history, *_moved(job, row)]
        return [("update", row, _over(job)), *more, _by_time(job, row)]
    listed = [_by_state(job, row)] if _has_entry_by_state(job, job.state) else []
    return [*_no_longer_live(job, row), _by_time(job, row), *listed]


def removed(job: Job) -> list[Operation]:
    """A job, whatever its state, of which nothing but its history is left."""
    if in_live_entry(job):
        live = _gone(job, keys.whole_live_row(job), unmodified(job))
        return [live, _gone(job, keys.job_row(job.id)), _gone(job, keys.time_row(job))]
    return [_gone(job, keys.job_row(job.id), unmodified(job)), *_unlisted(job)]


def fallen_back(job: Job, former: Job) -> list[Operation]:
    """A live job of a later layout as `former`, which is of the first."""
    row = _row(former)
    live = ("upsert", live_rows.live_entity(former), _REPLACE)
    return [*_no_longer_live(job, row), live, _by_time(former, row), _by_state(former, row)]


def _no_longer_live(job: Job, row: Row) -> list[Operation]:
    """`row` is the job, which has no whole live entry any more."""
    live = keys.whole_live_row(job)
    if job.layout == layouts.THIRD:
        # While it lives its name is written by nobody else: the condition on the live entry is enough.
        return [("update", row, _REPLACE), _gone(job, live, unmodified(job))]
    return [("update", row, _over(job)), _gone(job, live)]


def _superseded(job: Job) -> list[Operation]:
    """Of an ended run whose row is another run's from now on."""
    if job.layout == layouts.FIRST:
        return _unlisted(job)
    return [("upsert", job_rows.job_entity(job, keys.run_row(job)), _REPLACE), *_unlisted(job)]


def _unlisted(job: Job) -> list[Operation]:
    """Of a job whose row under its name is removed, or becomes another run's."""
    state = job.stored_as or job.state
    gone = [_gone(job, keys.time_row(job))]
    if state.live and job.layout == layouts.SECOND:
        gone.append(_gone(job, keys.whole_live_row(job)))
    elif _has_entry_by_state(job, state):
        gone.append(_gone(job, keys.state_row(job, state)))
    return gone


def _has_entry_by_state(job: Job, state: State) -> bool:
    """In the third layout failed jobs alone, which are few among many; the others are found by time."""
    return job.layout != layouts.THIRD or state is not State.SUCCEEDED


def _moved(job: Job, row: Row) -> list[Operation]:
    """The entry under the state of the job; the one under another state is removed."""
    before = job.stored_as
    if before is None or before is job.state:
        return [_by_state(job, row)]
    return [_gone(job, keys.state_row(job, before)), _by_state(job, row)]


def _row(job: Job) -> Row:
    return job_rows.job_entity(job, keys.job_row(job.id))


def _named(entity: Row, ended: Job | None) -> Operation:
    """What lies under a name that is free, or that an ended run has."""
    return ("update", entity, _over(ended)) if ended else ("create", entity)


def _over(job: Job) -> dict[str, Any]:
    """The row that `job` was read from is replaced, if it is as it was."""
    return {**_REPLACE, **unmodified(job)}


def _by_time(job: Job, row: Row) -> Operation:
    return ("upsert", job_rows.listed_entity(job, row, keys.time_row(job)), _REPLACE)


def _by_state(job: Job, row: Row) -> Operation:
    return ("upsert", job_rows.listed_entity(job, row, keys.state_row(job, job.state)), _REPLACE)


def _gone(job: Job, key: str, condition: Mapping[str, Any] | None = None) -> Operation:
    entity = {"PartitionKey": keys.partition(job.id.workspace), "RowKey": key}
    return ("delete", entity, dict(condition)) if condition else ("delete", entity)
