"""The table of workspaces, of the experiments and file servers in them, and of deletions under way.

A partition holds the workspaces of one resource group, another what lies in one workspace:

    |workspaces                   the installation's own group
    |workspaces:<group>           another one
    <workspace, as in keys.py>    its experiments and file servers
"""

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.errors import NotFoundError
from shared.names import table_limits
from shared.names.ids import group_in, name_in
from shared.stores import row_keys
from shared.stores.connection import Connection, translated
from shared.stores.service_time import ServiceTime
from shared.stores.unreadable_rows import readable, readables

TABLE = "workspaces"
#: '|' occurs in no name, so that these partitions are no workspace's.
_WORKSPACES, _DELETING = "|workspaces", "|deleting"
#: The columns of a row. What a newer version has added travels along when the row is written over.
_COLUMNS = re.compile(
    r"PartitionKey|RowKey|Timestamp|Kind|Workspace|Name|Created|Deleting|Detail\d*|odata\..*|.*@odata\.type"
)


class Kind(StrEnum):
    """What can lie in a workspace, the workspace itself included."""

    WORKSPACE = "workspace"
    EXPERIMENT = "experiment"
    FILE_SERVER = "fileServer"
    CLUSTER = "cluster"
    JOB = "job"


@dataclass(frozen=True)
class Row:
    """A workspace, an experiment or a file server. `workspace` is as in shared.names, with the resource group
    where that is another than the installation's own; so is `name` for a workspace."""

    kind: Kind
    workspace: str
    name: str
    created: datetime
    detail: Mapping[str, Any]  #: what is particular to the kind, without secrets
    deleting: bool = False
    #: Columns of the row that a newer version wrote: carried along, never looked at.
    newer: tuple[tuple[str, Any], ...] = ()
    etag: str = ""
    written: datetime | None = field(default=None, compare=False)  #: when it was last, None: just now

    @property
    def identity(self) -> str:
        """What distinguishes it from a later one of the same name."""
        return row_keys.stamp(self.created)


@dataclass(frozen=True)
class Deletion:
    """A deletion that has been accepted and may not be finished. `identity` distinguishes it from a later
    resource of the same name: a job's uuid, anything else's time of creation."""

    kind: Kind
    workspace: str
    name: str
    identity: str
    experiment: str = ""

    @property
    def key(self) -> str:
        place = f"{self.kind}|{self.workspace}|{self.experiment}|{self.name}|{self.identity}"
        return row_keys.partition(place)


class WorkspaceTable:
    """Rows of workspaces, experiments and file servers, and the list of deletions."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)

    def get(self, kind: Kind, workspace: str, name: str) -> Row | None:
        """The row, or None."""
        partition, row = _key(kind, workspace, name)
        filters = "PartitionKey eq @partition and RowKey eq @row"
        values = {"partition": partition, "row": row}
        with translated(f"reading {kind} {name}"):
            for entity in self._table.query_entities(filters, parameters=values):
                return _row(entity)
        return None

    def insert(self, row: Row) -> Row:
        """Add a row. Raises ConflictError when the name is taken."""
        with translated(f"adding {row.kind} {row.name}"):
            answer = self._table.create_entity(_entity(row))
        return replace(row, etag=str(answer["etag"]), written=None)

    def update(self, row: Row) -> Row:
        """Write over the row it was read from. Raises LostOwnershipError."""
        with translated(f"writing {row.kind} {row.name}"):
            answer = self._table.update_entity(
                _entity(row),
                # A merge would leave pieces of a detail that was longer.
                mode=UpdateMode.REPLACE,
                etag=row.etag,
                match_condition=MatchConditions.IfNotModified,
            )
        return replace(row, etag=str(answer["etag"]), written=None)

    def delete(self, row: Row) -> None:
        """Remove a row; a missing one is fine."""
        with translated(f"removing {row.kind} {row.name}"):
            self._table.delete_entity(*_key(row.kind, row.workspace, row.name))

    def list_workspaces(self, group: str | None = None, after: str = "", most: int = 1000) -> list[Row]:
        """Workspaces by group and name: `most` of them, after the workspace `after`. `group`: of one resource
        group, "" for the installation's own; None: of all."""
        place = after if group is None else f"{group}/{name_in(after)}".lstrip("/")
        partition, first = _key(Kind.WORKSPACE, "", place)
        # ';' is the character after ':'.
        values = {"partition": partition, "first": first, "last": f"{_WORKSPACES};"}
        filters = "PartitionKey eq @partition and RowKey gt @first"
        if group is None:
            # The SDK finds parameters between blanks only.
            filters = f"( {filters} ) or ( PartitionKey gt @partition and PartitionKey lt @last )"
        with translated("listing workspaces"):
            found = self._table.query_entities(filters, parameters=values, results_per_page=min(most, 1000))
            return [_row(entity) for entity in itertools.islice(found, most)]

    def list_rows(self, kind: Kind, workspace: str, after: str = "", most: int = 1000) -> list[Row]:
        """Rows of a workspace by name: `most` of them, after the name `after`."""
        partition, first = _key(kind, workspace, after)
        last = _key(kind, workspace, "")[1] + "~"
        filters = "PartitionKey eq @partition and RowKey gt @first and RowKey lt @last"
        values = {"partition": partition, "first": first, "last": last}
        with translated(f"listing {kind}s"):
            found = self._table.query_entities(filters, parameters=values, results_per_page=min(most, 1000))
            return list(readables(itertools.islice(found, most), _row))

    def begin_deletion(self, deletion: Deletion) -> None:
        """Note a deletion, so that it is finished even if whoever asked for it is gone."""
        entity = {"PartitionKey": _DELETING, "RowKey": deletion.key, **_deletion_columns(deletion)}
        with translated(f"noting the deletion of {deletion.kind} {deletion.name}"):
            # The same row however often it is written: unasked the SDK does not repeat a PATCH.
            self._table.upsert_entity(entity, mode=UpdateMode.MERGE, retry_on_methods=["PATCH"])

    def end_deletion(self, deletion: Deletion) -> None:
        """Forget a deletion that is finished; a missing one is fine."""
        try:
            with translated(f"closing the deletion of {deletion.kind} {deletion.name}"):
                self._table.delete_entity(_DELETING, deletion.key)
        except NotFoundError:
            pass  # somebody else finished it

    def list_deletions(self, most: int = 1000) -> list[tuple[Deletion, float]]:
        """Deletions under way, with the seconds since each was noted last, by the service's clock."""
        time = ServiceTime()
        filters = "PartitionKey eq @partition"
        with translated("listing deletions"):
            found = self._table.query_entities(
                filters, parameters={"partition": _DELETING}, raw_response_hook=time.hook
            )
            some = itertools.islice(found, most)
            return list(readables(some, lambda entity: (_deletion(entity), time.age(entity))))


def _key(kind: Kind, workspace: str, name: str) -> tuple[str, str]:
    if kind is Kind.WORKSPACE:
        group = group_in(name).lower()
        return f"{_WORKSPACES}:{group}" if group else _WORKSPACES, name_in(name).lower()
    return row_keys.partition(workspace), f"{kind}|{name}".lower()


def _entity(row: Row) -> dict[str, Any]:
    partition, key = _key(row.kind, row.workspace, row.name)
    return {
        "PartitionKey": partition,
        "RowKey": key,
        "Kind": str(row.kind),
        "Workspace": row.workspace,
        "Name": row.name,
        "Created": row.created,
        "Deleting": row.deleting,
        **table_limits.spread("Detail", table_limits.written(row.detail)),
        **dict(row.newer),
    }


def _row(entity: Any) -> Row:
    with readable(entity):
        return _row_from(entity)


def _row_from(entity: Any) -> Row:
    return Row(
        kind=Kind(entity["Kind"]),
        workspace=entity["Workspace"],
        name=entity["Name"],
        # The SDK's own subclass of datetime becomes a plain one, so that rows compare and print as such.
        created=datetime.fromtimestamp(entity["Created"].timestamp(), UTC),
        detail=json.loads(table_limits.joined(entity, "Detail")),
        deleting=entity["Deleting"],
        newer=tuple((name, value) for name, value in entity.items() if not _COLUMNS.fullmatch(name)),
        etag=str(entity.metadata["etag"]),
        written=entity.metadata["timestamp"],
    )


def _deletion_columns(deletion: Deletion) -> dict[str, str]:
    return {
        "Kind": str(deletion.kind),
        "Workspace": deletion.workspace,
        "Experiment": deletion.experiment,
        "Name": deletion.name,
        "Identity": deletion.identity,
    }


def _deletion(entity: Any) -> Deletion:
    with readable(entity):
        return _deletion_from(entity)


def _deletion_from(entity: Any) -> Deletion:
    return Deletion(
        kind=Kind(entity["Kind"]),
        workspace=entity["Workspace"],
        name=entity["Name"],
        identity=entity["Identity"],
        experiment=entity["Experiment"],
    )
