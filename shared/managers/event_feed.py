"""The events of a workspace for people who look, made from the histories of its jobs. It needs no outbox and
no receiver, and works for jobs of which nobody wants events.

A look costs a call for the live jobs and one for each experiment, and one more for each job that has changed.
Those who look at the same time share it. Jobs that ended before the first look are found where they were
submitted in the days before it.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.errors import UnreadableError
from shared.jobs import changes
from shared.jobs.cloud_events import cloud_event, data_of
from shared.jobs.model import Job
from shared.managers.workspace_manager import WorkspaceManager
from shared.names.ids import JobId, Scope
from shared.stores.job_lists import JobFilter
from shared.stores.job_table import JobTable
from shared.stores.live_rows import LiveEntry
from shared.stores.workspace_lists import WorkspaceLists

#: What was seen is believed for so long.
_LOOK_SECONDS = 2.0
#: How far back jobs were submitted that the first look of a process finds, and how many.
_FIRST_LOOK = timedelta(days=7)
_MOST_PAGES, _PAGE = 5, 1000
#: A job appears in lists within that time after it was created, by another machine's clock.
_SLACK = timedelta(seconds=60)
#: Runs of a workspace that are remembered.
_MOST_RUNS = 20_000


@dataclass(frozen=True)
class FeedPage:
    """Some events, oldest first; `token` says where the next page begins, "" after the last one."""

    events: tuple[Mapping[str, Any], ...]
    token: str = ""


@dataclass(frozen=True)
class _Run:
    """What is known of a run."""

    id: JobId
    uuid: str
    state: tuple[str, int, str | None]
    live: bool
    events: tuple[tuple[str, Mapping[str, Any]], ...]  #: each with its place among those of all runs


@dataclass
class _Seen:
    """What is known of a workspace. `at`: by the monotonic clock."""

    at: float
    created_after: datetime
    runs: dict[str, _Run] = field(default_factory=dict)


class EventFeed:
    """Thread-safe. Another process begins anew and finds the same events: their ids come from the rows."""

    def __init__(
        self,
        scope: Scope,
        jobs: JobTable,
        lists: WorkspaceLists,
        workspaces: WorkspaceManager,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._scope = scope
        self._jobs = jobs
        self._lists = lists
        self._workspaces = workspaces
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def page(self, workspace: str, since: datetime, token: str, most: int) -> FeedPage:
        """`most` events at most that happened since, after those of the page whose token it is. Those of a
        run are in its order. Raises StoreError."""
        with self._lock:  # of several who ask at the same time one looks
            seen = self._looked(workspace)
            found = sorted(
                (place, event)
                for run in seen.runs.values()
                for place, event in run.events
                if place >= _moment(since) and place > token
            )
        shown = found[:most]
        return FeedPage(tuple(e for _, e in shown), shown[-1][0] if len(found) > most else "")

    def _looked(self, workspace: str) -> _Seen:
        key, at = workspace.lower(), self._monotonic()
        seen = self._seen.get(key)
        if seen is not None and at - seen.at < _LOOK_SECONDS:
            return seen
        now = self._now()
        first = seen is None
        seen = seen or _Seen(at, now - _FIRST_LOOK)
        known: set[str] = set()  #: runs that this look has read
        for job in self._created(workspace, seen.created_after, _MOST_PAGES if first else 1):
            known.add(job.uuid)
            self._note(seen, job)
        live = {entry.uuid: entry for entry in self._jobs.list_live_of_workspace(workspace)}
        for entry in live.values():
            if entry.uuid not in known and not _is_known(seen.runs.get(entry.uuid), entry):
                self._read(seen, entry.id, entry.uuid)
        for run in [run for run in seen.runs.values() if run.live and run.uuid not in live]:
            if run.uuid not in known:
                self._read(seen, run.id, run.uuid)
        seen.at, seen.created_after = at, now - _SLACK
        while len(seen.runs) > _MOST_RUNS:
            seen.runs.pop(next(iter(seen.runs)))
        self._seen[key] = seen
        return seen

    def _created(self, workspace: str, after: datetime, pages: int) -> Iterator[Job]:
        experiments = [row.name for row in self._workspaces.list_experiments(workspace)]
        token = ""
        for _ in range(pages if experiments else 0):
            page = self._lists.page(workspace, experiments, JobFilter(created_after=after), token, _PAGE)
            yield from page.jobs
            if not (token := page.token):
                return

    def _read(self, seen: _Seen, name: JobId, uuid: str) -> None:
        """The row of a run, which another run may have taken over."""
        try:
            job = self._jobs.get(name)
            if job is None or job.uuid != uuid:
                job = next((run for run in self._jobs.list_runs(name) if run.uuid == uuid), None)
        except UnreadableError:
            return  # a newer version's
        if job is not None:
            self._note(seen, job)
        else:
            seen.runs.pop(uuid, None)  # removed

    def _note(self, seen: _Seen, job: Job) -> None:
        events, last = [], ""
        for change in changes.changes(job):
            event = cloud_event(data_of(job, change), change.sequence, change.at, self._scope)
            # Clocks differ: no event of a run comes before one that happened earlier.
            last = max(last, _moment(change.at))
            events.append((f"{last}|{job.uuid}|{change.sequence:06d}", event))
        state = (str(job.state), job.attempt, job.owner)
        seen.runs[job.uuid] = _Run(job.id, job.uuid, state, job.state.live, tuple(events))


def _is_known(run: _Run | None, entry: LiveEntry) -> bool:
    return run is not None and run.state == (str(entry.state), entry.attempt, entry.owner)


def _moment(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%S%f")
