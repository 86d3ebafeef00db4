"""Pages of jobs by state, time and name. No question scans the jobs of an experiment unless it must:

    by name or prefix             the range of job rows that begin so
    a state that is not final     the entries of live jobs, then a read of each job found
    by time                       the index by time, newest first, then a read of each job found
    succeeded, failed             the range of job rows, filtered by the service

A page asks storage a limited number of times; it may then hold fewer jobs than asked for and still have a
next one, as ARM allows.
"""

import base64
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.errors import RequestError
from shared.names import JobId
from shared.state import Job, State
from shared.stores import keys, rows
from shared.stores.connection import Connection, translated
from shared.stores.jobs import TABLE, JobTable

#: Queries of one page; each brings up to 1000 rows.
_MOST_QUERIES = 5
#: Jobs of a page that are read one by one, and how many at a time.
_MOST_READS, _AT_A_TIME = 100, 8
_MOST_ENTITIES = 1000
_END = "~"  # sorts after every character of a key
_MARK = "*"  # no key goes on with it


@dataclass(frozen=True)
class JobFilter:
    """Which jobs of an experiment are asked for; a member that is empty asks for all."""

    state: State | None = None
    created_after: datetime | None = None  #: UTC, inclusive
    created_before: datetime | None = None  #: UTC, exclusive
    prefix: str = ""  #: of the name, case aside

    @property
    def by_time(self) -> bool:
        return self.created_after is not None or self.created_before is not None

    def fits(self, job: Job) -> bool:
        """Whether a job, as it is at this moment, is asked for."""
        return (self.state is None or job.state is self.state) and self.fits_entry(job)

    def fits_entry(self, entry: Job | rows.LiveEntry) -> bool:
        """Whether what never changes is asked for."""
        return (
            (self.created_after is None or entry.created >= self.created_after)
            and (self.created_before is None or entry.created < self.created_before)
            and entry.id.job.lower().startswith(self.prefix.lower())
        )


@dataclass(frozen=True)
class JobPage:
    """Some jobs; `token` says where the next page begins, "" after the last one."""

    jobs: tuple[Job, ...]
    token: str = ""


class JobLists:
    """Reads only. The latest run under a name stands for the job, as everywhere."""

    def __init__(self, connection: Connection, jobs: JobTable) -> None:
        self._table = connection.tables.get_table_client(TABLE)
        self._jobs = jobs

    def page(self, workspace: str, experiment: str, asked: JobFilter, token: str, most: int) -> JobPage:
        """`most` jobs at most. By time: newest first; else by name. Raises StoreError."""
        with translated(f"listing the jobs of experiment {workspace}/{experiment}"):
            if asked.state and asked.state.live:
                return self._live(workspace, experiment, asked, token, most)
            if asked.by_time:
                return self._by_time(workspace, experiment, asked, token, most)
            return self._by_name(workspace, experiment, asked, token, most)

    def _by_name(self, workspace: str, experiment: str, asked: JobFilter, token: str, most: int) -> JobPage:
        names = keys.experiment_prefix(experiment)
        first = names + asked.prefix.lower()
        area = _Area(workspace, first, first + _END, asked.state)
        found, more = self._some(area, names, token, most)
        jobs = tuple(rows.job_from(entity, str(entity.metadata["etag"])) for entity in found)
        return JobPage(jobs, more)

    def _by_time(self, workspace: str, experiment: str, asked: JobFilter, token: str, most: int) -> JobPage:
        times = keys.time_prefix(experiment)
        first, last = times, times + _END
        if asked.created_before:
            first = times + keys.newest_first(asked.created_before) + _END
        if asked.created_after:
            last = times + keys.newest_first(asked.created_after) + _END
        area = _Area(workspace, first, last, asked.state)
        found, more = self._some(area, times, token, min(most, _MOST_READS))
        entries = [(JobId(workspace, e["Experiment"], e["Job"]), str(e["Uuid"])) for e in found]
        return JobPage(tuple(filter(asked.fits, self._read(entries))), more)

    def _live(self, workspace: str, experiment: str, asked: JobFilter, token: str, most: int) -> JobPage:
        """Every live entry of the workspace is looked at: they are as many as jobs that have not ended."""
        area = _Area(workspace, keys.LIVE, keys.LIVE + _END, asked.state)
        entries = map(rows.live_from, self._query(area, _MOST_ENTITIES))
        wanted = [
            (entry.id, entry.uuid)
            for entry in sorted(entries, key=lambda entry: entry.id.job.lower())
            if entry.id.experiment.lower() == experiment.lower()
            and asked.fits_entry(entry)
            and entry.id.job.lower() > token.lower()
        ]
        size = min(most, _MOST_READS)
        jobs = self._read(wanted[:size])
        more = wanted[size - 1][0].job if len(wanted) > size else ""
        return JobPage(tuple(filter(asked.fits, jobs)), more)

    def _read(self, entries: Sequence[tuple[JobId, str]]) -> list[Job]:
        """The jobs as they are now; an entry of a run that is not the latest of its name means nothing."""
        if not entries:
            return []
        with ThreadPoolExecutor(min(_AT_A_TIME, len(entries))) as pool:
            jobs = list(pool.map(self._jobs.get, (job for job, _ in entries)))
        return [job for job, (_, uuid) in zip(jobs, entries, strict=True) if job and job.uuid == uuid]

    def _some(self, area: "_Area", prefix: str, token: str, most: int) -> tuple[list[Any], str]:
        """`most` rows of an area after `token`, and the token of what follows: the last key without `prefix`,
        or the service's own after a mark. Raises RequestError for a token that is none."""
        further = _service_token(token)
        if token and not further:
            # '!' sorts before every character of a key: what follows the key itself.
            area = replace(area, first=max(area.first, f"{prefix}{token.lower()}!"))
        pages = self._query(area, most + 1).by_page(continuation_token=further)
        found: list[Any] = []
        for _ in range(_MOST_QUERIES):
            found += next(pages, ())
            if len(found) > most:
                return found[:most], found[most - 1]["RowKey"].removeprefix(prefix)
            if not pages.continuation_token:
                return found, ""
        told = json.dumps(pages.continuation_token).encode()
        return found, _MARK + base64.urlsafe_b64encode(told).decode()

    def _query(self, area: "_Area", size: int) -> Any:
        filters = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        values = {
            "partition": keys.partition(area.workspace),
            "first": area.first,
            "last": area.last,
        }
        if area.state:
            filters += " and State eq @state"
            values["state"] = str(area.state)
        return self._table.query_entities(
            filters, parameters=values, results_per_page=min(size, _MOST_ENTITIES)
        )


@dataclass(frozen=True)
class _Area:
    """Rows of a workspace's partition from the key `first` to before `last`, in one state or in any."""

    workspace: str
    first: str
    last: str
    state: State | None


def _service_token(token: str) -> dict[str, str] | None:
    if not token.startswith(_MARK):
        return None
    try:
        told = json.loads(base64.urlsafe_b64decode(token.removeprefix(_MARK)))
    except ValueError:
        told = None
    if not isinstance(told, dict) or set(map(type, told.values())) != {str}:
        raise RequestError("$skiptoken is not one that a nextLink held.", "InvalidQueryParameterValue")
    return told
