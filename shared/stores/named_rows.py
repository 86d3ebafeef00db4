"""Jobs by their names, wherever their rows lie: the row under a name is the job, or, while a job of the third
layout lives, says which live entry is (job_entries.py).

A job costs one call, or two while it lives; who asks for it again pays one, for where it lies is remembered.
Many jobs cost one call more for each thousand living ones of an experiment.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient

from shared.errors import UnreadableError
from shared.jobs.model import Job
from shared.names.ids import JobId
from shared.stores import job_entries, job_rows
from shared.stores import row_keys as keys
from shared.stores.connection import error_code, translated
from shared.stores.service_time import ServiceTime
from shared.stores.unreadable_rows import readables

_MOST_ENTITIES = 1000  #: of one page; the service refuses more
#: Looks at a name whose live entry is missing: between the calls of each the job has ended and begun anew.
_TRIES = 5
_MOST_REMEMBERED = 10_000
_LIVING = (
    "PartitionKey eq @partition and RowKey ge @first and RowKey le @last and Named ge @from and Named le @to"
)
#: Beside the columns of a job: what is needed to find the rest of it.
POINTER_COLUMNS = ("LiveRow",)


class NamedRows:
    """Reads only. Thread-safe."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._lock = threading.Lock()
        #: Live entries by the names of their jobs. One that is there is the latest run's: no other takes the
        #: name before it has gone.
        self._remembered: OrderedDict[tuple[str, str], str] = OrderedDict()

    def get(self, job: JobId, live: str = "") -> Job | None:
        """The latest run under a name, or None. `live`: the key of a live entry that may be the job: then it
        costs one call. Raises StoreError, UnreadableError."""
        name = (keys.partition(job.workspace), keys.job_row(job))
        for _ in range(_TRIES):
            with self._lock:
                live = live or self._remembered.get(name, "")
            if live and (found := self._read(job, live)):
                self._remember(name, live)
                return found[1]
            named = self._read(job, name[1])
            if named is None:
                return None
            live, read = named
            self._remember(name, live)
            if read is not None:
                return read
        raise UnreadableError(f"the name of job {job} points at a live entry that is missing: {live}")

    def remember(self, job: Job) -> None:
        """Remember where a job lies that was just written."""
        live = job_entries.row_key(job) if job_entries.in_live_entry(job) else ""
        self._remember((keys.partition(job.id.workspace), keys.job_row(job.id)), live)

    def _remember(self, name: tuple[str, str], live: str) -> None:
        with self._lock:
            self._remembered.pop(name, None)
            if live:
                self._remembered[name] = live
            if len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)

    def _read(self, job: JobId, key: str) -> tuple[str, Job | None] | None:
        """What lies under a key: the live entry that it points at, else the job; None: nothing."""
        time = ServiceTime()
        with translated(f"reading job {job}"):
            try:
                # A point read: Azurite answers a query for one row by a look at every row.
                entity = self._table.get_entity(
                    keys.partition(job.workspace), key, raw_response_hook=time.hook
                )
            except ResourceNotFoundError as error:
                if error_code(error) != "ResourceNotFound":
                    raise  # the table is missing: that says nothing of the job
                return None
        if live := job_rows.pointed_at(entity):
            return live, None
        return "", job_rows.job_from(entity, str(entity.metadata["etag"]), time.age(entity))

    def jobs(self, found: Iterable[Any], select: list[str] | None = None) -> Iterator[Job]:
        """The jobs of rows under names, in their order; of an entry of another list the job that it holds. Of
        the living ones the columns `select`. To be looked at, not written. Raises StoreError."""
        rest = iter(found)
        while page := list(islice(rest, _MOST_ENTITIES)):
            living = self._living([entity for entity in page if job_rows.pointed_at(entity)], select)
            rows = (living.get(str(entity["Uuid"])) or entity for entity in page)
            yield from filter(None, readables(rows, self._job))

    def _job(self, entity: Any) -> Job | None:
        if job_rows.pointed_at(entity):  # it has ended since
            return self.get(JobId(entity["Workspace"], entity["Experiment"], entity["Job"]))
        return job_rows.job_from(entity, str(entity.metadata["etag"]))

    def _living(self, pointers: Iterable[Any], select: list[str] | None) -> dict[str, Any]:
        """The live entries that are pointed at, by the uuids of their jobs."""
        found: dict[str, Any] = {}
        for _, of_experiment in groupby(pointers, lambda entity: str(entity["Experiment"]).lower()):
            found |= {str(row["Uuid"]): row for row in self._living_of(list(of_experiment), select)}
        return found

    def _living_of(self, pointers: Sequence[Mapping[str, Any]], select: list[str] | None) -> Any:
        live, names = ([str(e[column]) for e in pointers] for column in ("LiveRow", "RowKey"))
        values = {
            "partition": pointers[0]["PartitionKey"],
            "first": min(live),
            "last": max(live),
            "from": min(names),
            "to": max(names),
        }
        return self._table.query_entities(
            _LIVING, parameters=values, select=select, results_per_page=_MOST_ENTITIES
        )
