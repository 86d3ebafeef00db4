"""Pages of jobs by state, time and name. Every question is one range of one index (row_keys.py):

    by name or prefix                 the rows under names; what else is asked for is filtered by the service
    failed, newest first              the entries by state
    succeeded, newest first           the entries by time, filtered by the service
    in a live state, newest first     the experiment's live entries, filtered by the service
    by time, newest first             the entries by time

Entries hold the whole job. While jobs of the first layout live (job_entries.py), those in a live state are
read from two ranges and merged; a process looks once a minute whether any do. Of jobs of the third layout
that live, names only point at live entries: a page by name with such jobs costs one call more. A page asks
storage a limited number of times, mostly once; it may then hold fewer jobs than asked for and still have a
next one, as ARM allows.
"""

import base64
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.errors import RequestError
from shared.jobs.model import Job, State
from shared.names.ids import JobId
from shared.stores import row_keys
from shared.stores.connection import Connection, translated
from shared.stores.job_table import TABLE, JobTable

#: Queries of one page; each brings up to 1000 rows.
_MOST_QUERIES = 5
_MOST_ENTITIES = 1000
_END = "~"  # sorts after every character of a key
_MARK = "*"  # no key continues with it
#: Seconds for which it is believed whether jobs of the first layout live.
_CACHE_SECONDS = 60.0


@dataclass(frozen=True)
class JobFilter:
    """Which jobs of an experiment are asked for; a member that is empty asks for all."""

    state: State | None = None
    created_after: datetime | None = None  #: UTC, inclusive
    created_before: datetime | None = None  #: UTC, exclusive
    prefix: str = ""  #: of the name, case aside

    @property
    def by_name(self) -> bool:
        """Whether the order is that of names, else newest first: a prefix narrows most, so it leads."""
        return bool(self.prefix) or not (self.state or self.created_after or self.created_before)


@dataclass(frozen=True)
class JobPage:
    """Some jobs; `token` says where the next page begins, "" after the last one."""

    jobs: tuple[Job, ...]
    token: str = ""


class JobLists:
    """Reads only. The latest run under a name stands for the job, as everywhere. Thread-safe."""

    def __init__(
        self, connection: Connection, jobs: JobTable, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._table = connection.tables.get_table_client(TABLE)
        self._jobs = jobs
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._first_layout: dict[str, tuple[float, bool]] = {}

    def page(self, workspace: str, experiment: str, asked: JobFilter, token: str, most: int) -> JobPage:
        """`most` jobs at most, in the order of `asked.by_name`. They are to be shown, not written: their
        etags may be an entry's. Raises StoreError."""
        area = _Area.of(workspace, experiment, asked)
        with translated(f"listing the jobs of experiment {workspace}/{experiment}"):
            former = None if _service_token(token) else self._former(area)
            found, more = (
                self._merged((former, area), token, most) if former else self._some(area, token, most)
            )
            jobs = self.jobs_of(found)
            if asked.by_name and asked.state:  # of names that point the service does not know the state
                jobs = (job for job in jobs if job.state is asked.state)
            return JobPage(tuple(jobs), more)

    def jobs_of(self, found: Iterable[Any]) -> Iterable[Job]:
        """The jobs of entries, whole. Raises StoreError."""
        listed = self._jobs.jobs(found)
        return filter(None, (job if job.properties else self._latest(job.id, job.uuid) for job in listed))

    def _latest(self, job: JobId, uuid: str) -> Job | None:
        """The job's own row, unless it has gone or begun another run since its entry was read."""
        found = self._jobs.get(job)
        return found if found and found.uuid == uuid else None

    def _former(self, area: "_Area") -> "_Area | None":
        """Where jobs of the first layout lie that fit what is asked for and are not in `area`."""
        state = area.asked.state
        if area.asked.by_name or state is None or not state.live or not self.has_first_layout(area.workspace):
            return None
        return area.moved(row_keys.state_prefix(area.experiment, state))

    def has_first_layout(self, workspace: str) -> bool:
        """Whether jobs of the first layout live in a workspace, up to a minute late."""
        at = self._monotonic()
        with self._lock:
            seen, answer = self._first_layout.get(workspace, (at - _CACHE_SECONDS, False))
        if at - seen >= _CACHE_SECONDS:
            answer = self._jobs.has_first_layout(workspace)
            with self._lock:
                self._first_layout[workspace] = (at, answer)
        return answer

    def _merged(self, areas: Iterable["_Area"], token: str, most: int) -> tuple[list[Any], str]:
        """As `_some`, of areas whose keys go on alike after their prefixes. What is in several is taken from
        the first: a runner of an earlier version has taken it over."""
        found: dict[str, Any] = {}
        for area in areas:
            rest = itertools.islice(self._query(area.after(token), most + 1), most + 1)
            for entity in rest:
                found.setdefault(entity["RowKey"].removeprefix(area.prefix), entity)
        keys = sorted(found)
        return [found[key] for key in keys[:most]], keys[most - 1] if len(keys) > most else ""

    def _some(self, area: "_Area", token: str, most: int) -> tuple[list[Any], str]:
        """`most` rows of an area after `token`, and the token of what follows: the last key without the
        area's prefix, or the service's own after a mark. Raises RequestError for a token that is none."""
        further = _service_token(token)
        if not further:
            area = area.after(token)
        pages = self._query(area, most + 1).by_page(continuation_token=further)
        found: list[Any] = []
        for _ in range(_MOST_QUERIES):
            found += next(pages, ())
            # With all that was asked for and more to come, another query would only say where.
            if len(found) > most or (len(found) == most and pages.continuation_token):
                return found[:most], found[most - 1]["RowKey"].removeprefix(area.prefix)
            if not pages.continuation_token:
                return found, ""
        message = json.dumps(pages.continuation_token).encode()
        return found, _MARK + base64.urlsafe_b64encode(message).decode()

    def _query(self, area: "_Area", size: int) -> Any:
        filters = ["PartitionKey eq @partition", "RowKey ge @first", "RowKey lt @last", *area.filters]
        values: dict[str, Any] = {
            "partition": row_keys.partition(area.workspace),
            "first": area.first,
            "last": area.last,
            "state": str(area.asked.state),
            "any": row_keys.LIVE,
            "after": area.asked.created_after,
            "before": area.asked.created_before,
        }
        return self._table.query_entities(
            " and ".join(filters), parameters=values, results_per_page=min(size, _MOST_ENTITIES)
        )


@dataclass(frozen=True)
class _Area:
    """Rows of a workspace's partition from the key `first` to before `last`, all of which begin with
    `prefix`; `filters` for what the keys do not say."""

    workspace: str
    experiment: str
    asked: JobFilter
    prefix: str
    first: str
    last: str
    filters: tuple[str, ...] = ()

    @classmethod
    def of(cls, workspace: str, experiment: str, asked: JobFilter) -> "_Area":
        """The smallest area that holds what is asked for."""
        if asked.by_name:
            names = row_keys.experiment_prefix(experiment)
            first = names + asked.prefix.lower()
            return cls(workspace, experiment, asked, names, first, first + _END, tuple(_filters(asked)))
        times, filters = listed_under(experiment, asked.state)
        first, last = times, times + _END
        if asked.created_before:
            first = times + row_keys.newest_first(asked.created_before) + _END
        if asked.created_after:
            last = times + row_keys.newest_first(asked.created_after) + _END
        return cls(workspace, experiment, asked, times, first, last, filters)

    def moved(self, prefix: str) -> "_Area":
        """The same rows under another prefix, which says what the filters said."""
        first, last = (prefix + key.removeprefix(self.prefix) for key in (self.first, self.last))
        return replace(self, prefix=prefix, first=first, last=last, filters=())

    def after(self, token: str) -> "_Area":
        """What follows a key, given without the area's prefix; "": all of it."""
        # '!' sorts before every character of a key: what follows the key itself.
        first = f"{self.prefix}{token.lower()}!" if token else self.first
        return replace(self, first=max(self.first, first))


def listed_under(experiment: str, state: State | None) -> tuple[str, tuple[str, ...]]:
    """Where the jobs of an experiment lie newest first, all or those in `state`: what their keys begin with,
    and filters (`@state`) for what the keys do not say. Of jobs in a live state those of the first layout
    lie elsewhere."""
    if state is None:
        return row_keys.time_prefix(experiment), ()
    if state is State.FAILED:
        return row_keys.state_prefix(experiment, state), ()
    within = row_keys.whole_live_prefix if state.live else row_keys.time_prefix
    return within(experiment), ("State eq @state",)


def _filters(asked: JobFilter) -> Iterable[str]:
    if asked.state:
        # The row under the name of a job that lives may say where it lies instead of its state.
        yield "( State eq @state or LiveRow ge @any )" if asked.state.live else "State eq @state"
    if asked.created_after:
        yield "Created ge @after"
    if asked.created_before:
        yield "Created lt @before"


def _service_token(token: str) -> dict[str, str] | None:
    if not token.startswith(_MARK):
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(token.removeprefix(_MARK)))
    except ValueError:
        values = None
    if not isinstance(values, dict) or set(map(type, values.values())) != {str}:
        raise RequestError("$skiptoken is not one that a nextLink held.", "InvalidQueryParameterValue")
    return values
