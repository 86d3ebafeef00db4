"""NodeReports: the gate to the rows of nodes: what runners report, and what others leave for them there."""

from datetime import datetime

from shared.names.ids import ClusterId
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

    def stand_by(self, cluster: ClusterId, node_id: str, standby: str) -> None:
        """Leave for a node whether it serves, as `NodeRow.standby`."""
        self._table.stand_by(cluster, node_id, standby)

    def mark_drain(self, cluster: ClusterId, node_id: str, drain: bool) -> None:
        """Leave for a node whether it finishes its job and leaves, or stays. A missing one is fine."""
        self._table.mark_drain(cluster, node_id, drain)

    def silent(self, since: datetime) -> list[SilentRow]:
        """The nodes of all clusters that were not heard of since a time of the storage service."""
        return self._table.silent(since)

    def forget_silent(self, row: SilentRow) -> bool:
        """Remove a row as it was read; False where its node was heard of since."""
        return self._table.forget_silent(row)
