"""ClusterManager: the gate to clusters and their nodes."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared import status
from shared.errors import Problem
from shared.names import ClusterId, printable
from shared.parse import DocumentSettings, parse_cluster
from shared.settings import Settings
from shared.spec import ClusterSpec, JobSpec, cluster_from_document, public_properties, to_document
from shared.stores.clusters import ClusterRow, ClusterTable, NodeRow
from shared.stores.documents import Documents
from shared.stores.queues import JobQueues
from shared.stores.sealing import Sealer
from shared.waiting import NodeView, is_alive

#: Seconds for which a cluster that was found is taken to be still there.
_CACHE_SECONDS = 30.0


@dataclass(frozen=True)
class ClusterAnswer:
    """The answer to a dropped cluster.json."""

    accepted: bool
    row: ClusterRow | None = None
    problems: tuple[Problem, ...] = ()


class ClusterManager:
    """Accepts cluster documents, answers for clusters, keeps the nodes' reports. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        table: ClusterTable,
        queues: JobQueues,
        documents: Documents,
        sealer: Sealer,
        now: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.table = table
        self._queues = queues
        self._documents = documents
        self._sealer = sealer
        self._now = now
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, ClusterRow]] = {}
        self._reading = DocumentSettings(
            storage_account=settings.data_account or None, storage_key=settings.data_key or None
        )

    def accept(self, cluster: ClusterId, data: bytes, place: str) -> ClusterAnswer:
        """Accept or refuse a cluster.json dropped at `place` ("<container>/<path>").

        Order: accepted document, queues, row, status.json; every step can be repeated. The revision is a hash
        of the content, so the same document delivered twice changes nothing.
        """
        parsed = parse_cluster(data, self._reading)
        if parsed.spec is None:
            return self.refuse(place, parsed.problems)
        known = self.table.get(cluster)
        revision = hashlib.sha256(f"{cluster}|".lower().encode() + data).hexdigest()[:32]
        row = ClusterRow(
            id=known.id if known else cluster,
            revision=revision,
            created=known.created if known else self._now(),
            properties=json.dumps(public_properties(parsed.spec), separators=(",", ":")),
            guests=known.guests if known else (),
        )
        self._documents.put_accepted(_document_name(revision), to_document(parsed.spec, self._sealer.seal))
        self._queues.provision(row.id)
        self.table.put(row)
        self._documents.put_status(
            place, status.of_cluster(row.id, self.settings.scope, self._now(), parsed.problems)
        )
        with self._lock:
            self._seen.pop(str(cluster).lower(), None)
        return ClusterAnswer(True, row, parsed.problems)

    def refuse(self, place: str, problems: tuple[Problem, ...]) -> ClusterAnswer:
        """Tell what is wrong, beside the file. Nothing else is written."""
        self._documents.put_status(place, status.refused(problems, self._now()))
        return ClusterAnswer(False, problems=problems)

    def find(self, cluster: ClusterId) -> ClusterRow | None:
        """The cluster, or None. A cluster that was found may be up to 30 s old, a missing one never is."""
        key = str(cluster).lower()
        with self._lock:
            found = self._seen.get(key)
        if found and time.monotonic() - found[0] < _CACHE_SECONDS:
            return found[1]
        row = self.table.get(cluster)
        if row:
            with self._lock:
                self._seen[key] = (time.monotonic(), row)
        return row

    def fresh(self, cluster: ClusterId) -> ClusterRow | None:
        """The cluster as it is now, or None."""
        return self.table.get(cluster)

    def spec(self, revision: str) -> ClusterSpec:
        """The accepted document of a revision, secrets opened."""
        document = self._documents.get_accepted(_document_name(revision))
        return cluster_from_document(document, self._sealer.unseal)

    def admit_guest(self, row: ClusterRow, workspace: str) -> None:
        """Note that jobs of another workspace run on this cluster, so that sweeping looks there too."""
        if workspace.lower() == row.id.workspace.lower() or workspace in row.guests:
            return
        current = self.table.get(row.id) or row
        if workspace not in current.guests:
            self.table.put(replace(current, guests=(*current.guests, workspace)))
        with self._lock:
            self._seen.pop(str(row.id).lower(), None)

    def unknown(self, spec: JobSpec, cluster: ClusterId | None) -> Problem:
        """The problem of a job whose cluster does not exist."""
        if cluster is None:
            text = spec.cluster.id if spec.cluster else ""
            message = f"{printable(text)} is not the id of a cluster"
            example = self.settings.scope.cluster(ClusterId("<workspace>", "<cluster>"))
            hint = f"Expected the name of a cluster of the job's workspace, or {example}"
            return Problem(0, 0, "$.properties.cluster.id", message, hint)
        return Problem(
            0,
            0,
            "$.properties.cluster",
            f"there is no cluster '{cluster.cluster}' in workspace '{cluster.workspace}'",
            f"Drop a cluster.json at {self.settings.clusters_container}/{cluster}/cluster.json first, "
            "or name another cluster in cluster.id",
        )

    def node_views(self, cluster: ClusterId) -> list[NodeView]:
        """The nodes of a cluster with the judgement whether each is alive, by storage's clock."""
        nodes, service_time = self.table.nodes(cluster)
        return [self._view(node, service_time) for node in nodes]

    def _view(self, node: NodeRow, service_time: datetime) -> NodeView:
        alive = is_alive(node.heard, service_time, self.settings.lease_seconds)
        return NodeView(node.node_id, node.state, alive, node.detail)


def _document_name(revision: str) -> str:
    return f"cluster-{revision}"
