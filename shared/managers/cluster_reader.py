"""What is known of clusters: their rows, the documents in force, their nodes. Reads only."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from shared.documents.spec import ClusterSpec, JobSpec, MountVolumes, cluster_from_document
from shared.errors import NotFoundError, Problem
from shared.jobs.allocation import Scale, scale_of, wanted_standby
from shared.jobs.known_node import KnownNode
from shared.jobs.waiting_reason import NodeView, is_alive
from shared.managers.node_reports import NodeReports
from shared.names.ids import ClusterId, group_in, name_in, printable
from shared.settings import Settings
from shared.stores.cluster_table import ClusterRow, ClusterTable
from shared.stores.document_blobs import Documents
from shared.stores.node_table import NodeRow
from shared.stores.secrets.sealing import Sealer

#: Seconds for which a cluster that was found is taken to be still there.
_CACHE_SECONDS = 30.0


class ClusterReader:
    """Answers for clusters and nodes. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        table: ClusterTable,
        nodes: NodeReports,
        documents: Documents,
        sealer: Sealer,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._table = table
        self._nodes = nodes
        self._documents = documents
        self._sealer = sealer
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, ClusterRow]] = {}
        self._forgotten = 0  #: how often something was

    def get(self, cluster: ClusterId) -> ClusterRow:
        """The cluster as it is now. Raises NotFoundError."""
        row = self._table.get(cluster)
        if row is None:
            # The words are the recorded ones, of December 2019; the cluster's name was "cluster".
            kind = "compute training cluster and/or compute instance"
            raise NotFoundError(f"The specified {kind} {cluster.cluster} is not found", "ClusterNotFound")
        return row

    def find(self, cluster: ClusterId) -> ClusterRow | None:
        """The cluster, or None. A cluster that was found may be up to 30 s old, a missing one never is."""
        key = str(cluster).lower()
        with self._lock:
            found, forgotten = self._seen.get(key), self._forgotten
        if found and self._monotonic() - found[0] < _CACHE_SECONDS:
            return found[1]
        row = self._table.get(cluster)
        with self._lock:
            # Else it may have been read before the write that it was forgotten for.
            if row and self._forgotten == forgotten:
                self._seen[key] = (self._monotonic(), row)
        return row

    def fresh(self, cluster: ClusterId) -> ClusterRow | None:
        """The cluster as it is now, or None."""
        return self._table.get(cluster)

    def list_all(self) -> tuple[list[ClusterRow], datetime]:
        """Every cluster of the installation, and the storage service's time of the answer."""
        return self._table.list_all()

    def list_workspace(self, workspace: str, after: str = "", most: int = 1000) -> list[ClusterRow]:
        """Clusters of a workspace by name: `most` of them, after the name `after`."""
        return self._table.list_workspace(workspace, after, most)

    def public_spec(self, row: ClusterRow) -> ClusterSpec:
        """The document in force without its secrets, from the row alone."""
        return cluster_from_document({"properties": json.loads(row.properties)}, str)

    def spec(self, revision: str) -> ClusterSpec:
        """The accepted document of a revision, secrets opened."""
        name = document_name(revision)
        document = self._documents.get_accepted(name)
        return cluster_from_document(document, lambda sealed: self._sealer.unseal(sealed, name))

    def volumes(self, revision: str) -> MountVolumes:
        """The volumes of a revision's nodes; none for "", and where its document has gone with its workspace.
        Raises StoreError, DocumentError."""
        try:
            return self.spec(revision).node_setup.mount_volumes if revision else MountVolumes()
        except NotFoundError:
            return MountVolumes()

    def forget(self, cluster: ClusterId) -> None:
        """Believe no longer that a cluster is as it was seen."""
        with self._lock:
            self._seen.pop(str(cluster).lower(), None)
            self._forgotten += 1

    def node_views(self, cluster: ClusterId) -> list[NodeView]:
        """The nodes of a cluster with the judgement whether each is alive, by storage's clock, and whether it
        stands by, by the cluster's scaleSettings (up to 30 s old)."""
        row = self.find(cluster)
        views = self._views(cluster)
        standby = wanted_standby(views, scale_of_row(row) if row else Scale())
        return [replace(view, standby=standby.get(view.node_id, "")) for view in views]

    def nodes_of(self, row: ClusterRow) -> tuple[list[NodeView], Scale]:
        """The nodes of a cluster as they serve or stand by, and how many there should
        be: what the functions of shared.jobs.allocation judge."""
        return self._views(row.id), scale_of_row(row)

    def look_at(self, row: ClusterRow) -> tuple[list[NodeView], datetime]:
        """The nodes of a cluster, and the storage service's time of the answer."""
        nodes, service_time = self._nodes.nodes(row.id)
        return [self._view(node, service_time) for node in nodes], service_time

    def most_nodes(self, cluster: ClusterId) -> int | None:
        """How many nodes a cluster may have, None for any number; up to 30 s old."""
        row = self.find(cluster)
        return scale_of_row(row).most if row else None

    def standby_of(self, cluster: ClusterId, node_id: str) -> str:
        """What a node of a cluster that is about to become ready has to learn (`NodeRow.standby`)."""
        row = self.fresh(cluster)
        if row is None:
            return ""
        views, scale = self.nodes_of(row)
        # Its row may still say that it leaves.
        views = [replace(view, state="preparing") if view.node_id == node_id else view for view in views]
        return wanted_standby(views, scale).get(node_id, "")

    def _views(self, cluster: ClusterId) -> list[NodeView]:
        nodes, service_time = self._nodes.nodes(cluster)
        return [self._view(node, service_time) for node in nodes]

    def _view(self, node: NodeRow, service_time: datetime) -> NodeView:
        alive = is_alive(node.heard, service_time, self.settings.lease_seconds)
        # From the mark on, though its runner may not have heard of it yet.
        state = "leaving" if node.drain else node.state
        silent = (service_time - node.heard).total_seconds() if node.heard else 0.0
        return NodeView(
            node.node_id,
            state,
            alive,
            node.detail,
            node.job,
            node.standby,
            drain=node.drain,
            release=node.release,
            left=node.left,
            state_seconds=None if node.state_seconds is None else node.state_seconds + silent,
            silent_seconds=silent,
            layout=node.layout,
            etag=node.etag,
        )

    def known_nodes(self, cluster: ClusterId) -> list[KnownNode]:
        """Every node there is a row of, by name."""
        nodes, service_time = self._nodes.nodes(cluster)
        return [self._known(node, service_time) for node in sorted(nodes, key=lambda n: n.node_id)]

    def known_node(self, cluster: ClusterId, node_id: str) -> KnownNode:
        """One of them. Raises NotFoundError."""
        for known in self.known_nodes(cluster):
            if known.view.node_id == node_id:
                return known
        text = f"The cluster {cluster.cluster} has no node {printable(node_id)}"
        raise NotFoundError(text, "NodeNotFound")

    def _known(self, node: NodeRow, service_time: datetime) -> KnownNode:
        view = self._view(node, service_time)
        return KnownNode(view, node.address, node.version, node.drain, node.gpu_readings, node.heard)

    def alive_nodes(self, cluster: ClusterId) -> list[NodeRow]:
        """The nodes of a cluster that are alive by storage's clock."""
        nodes, service_time = self._nodes.nodes(cluster)
        return [n for n in nodes if is_alive(n.heard, service_time, self.settings.lease_seconds)]

    def unknown(self, spec: JobSpec, cluster: ClusterId | None) -> Problem:
        """The problem of a job whose cluster does not exist."""
        if cluster is None:
            text = spec.cluster.id if spec.cluster else ""
            message = f"{printable(text)} is not the id of a cluster."
            example = self.settings.scope.cluster(ClusterId("<workspace>", "<cluster>"))
            hint = f"Expected the name of a cluster of the job's workspace, or {example}"
            return Problem(0, 0, "$.properties.cluster.id", message, hint)
        asked = group_in(cluster.workspace)
        group = f" of the resource group '{asked}'" if asked else ""
        return Problem(
            0,
            0,
            "$.properties.cluster",
            f"there is no cluster '{cluster.cluster}' in workspace '{name_in(cluster.workspace)}'{group}.",
            f"Drop a cluster.json at {self.settings.clusters_container}/{cluster}/cluster.json first, "
            "or name another cluster in cluster.id",
        )


def scale_of_row(row: ClusterRow) -> Scale:
    """How many nodes a cluster should have."""
    return scale_of(json.loads(row.properties).get("scaleSettings", {}))


def document_name(revision: str) -> str:
    return f"cluster-{revision}"
