"""NodeReports: the gate to the rows of nodes: what runners report, and what others leave for them there."""

from datetime import datetime

from shared.errors import LostOwnershipError, NotFoundError
from shared.jobs.waiting_reason import NodeView
from shared.names.ids import ClusterId
from shared.stores import row_keys
from shared.stores.node_table import NodeRow, NodeTable, SilentRow


class NodeReports:
    """Keeps nothing between calls; safe to use from several threads."""

    def __init__(self, table: NodeTable) -> None:
        self._table = table

    def node(self, cluster: ClusterId, node_id: str) -> tuple[NodeRow, str] | None:
        """A node's row and its etag, or None."""
        return self._table.node(cluster, node_id)

    def nodes(self, cluster: ClusterId) -> tuple[list[NodeRow], datetime]:
        """The nodes of a cluster, silent ones included, and the storage service's time of the answer."""
        return self._table.nodes(cluster)

    def report(self, node: NodeRow, etag: str = "") -> str:
        """Write what a runner reports; the write is its heartbeat. The row's new etag. With `etag` only over
        the row that has it: LostOwnershipError says that somebody has left something for it."""
        return self._table.report(node, etag)

    def forget(self, node: NodeRow) -> None:
        """Remove a node that has left."""
        self._table.forget(node)

    def wake_up(self, cluster: ClusterId, node_id: str) -> None:
        """Let a node's runner look at its job with its next report. A node that is not there is fine."""
        self._table.wake_up(cluster, node_id)

    def stand_by(self, cluster: ClusterId, node: NodeView, standby: str) -> None:
        """Leave for a node whether it serves, as `NodeRow.standby`, if its row is as it was read. Raises
        LostOwnershipError, NotFoundError."""
        self._table.stand_by(cluster, node.node_id, standby, node.etag)

    def mark_drain(self, cluster: ClusterId, node_id: str, drain: bool) -> None:
        """Leave for a node whether it finishes its job and leaves, or stays. A missing one is fine."""
        self._table.mark_drain(cluster, node_id, drain)

    def undrain(self, node: NodeView, cluster: ClusterId) -> None:
        """Let a node stay, if its row is as it was read. Raises LostOwnershipError, NotFoundError."""
        self._table.undrain(cluster, node.node_id, node.etag)

    def release(self, cluster: ClusterId, node_id: str) -> None:
        """Leave for a node that it finishes its job and leaves, and that its machine is deleted then. A
        machine without a node gets a row: a runner that comes up after all leaves before it takes a job."""
        self._table.release(NodeRow(cluster, node_id, "leaving", 0, detail="its machine is given back"))

    def decide_deletion(self, cluster: ClusterId, node: NodeView) -> bool:
        """Whether the machine of a released node may be deleted: its row is as it was read, and from now on
        nobody lets it stay."""
        try:
            self._table.decide_deletion(cluster, node.node_id, node.etag)
        except (LostOwnershipError, NotFoundError):
            return False
        return True

    def forget_gone(self, cluster: ClusterId, node: NodeView) -> bool:
        """Remove the row of a node whose machine is gone, as it was read; False where it has changed."""
        return self._table.forget_silent(
            SilentRow(row_keys.cluster_partition(cluster), node.node_id, node.etag)
        )

    def silent(self, since: datetime) -> list[SilentRow]:
        """The nodes of all clusters that were not heard of since a time of the storage service."""
        return self._table.silent(since)

    def forget_silent(self, row: SilentRow) -> bool:
        """Remove a row as it was read; False where its node was heard of since."""
        return self._table.forget_silent(row)
