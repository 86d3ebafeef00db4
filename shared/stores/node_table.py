"""The table of nodes: what each runner says of itself, and what others leave for it there."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.errors import LostOwnershipError, NotFoundError
from shared.jobs import layouts
from shared.jobs.waiting_reason import DELETED, RELEASED
from shared.names import table_limits
from shared.names.ids import ClusterId
from shared.stores import row_keys
from shared.stores.connection import Connection, translated
from shared.stores.service_time import ServiceTime
from shared.stores.unreadable_rows import readable, readables

TABLE = "nodes"


@dataclass(frozen=True)
class NodeRow:
    """What a runner says of itself. `heard` is the storage service's own time of the last write."""

    cluster: ClusterId
    node_id: str
    state: str  #: idle, running, preparing, unusable or leaving
    gpus: int
    address: str = ""
    job: str = ""  #: uuid of the run it works on
    detail: str = ""  #: why it is unusable, or what it prepares
    version: str = ""  #: of the runner's package
    #: "": it serves. Else its cluster is to have fewer nodes: it takes no job, and this says what becomes of
    #: the one it has (shared.jobs.allocation). Others write it, the runner keeps it.
    standby: str = ""
    #: It finishes the job it has, takes no other and leaves. Others write it, the runner only reads it; the
    #: mark stays in the row when the runner has left.
    drain: bool = False
    release: str = ""  #: how far the release of its machine is (shared.jobs.waiting_reason); others write it
    left: bool = False  #: its runner has gone; the row stays for the mark in it
    #: For how long it has been in this state, by its runner's clock; None: an older runner's report.
    state_seconds: float | None = field(default=None, compare=False)
    #: The latest layout of a job's entries (shared/jobs/layouts.py) that its runner works with.
    layout: int = field(default=layouts.LATEST, compare=False)
    #: How busy its GPUs were at the report, a JSON list of objects as REST shows them; "": it has none.
    gpu_readings: str = field(default="", compare=False)
    etag: str = field(default="", compare=False)  #: of the row this was read from
    heard: datetime | None = None


@dataclass(frozen=True)
class SilentRow:
    """A row of the table of nodes that nobody writes any more, whatever it holds."""

    partition: str
    node_id: str
    etag: str


class NodeTable:
    """Rows of the nodes of all clusters."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)

    def report(self, node: NodeRow, etag: str = "") -> str:
        """Write what a runner says of itself; the write is its heartbeat. The row's new etag. Columns that
        the runner does not write (`drain`, those of a newer version) stay as they are.

        With `etag` only over the row that has it: LostOwnershipError says that somebody has left something
        for it.
        """
        columns_of_node = {
            "PartitionKey": row_keys.cluster_partition(node.cluster),
            "RowKey": node.node_id,
            "Workspace": node.cluster.workspace,
            "Cluster": node.cluster.cluster,
            "State": node.state,
            "Gpus": node.gpus,
            "Address": node.address,
            "Job": node.job,
            "Detail": node.detail,
            "Version": node.version,
            "Standby": node.standby,
            "Left": node.left,
            "StateSeconds": node.state_seconds,
            # Apps from before the third layout take the least of this column for one that they can write.
            "Layout": layouts.marked(min(node.layout, layouts.SECOND), str(node.state_seconds)),
            "LatestLayout": layouts.marked(node.layout, str(node.state_seconds)),
            "GpuReadings": node.gpu_readings,
        }
        entity = table_limits.fitted(columns_of_node)
        with translated(f"writing node {node.node_id}"):
            if not etag:
                return str(self._table.upsert_entity(entity, mode=UpdateMode.MERGE)["etag"])
            written = self._table.update_entity(
                entity, mode=UpdateMode.MERGE, etag=etag, match_condition=MatchConditions.IfNotModified
            )
            return str(written["etag"])

    def wake_up(self, cluster: ClusterId, node_id: str) -> None:
        """Change a node's row, so that its runner notices with its next report that something has happened to
        its job. A node that is not there is fine."""
        self._change(cluster, node_id, {"Knocked": True})

    def stand_by(self, cluster: ClusterId, node_id: str, standby: str, etag: str) -> None:
        """Instruct a node whether it serves, as `NodeRow.standby`, if its row is as it was read; its runner
        notices as with `wake_up`. Raises LostOwnershipError, NotFoundError."""
        self._change_as_read(cluster, node_id, {"Standby": standby}, etag)

    def mark_drain(self, cluster: ClusterId, node_id: str, drain: bool) -> None:
        """Instruct a node to finish its job and leave, or to stay; its runner notices as with `wake_up`."""
        self._change(cluster, node_id, {"Drain": drain})

    def undrain(self, cluster: ClusterId, node_id: str, etag: str) -> None:
        """Let a node stay, if its row is as it was read. Raises LostOwnershipError, NotFoundError."""
        self._change_as_read(cluster, node_id, {"Drain": False, "Release": ""}, etag)

    def release(self, node: NodeRow) -> None:
        """Instruct a node to leave because its machine is to go. A machine without a node gets `node` as its
        row, which a runner that comes up after all finds before it takes a job."""
        key = {"PartitionKey": row_keys.cluster_partition(node.cluster), "RowKey": node.node_id}
        mark = {"Drain": True, "Release": RELEASED}
        try:
            with translated(f"releasing node {node.node_id}"):
                self._table.update_entity(key | mark, mode=UpdateMode.MERGE)
        except NotFoundError:
            columns = {
                "Workspace": node.cluster.workspace,
                "Cluster": node.cluster.cluster,
                "State": node.state,
                "Gpus": node.gpus,
                "Address": node.address,
                "Job": "",
                "Detail": node.detail,
            }
            with translated(f"releasing node {node.node_id}"):
                self._table.upsert_entity(key | columns | mark, mode=UpdateMode.MERGE)

    def decide_deletion(self, cluster: ClusterId, node_id: str, etag: str) -> None:
        """Note that the machine of a released node is deleted now, if its row is as it was read: nobody lets
        the node stay any more. Raises LostOwnershipError, NotFoundError."""
        self._change_as_read(cluster, node_id, {"Release": DELETED}, etag)

    def _change_as_read(self, cluster: ClusterId, node_id: str, columns: dict[str, Any], etag: str) -> None:
        entity = {"PartitionKey": row_keys.cluster_partition(cluster), "RowKey": node_id} | columns
        with translated(f"writing to node {node_id}"):
            self._table.update_entity(
                entity, mode=UpdateMode.MERGE, etag=etag, match_condition=MatchConditions.IfNotModified
            )

    def _change(self, cluster: ClusterId, node_id: str, columns: dict[str, Any]) -> None:
        entity = {"PartitionKey": row_keys.cluster_partition(cluster), "RowKey": node_id} | columns
        try:
            with translated(f"writing to node {node_id}"):
                self._table.update_entity(entity, mode=UpdateMode.MERGE)
        except NotFoundError:
            pass  # it has left; its job's message informs the next one

    def node(self, cluster: ClusterId, node_id: str) -> tuple[NodeRow, str] | None:
        """A node's row and its etag, or None."""
        filters = "PartitionKey eq @partition and RowKey eq @row"
        values = {"partition": row_keys.cluster_partition(cluster), "row": node_id}
        with translated(f"reading node {node_id}"):
            for entity in self._table.query_entities(filters, parameters=values):
                return _node(entity), str(entity.metadata["etag"])
        return None

    def nodes(self, cluster: ClusterId) -> tuple[list[NodeRow], datetime]:
        """The nodes of a cluster, silent ones included, and the storage service's time of the answer.

        Compare `heard` with that time: clocks of different machines are never compared.
        """
        time = ServiceTime()
        with translated(f"listing the nodes of cluster {cluster}"):
            found = self._table.query_entities(
                "PartitionKey eq @partition",
                parameters={"partition": row_keys.cluster_partition(cluster)},
                raw_response_hook=time.hook,
            )
            nodes = list(readables(found, _node))
        return nodes, time.now

    def silent(self, since: datetime) -> list[SilentRow]:
        """The rows of nodes of all clusters, such as are gone included, not written after `since`, a time of
        the storage service. It looks through the table itself: nothing else is sent."""
        with translated("listing silent nodes"):
            found = self._table.query_entities(
                "Timestamp lt @since",
                parameters={"since": since},
                select=["PartitionKey", "RowKey", "Timestamp"],
            )
            return list(readables(found, _silent))

    def forget_silent(self, row: SilentRow) -> bool:
        """Remove a row as it was read; False where its node was heard of since."""
        try:
            with translated(f"removing node {row.node_id}"):
                self._table.delete_entity(
                    row.partition,
                    row.node_id,
                    etag=row.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
        except LostOwnershipError:
            return False
        return True

    def forget(self, node: NodeRow) -> None:
        """Remove a node that has left."""
        with translated(f"removing node {node.node_id}"):
            self._table.delete_entity(row_keys.cluster_partition(node.cluster), node.node_id)


def _node(entity: Any) -> NodeRow:
    with readable(entity):
        return _node_from(entity)


def _node_from(entity: Any) -> NodeRow:
    return NodeRow(
        cluster=ClusterId(entity["Workspace"], entity["Cluster"]),
        node_id=entity["RowKey"],
        state=entity["State"],
        gpus=entity["Gpus"],
        address=entity["Address"],
        job=entity["Job"],
        detail=entity["Detail"],
        version=entity.get("Version", ""),
        standby=entity.get("Standby", ""),
        drain=bool(entity.get("Drain", False)),
        release=entity.get("Release", ""),
        left=bool(entity.get("Left", False)),
        state_seconds=entity.get("StateSeconds"),
        layout=_layout(entity),
        gpu_readings=entity.get("GpuReadings", ""),
        etag=str(entity.metadata["etag"]),
        heard=entity.metadata["timestamp"],
    )


def _layout(entity: Any) -> int:
    columns = (entity.get("Layout"), entity.get("LatestLayout"))
    return max(layouts.read(mark, str(entity.get("StateSeconds"))) for mark in columns)


def _silent(entity: Any) -> SilentRow:
    return SilentRow(entity["PartitionKey"], entity["RowKey"], str(entity.metadata["etag"]))
