"""What is read and removed of the outbox (outbox_rows.py). Events are put in with the row of their job."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from azure.data.tables import UpdateMode

from shared.errors import NotFoundError
from shared.stores import outbox_rows, row_keys
from shared.stores.connection import Connection, translated
from shared.stores.job_table import TABLE
from shared.stores.outbox_rows import Sent, Waiting
from shared.stores.service_time import ServiceTime
from shared.stores.unreadable_rows import readables

#: Of one page; the service refuses more.
_MOST_ENTITIES = 1000
#: Events that are removed at once; with the rows of their runs fewer than the 100 of a transaction.
MOST_REMOVED = 45
_REPLACE: dict[str, Any] = {"mode": UpdateMode.REPLACE}


class Outbox:
    """Knows nothing of who is sent what. Thread-safe. Raises StoreError."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)

    def register(self, workspace: str) -> None:
        """Have the workspace be among `workspaces` from now on: it is never taken out again."""
        row = {"PartitionKey": outbox_rows.WORKSPACES, "RowKey": row_keys.partition(workspace)}
        with translated(f"noting that there are events of workspace {workspace}"):
            self._table.upsert_entity(row | {"Workspace": workspace}, mode=UpdateMode.REPLACE)

    def workspaces(self) -> list[str]:
        """Workspaces of which there may be events."""
        with translated("listing the workspaces that have events"):
            found = self._table.query_entities(
                "PartitionKey eq @partition",
                parameters={"partition": outbox_rows.WORKSPACES},
                results_per_page=_MOST_ENTITIES,
            )
            return [str(entity["Workspace"]) for entity in found]

    def waiting(
        self, workspace: str, most: int, run: str = "", after: Waiting | None = None
    ) -> list[Waiting]:
        """The first `most` events that are to be sent, those of a run together and in order; of one `run`;
        those `after` another one."""
        prefix = f"{outbox_rows.EVENTS}{run}|" if run else outbox_rows.EVENTS
        # '!' sorts before every character of a key: what follows the key itself.
        first = outbox_rows.event_row(after.run, after.sequence) + "!" if after else prefix
        found = itertools.islice(self._range(workspace, prefix, most, first), most)
        return list(readables(found, outbox_rows.waiting_from))

    def sent(self, workspace: str) -> list[Sent]:
        """Up to where the events of each run were sent that has not ended by the latest of them."""
        time = ServiceTime()
        found = self._range(workspace, outbox_rows.SENT, _MOST_ENTITIES, raw_response_hook=time.hook)
        return list(readables(found, lambda entity: outbox_rows.sent_from(entity, time.age(entity))))

    def remove(self, events: Sequence[Waiting]) -> None:
        """These events of one workspace, at most MOST_REMOVED and of each run the first ones, were sent: one
        transaction. What somebody else has removed is fine."""
        latest = {event.run: event for event in events}
        rows: list[tuple[Any, ...]] = [("delete", _key(event)) for event in events]
        for event in latest.values():
            if not event.ends:
                rows.append(("upsert", outbox_rows.sent_entity(event), _REPLACE))
            elif event.sequence > 1 and not _has_first(events, event.run):
                rows.append(("delete", _sent_key(event.workspace, event.run)))
        try:
            with translated(f"removing events of workspace {events[0].workspace}"):
                self._table.submit_transaction(rows, retry_on_methods=["POST"])
        except NotFoundError:
            self._remove_each(rows)

    def forget(self, sent: Sent) -> None:
        """Nothing more comes of a run."""
        with translated(f"removing what was sent of job {sent.job}"):
            self._delete(_sent_key(sent.job.workspace, sent.run))

    def _remove_each(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """A transaction with one row that is gone removes none."""
        with translated("removing events"):
            for verb, entity, *_ in rows:
                if verb == "delete":
                    self._delete(entity)
                else:
                    self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    def _delete(self, key: dict[str, str]) -> None:
        self._table.delete_entity(key["PartitionKey"], key["RowKey"])  # a row that is gone is fine to the SDK

    def _range(
        self, workspace: str, prefix: str, page: int, first: str = "", **options: Any
    ) -> Iterator[Any]:
        values = {
            "partition": row_keys.partition(workspace),
            "first": first or prefix,
            "last": row_keys.after(prefix),
        }
        with translated(f"listing events of workspace {workspace}"):
            yield from self._table.query_entities(
                "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last",
                parameters=values,
                results_per_page=min(page, _MOST_ENTITIES),
                **options,
            )


def _has_first(events: Sequence[Waiting], run: str) -> bool:
    return any(event.run == run and event.sequence == 1 for event in events)


def _key(event: Waiting) -> dict[str, str]:
    row = outbox_rows.event_row(event.run, event.sequence)
    return {"PartitionKey": row_keys.partition(event.workspace), "RowKey": row}


def _sent_key(workspace: str, run: str) -> dict[str, str]:
    return {"PartitionKey": row_keys.partition(workspace), "RowKey": f"{outbox_rows.SENT}{run}"}
