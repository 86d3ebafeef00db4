"""The table of clusters."""

import itertools
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.names import table_limits
from shared.names.ids import ClusterId
from shared.stores import row_keys
from shared.stores.connection import Connection, translated
from shared.stores.service_time import ServiceTime
from shared.stores.unreadable_rows import readable, readables

TABLE = "clusters"
#: The columns of a cluster's row. What a newer version has added travels along when the row is written over.
_COLUMNS = re.compile(
    "PartitionKey|RowKey|Timestamp|Workspace|Cluster|Revision|Created|Resized|Deleting|"
    r"Properties\d*|Guests\d*|odata\..*|.*@odata\.type"
)


@dataclass(frozen=True)
class ClusterRow:
    """What we know of a cluster. `revision` names the accepted document in force."""

    id: ClusterId
    revision: str
    created: datetime
    properties: str = "{}"  #: public_properties of the document, JSON, no secrets
    guests: tuple[str, ...] = ()  #: other workspaces whose jobs were sent here, in lower case
    resized: datetime | None = None  #: when the wanted number of nodes was last set; None: at creation
    deleting: bool = False  #: it takes no more jobs and is deleted once its last job has ended
    #: Columns of the row that a newer version wrote: carried along, never looked at.
    newer: tuple[tuple[str, Any], ...] = ()
    etag: str = ""  #: of the row this was read from; "" for one that is new

    @property
    def identity(self) -> str:
        """What distinguishes it from a later cluster of the same name."""
        return row_keys.stamp(self.created)


class ClusterTable:
    """Rows of clusters."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)

    def get(self, cluster: ClusterId) -> ClusterRow | None:
        """The cluster, or None."""
        filters = "PartitionKey eq @partition and RowKey eq @row"
        values = {"partition": row_keys.partition(cluster.workspace), "row": cluster.cluster.lower()}
        with translated(f"reading cluster {cluster}"):
            for entity in self._table.query_entities(filters, parameters=values):
                return _cluster(entity)
        return None

    def put(self, row: ClusterRow) -> ClusterRow:
        """Write a cluster over the row it was read from, or create it where it was not read.

        Raises LostOwnershipError when the row is no longer as it was read, NotFoundError when it is gone,
        ConflictError when one that is new is there already.
        """
        entity: dict[str, Any] = {
            "PartitionKey": row_keys.partition(row.id.workspace),
            "RowKey": row.id.cluster.lower(),
            "Workspace": row.id.workspace,
            "Cluster": row.id.cluster,
            "Revision": row.revision,
            "Created": row.created,
            "Resized": row.resized or row.created,
            "Deleting": row.deleting,
            **table_limits.spread("Properties", row.properties),
            **table_limits.spread("Guests", " ".join(row.guests)),
            **dict(row.newer),
        }
        with translated(f"writing cluster {row.id}"):
            if not row.etag:
                return replace(row, etag=str(self._table.create_entity(entity)["etag"]))
            written = self._table.update_entity(
                entity, mode=UpdateMode.REPLACE, etag=row.etag, match_condition=MatchConditions.IfNotModified
            )
            return replace(row, etag=str(written["etag"]))

    def delete(self, cluster: ClusterId) -> None:
        """Remove a cluster; a missing one is fine."""
        with translated(f"removing cluster {cluster}"):
            self._table.delete_entity(row_keys.partition(cluster.workspace), cluster.cluster.lower())

    def list_workspace(self, workspace: str, after: str = "", most: int = 1000) -> list[ClusterRow]:
        """Clusters of a workspace by name: `most` of them, after the name `after`."""
        filters = "PartitionKey eq @partition and RowKey gt @after"
        values = {"partition": row_keys.partition(workspace), "after": after.lower()}
        with translated(f"listing the clusters of workspace {workspace}"):
            found = self._table.query_entities(filters, parameters=values, results_per_page=min(most, 1000))
            return list(readables(itertools.islice(found, most), _cluster))

    def list_all(self) -> tuple[list[ClusterRow], datetime]:
        """Every cluster of the installation (tens, not thousands), and the storage service's time of the
        answer."""
        time = ServiceTime()
        with translated("listing clusters"):
            found = list(readables(self._table.list_entities(raw_response_hook=time.hook), _cluster))
        return found, time.now


def _cluster(entity: Any) -> ClusterRow:
    with readable(entity):
        return _cluster_from(entity)


def _cluster_from(entity: Any) -> ClusterRow:
    return ClusterRow(
        id=ClusterId(entity["Workspace"], entity["Cluster"]),
        revision=entity["Revision"],
        created=entity["Created"],
        properties=table_limits.joined(entity, "Properties"),
        guests=tuple(table_limits.joined(entity, "Guests").split()),
        resized=entity.get("Resized"),
        deleting=bool(entity.get("Deleting", False)),
        newer=tuple((name, value) for name, value in entity.items() if not _COLUMNS.fullmatch(name)),
        etag=str(entity.metadata["etag"]),
    )
