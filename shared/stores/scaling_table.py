"""The table of what one look at the pools leaves to the next: a row per cluster that has a pool, and one that
says when the cloud was last asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.names import table_limits
from shared.names.ids import ClusterId
from shared.scaling.state import ScalingState, from_json, to_json
from shared.stores import row_keys
from shared.stores.connection import Connection, translated
from shared.stores.service_time import ServiceTime
from shared.stores.unreadable_rows import readable, readables

TABLE = "scaling"
_POOL = "pool"
#: A partition that is no cluster's: those have a '|'.
_LOOK = "look"


@dataclass(frozen=True)
class ScalingRow:
    """What is kept of one cluster."""

    cluster: ClusterId
    state: ScalingState
    etag: str = field(default="", compare=False)  #: of the row this was read from; "" for one that is new

    @property
    def key(self) -> str:
        return str(self.cluster).lower()


@dataclass(frozen=True)
class Kept:
    """The whole table."""

    rows: Mapping[str, ScalingRow]  #: by the cluster's name in lower case
    looked: datetime | None = None  #: when the cloud was last asked for all pools


class ScalingTable:
    """One call reads all of it: there are tens of clusters with pools, not thousands."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)

    def read(self) -> Kept:
        """Every row. Raises StoreError."""
        with translated("reading the table of scaling"):
            found = list(self._table.list_entities())
        looked = next((e["At"] for e in found if e["PartitionKey"] == _LOOK), None)
        rows = readables((e for e in found if e["PartitionKey"] != _LOOK), _row)
        return Kept({row.key: row for row in rows}, looked)

    def get(self, cluster: ClusterId) -> tuple[ScalingRow | None, datetime]:
        """What is kept of a cluster, or None, and the storage service's time of the answer."""
        time = ServiceTime()
        filters = "PartitionKey eq @partition and RowKey eq @row"
        values = {"partition": row_keys.cluster_partition(cluster), "row": _POOL}
        with translated(f"reading the scaling of cluster {cluster}"):
            found = self._table.query_entities(filters, parameters=values, raw_response_hook=time.hook)
            rows = list(readables(found, _row))
        return (rows[0] if rows else None), time.now

    def put(self, row: ScalingRow) -> ScalingRow:
        """Write a row over what was read, or a new one. Raises LostOwnershipError when it is no longer as it
        was read, ConflictError when one that is new is there already."""
        entity: dict[str, Any] = {
            "PartitionKey": row_keys.cluster_partition(row.cluster),
            "RowKey": _POOL,
            "Workspace": row.cluster.workspace,
            "Cluster": row.cluster.cluster,
            **table_limits.spread("State", to_json(row.state)),
        }
        with translated(f"writing the scaling of cluster {row.cluster}"):
            if not row.etag:
                written = self._table.create_entity(entity)
            else:
                written = self._table.update_entity(
                    entity,
                    mode=UpdateMode.REPLACE,
                    etag=row.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
        return ScalingRow(row.cluster, row.state, str(written["etag"]))

    def note_look(self, at: datetime) -> None:
        """Keep when the cloud was asked for all pools."""
        with translated("writing the table of scaling"):
            self._table.upsert_entity(
                {"PartitionKey": _LOOK, "RowKey": _LOOK, "At": at}, mode=UpdateMode.REPLACE
            )

    def remove(self, cluster: ClusterId) -> None:
        """Forget a cluster that has no pool any more; a missing one is fine."""
        with translated(f"removing the scaling of cluster {cluster}"):
            self._table.delete_entity(row_keys.cluster_partition(cluster), _POOL)


def _row(entity: Any) -> ScalingRow:
    with readable(entity):
        return ScalingRow(
            ClusterId(entity["Workspace"], entity["Cluster"]),
            from_json(table_limits.joined(entity, "State")),
            str(entity.metadata["etag"]),
        )
