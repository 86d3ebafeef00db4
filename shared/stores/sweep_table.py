"""The table of sweeps. A workspace's partition holds them and the results of their runs:

    sweep|<experiment>|<sweep>               a sweep
    run|<experiment>|<sweep>|<number>        how a run of it ended

so that the end of a run and the sweep that counts it are written in one transaction. The partition "|live"
holds a pointer to every sweep that is not at its end: what the timer looks at.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode

from shared.errors import LostOwnershipError, NotFoundError
from shared.names.sweep_ids import SweepId
from shared.stores import row_keys, sweep_rows
from shared.stores.connection import Connection, error_code, translated
from shared.stores.service_time import ServiceTime
from shared.stores.sweep_rows import Pointer, pointer_key, run_key
from shared.stores.unreadable_rows import readables
from shared.sweeps.model import RunResult, Sweep

TABLE = "sweeps"
#: '|' occurs in no name, so that this partition is no workspace's.
_LIVE = "|live"
_MOST_OPERATIONS = 100  #: of a transaction


class SweepTable:
    """Rows of sweeps and of their runs. Knows no rule of the protocol."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)

    def get(self, sweep: SweepId) -> Sweep | None:
        """The sweep, or None. Raises UnreadableError for a row of another version."""
        with translated(f"reading sweep {sweep}"):
            try:
                entity = self._table.get_entity(*sweep_rows.key(sweep))
            except ResourceNotFoundError as error:
                if error_code(error) != "ResourceNotFound":
                    raise
                return None
        return sweep_rows.sweep_from(entity)

    def insert(self, sweep: Sweep) -> Sweep:
        """Add a sweep. Raises ConflictError when the name is taken."""
        with translated(f"adding sweep {sweep.id}"):
            answer = self._table.create_entity(sweep_rows.sweep_entity(sweep))
        return replace(sweep, etag=str(answer["etag"]))

    def update(self, sweep: Sweep, results: Sequence[RunResult] = ()) -> Sweep:
        """Write a sweep over the row it was read from, and with it the ends of runs, 99 at most. Raises
        LostOwnershipError."""
        condition = {"etag": sweep.etag, "match_condition": MatchConditions.IfNotModified}
        first = ("update", sweep_rows.sweep_entity(sweep), {"mode": UpdateMode.REPLACE, **condition})
        more = [("upsert", sweep_rows.run_entity(sweep.id, r), {"mode": UpdateMode.REPLACE}) for r in results]
        with translated(f"writing sweep {sweep.id}"):
            # The condition makes a repetition harmless; unasked the SDK does not repeat a POST.
            answers = self._table.submit_transaction([first, *more], retry_on_methods=["POST"])
        return replace(sweep, etag=str(answers[0]["etag"]))

    def delete(self, sweep: Sweep) -> None:
        """Remove the row of a sweep, unless it is no longer as `sweep` was read; a missing one is fine."""
        partition, row = sweep_rows.key(sweep.id)
        try:
            with translated(f"removing sweep {sweep.id}"):
                self._table.delete_entity(
                    partition, row, etag=sweep.etag, match_condition=MatchConditions.IfNotModified
                )
        except (LostOwnershipError, NotFoundError):
            pass  # somebody else removed it, and there may be another one by now

    def results(self, sweep: SweepId, first: int = 0, most: int = 1000) -> list[RunResult]:
        """How runs ended, by number from `first` on: `most` numbers. Those that have not are left out."""
        begin, end = run_key(sweep, first)[1], run_key(sweep, first + most)[1]
        found = self._range(sweep.workspace, begin, end, f"listing the runs of sweep {sweep}")
        return list(readables(found, sweep_rows.result_from))

    def delete_results(self, sweep: SweepId, first: int = 0) -> None:
        """Remove the results of a sweep, from a number on."""
        partition = row_keys.partition(sweep.workspace)
        while found := self.results(sweep, first)[:_MOST_OPERATIONS]:
            gone = [
                ("delete", {"PartitionKey": partition, "RowKey": run_key(sweep, r.number)[1]}) for r in found
            ]
            with translated(f"removing the runs of sweep {sweep}"):
                self._table.submit_transaction(gone, retry_on_methods=["POST"])

    def list_sweeps(
        self, workspace: str, experiment: str = "", after: str = "", most: int = 1000
    ) -> list[Sweep]:
        """Sweeps of an experiment by name, after the name `after`; without one those of all experiments."""
        prefix = f"sweep|{experiment}|".lower() if experiment else "sweep|"
        first = f"{prefix}{after.lower()}!" if after else prefix
        found = self._range(workspace, first, row_keys.after(prefix), "listing sweeps", min(most, 1000))
        return list(itertools.islice(readables(found, sweep_rows.sweep_from), most))

    def point(self, sweep: Sweep) -> None:
        """Have the timer look at a sweep; it may do so already."""
        names = {"Workspace": sweep.id.workspace, "Experiment": sweep.id.experiment, "Sweep": sweep.id.sweep}
        entity = {"PartitionKey": _LIVE, "RowKey": pointer_key(sweep.id, sweep.uuid), **names}
        with translated(f"noting sweep {sweep.id}"):
            self._table.upsert_entity(entity | {"Uuid": sweep.uuid}, mode=UpdateMode.REPLACE)

    def forget(self, sweep: SweepId, uuid: str) -> None:
        """The timer need not look at a sweep any more; nor may it have."""
        with translated(f"forgetting sweep {sweep}"):
            self._table.delete_entity(_LIVE, pointer_key(sweep, uuid))

    def pointers(self, most: int = 1000) -> list[Pointer]:
        """The sweeps that the timer looks at."""
        time = ServiceTime()
        filters, values = "PartitionKey eq @partition", {"partition": _LIVE}
        with translated("listing live sweeps"):
            found = self._table.query_entities(filters, parameters=values, raw_response_hook=time.hook)
            some = itertools.islice(found, most)
            return list(readables(some, lambda entity: sweep_rows.pointer_from(entity, time.age(entity))))

    def _range(self, workspace: str, first: str, last: str, what: str, page: int = 1000) -> Iterable[Any]:
        filters = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        values = {"partition": row_keys.partition(workspace), "first": first, "last": last}
        with translated(what):
            yield from self._table.query_entities(filters, parameters=values, results_per_page=page)
