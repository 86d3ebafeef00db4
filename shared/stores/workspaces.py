"""The table of workspaces, of the experiments and file servers in them, and of deletions under way."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.errors import NotFoundError
from shared.stores import columns
from shared.stores.connection import Connection, translated
from shared.stores.keys import stamp

TABLE = "workspaces"
#: '|' occurs in no name, so that these partitions are no workspace's.
_WORKSPACES, _DELETING = "|workspaces", "|deleting"


class Kind(StrEnum):
    """What can lie in a workspace, the workspace itself included."""

    WORKSPACE = "workspace"
    EXPERIMENT = "experiment"
    FILE_SERVER = "fileServer"
    CLUSTER = "cluster"
    JOB = "job"


@dataclass(frozen=True)
class Row:
    """A workspace, an experiment or a file server. `workspace` is its own name for a workspace."""

    kind: Kind
    workspace: str
    name: str
    created: datetime
    detail: Mapping[str, Any]  #: what is particular to the kind, without secrets
    deleting: bool = False
    etag: str = ""

    @property
    def identity(self) -> str:
        """What tells it from a later one of the same name."""
        return stamp(self.created)


@dataclass(frozen=True)
class Deletion:
    """A deletion that has been accepted and may not be finished. `identity` tells it from a later resource
    of the same name: a job's uuid, anything else's time of creation."""

    kind: Kind
    workspace: str
    name: str
    identity: str
    experiment: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}|{self.workspace}|{self.experiment}|{self.name}|{self.identity}".lower()


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
        return replace(row, etag=str(answer["etag"]))

    def update(self, row: Row) -> Row:
        """Write over the row it was read from. Raises LostOwnershipError."""
        with translated(f"writing {row.kind} {row.name}"):
            answer = self._table.update_entity(
                _entity(row),
                mode=UpdateMode.REPLACE,
                etag=row.etag,
                match_condition=MatchConditions.IfNotModified,
            )
        return replace(row, etag=str(answer["etag"]))

    def delete(self, row: Row) -> None:
        """Remove a row; a missing one is fine."""
        with translated(f"removing {row.kind} {row.name}"):
            self._table.delete_entity(*_key(row.kind, row.workspace, row.name))

    def list_rows(self, kind: Kind, workspace: str, after: str = "", most: int = 1000) -> list[Row]:
        """Rows by name: `most` of them, after the name `after`. `workspace` is "" for workspaces."""
        partition, first = _key(kind, workspace, after)
        last = _key(kind, workspace, "")[1] + "~"
        filters = "PartitionKey eq @partition and RowKey gt @first and RowKey lt @last"
        values = {"partition": partition, "first": first, "last": last}
        with translated(f"listing {kind}s"):
            found = self._table.query_entities(filters, parameters=values, results_per_page=min(most, 1000))
            return [_row(entity) for entity in itertools.islice(found, most)]

    def begin_deletion(self, deletion: Deletion) -> None:
        """Note a deletion, so that it is finished even if whoever asked for it goes away."""
        entity = {"PartitionKey": _DELETING, "RowKey": deletion.key, **_deletion_columns(deletion)}
        with translated(f"noting the deletion of {deletion.kind} {deletion.name}"):
            self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    def end_deletion(self, deletion: Deletion) -> None:
        """Forget a deletion that is finished; a missing one is fine."""
        try:
            with translated(f"closing the deletion of {deletion.kind} {deletion.name}"):
                self._table.delete_entity(_DELETING, deletion.key)
        except NotFoundError:
            pass  # somebody else finished it

    def list_deletions(self, most: int = 1000) -> list[tuple[Deletion, datetime]]:
        """Deletions under way, with the time each was noted."""
        filters = "PartitionKey eq @partition"
        with translated("listing deletions"):
            found = self._table.query_entities(filters, parameters={"partition": _DELETING})
            return [(_deletion(e), _written(e)) for e in itertools.islice(found, most)]


def _key(kind: Kind, workspace: str, name: str) -> tuple[str, str]:
    if kind is Kind.WORKSPACE:
        return _WORKSPACES, name.lower()
    return workspace.lower(), f"{kind}|{name}".lower()


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
        **columns.spread("Detail", columns.written(row.detail)),
    }


def _row(entity: Any) -> Row:
    return Row(
        kind=Kind(entity["Kind"]),
        workspace=entity["Workspace"],
        name=entity["Name"],
        # The SDK's own subclass of datetime becomes a plain one, so that rows compare and print as such.
        created=datetime.fromtimestamp(entity["Created"].timestamp(), UTC),
        detail=json.loads(columns.joined(entity, "Detail")),
        deleting=entity["Deleting"],
        etag=str(entity.metadata["etag"]),
    )


def _deletion_columns(deletion: Deletion) -> dict[str, str]:
    return {
        "Kind": str(deletion.kind),
        "Workspace": deletion.workspace,
        "Experiment": deletion.experiment,
        "Name": deletion.name,
        "Identity": deletion.identity,
    }


def _written(entity: Any) -> datetime:
    moment: datetime = entity.metadata["timestamp"]
    return moment


def _deletion(entity: Any) -> Deletion:
    return Deletion(
        kind=Kind(entity["Kind"]),
        workspace=entity["Workspace"],
        name=entity["Name"],
        identity=entity["Identity"],
        experiment=entity["Experiment"],
    )
