"""ClusterManager: the gate to clusters and their nodes."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared import auto_storage, status
from shared.echo import echo
from shared.errors import ConflictError, NotFoundError, Problem
from shared.names import ClusterId, printable
from shared.parse import DocumentSettings, parse_cluster
from shared.settings import Settings
from shared.spec import ClusterSpec, JobSpec, cluster_from_document, public_properties, to_document
from shared.stores.clusters import ClusterRow, ClusterTable, NodeRow
from shared.stores.documents import Documents
from shared.stores.queues import JobQueues
from shared.stores.sealing import Sealer
from shared.stores.workspaces import Deletion, Kind
from shared.waiting import NodeView, is_alive
from shared.workspaces import WorkspaceManager

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
        workspaces: WorkspaceManager,
        now: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.table = table
        self._queues = queues
        self._documents = documents
        self._sealer = sealer
        self._workspaces = workspaces
        self._now = now
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, ClusterRow]] = {}
        self._reading = DocumentSettings.of(settings)

    def accept(self, cluster: ClusterId, data: bytes, place: str) -> ClusterAnswer:
        """Accept or refuse a cluster.json dropped at `place` ("<container>/<path>").

        Order: accepted document, queues, row, status.json; every step can be repeated. The revision is a
        digest of the content, so the same document delivered twice changes nothing.
        """
        parsed = parse_cluster(data, self._reading)
        if parsed.spec is None:
            return self.refuse(place, parsed.problems)
        known = self.table.get(cluster)
        if known and known.deleting:
            return self.refuse(place, (*parsed.problems, _going(known)))
        try:
            self._workspaces.ensure(cluster.workspace)
        except ConflictError as error:
            return self.refuse(place, (Problem(0, 0, "$", str(error), "Then drop it again."),))
        problems = parsed.problems + self._make_volumes(parsed.spec)
        row = self._store(cluster, parsed.spec, known)
        answer = status.of_cluster(row.id, self.settings.scope, self._now(), problems)
        self._documents.put_status(place, answer)
        return ClusterAnswer(True, row, problems)

    def accept_http(self, cluster: ClusterId, data: bytes) -> ClusterAnswer:
        """As `accept`, for a document that came over HTTP: a refusal writes nothing, and a copy without
        secrets is shown where it would have been dropped. Raises ConflictError while it is being deleted."""
        parsed = parse_cluster(data, self._reading)
        if parsed.spec is None:
            return ClusterAnswer(False, problems=parsed.problems)
        known = self.table.get(cluster)
        if known and known.deleting:
            raise ConflictError(_going(known).message, "ClusterBeingDeleted")
        problems = parsed.problems + self._make_volumes(parsed.spec)
        row = self._store(cluster, parsed.spec, known)
        # After the row: the trigger that sees the copy must find the cluster.
        copy = echo(self.settings.scope.cluster(row.id), json.loads(row.properties))
        self._documents.put_dropped(self._place(row.id), copy)
        answer = status.of_cluster(row.id, self.settings.scope, self._now(), problems)
        self._documents.put_status(self._place(row.id), answer)
        return ClusterAnswer(True, row, problems)

    def _make_volumes(self, spec: ClusterSpec) -> tuple[Problem, ...]:
        """Before the row, which is what the nodes see."""
        return auto_storage.ensure(spec.node_setup.mount_volumes, self.settings)

    def _store(self, cluster: ClusterId, spec: ClusterSpec, known: ClusterRow | None) -> ClusterRow:
        content = json.dumps(to_document(spec, lambda secret: secret), sort_keys=True)
        revision = self._sealer.digest(f"{cluster}|".lower() + content).partition("-")[2][:32]
        properties = json.dumps(public_properties(spec), separators=(",", ":"))
        same = known is not None and known.revision == revision
        row = ClusterRow(
            id=known.id if known else cluster,
            revision=revision,
            created=known.created if known else self._now(),
            properties=properties,
            guests=known.guests if known else (),
            resized=known.resized if known and same else self._now(),
        )
        self._documents.put_accepted(_document_name(revision), to_document(spec, self._sealer.seal))
        self._queues.provision(row.id)
        self.table.put(row)
        self._forget(cluster)
        return row

    def _forget(self, cluster: ClusterId) -> None:
        with self._lock:
            self._seen.pop(str(cluster).lower(), None)

    def _place(self, cluster: ClusterId) -> str:
        return f"{self.settings.clusters_container}/{cluster}/cluster.json"

    def get(self, cluster: ClusterId) -> ClusterRow:
        """The cluster as it is now. Raises NotFoundError."""
        row = self.table.get(cluster)
        if row is None:
            # The words are the recorded ones, of December 2019.
            text = "The specified compute training cluster and/or compute instance cluster is not found"
            raise NotFoundError(text, "ClusterNotFound")
        return row

    def resize(self, cluster: ClusterId, data: bytes) -> ClusterAnswer:
        """Change the scaleSettings of a cluster to those of a document and nothing else; without any they
        stay. The revision stays too: nodes have nothing to do over. Raises NotFoundError."""
        known = self.get(cluster)
        parsed = parse_cluster(data, self._reading)
        if parsed.spec is None:
            return ClusterAnswer(False, problems=parsed.problems)
        scale = public_properties(parsed.spec).get("scaleSettings")
        if scale is None:
            return ClusterAnswer(True, known, parsed.problems)
        properties = json.dumps(json.loads(known.properties) | {"scaleSettings": scale})
        row = replace(known, properties=properties, resized=self._now())
        self.table.put(row)
        self._forget(cluster)
        return ClusterAnswer(True, row, parsed.problems)

    def begin_deletion(self, cluster: ClusterId) -> ClusterRow:
        """Mark for deletion: it takes no more jobs. Raises NotFoundError."""
        known = self.get(cluster)
        self._workspaces.table.begin_deletion(deletion_of(known))
        row = replace(known, deleting=True)
        self.table.put(row)
        self._forget(cluster)
        return row

    def end_deletion(self, row: ClusterRow) -> None:
        """Remove a cluster without jobs: node rows, what was dropped for it, the row last. Its queues stay
        (a deleted queue's name is blocked for a while); messages in them mean no live job."""
        nodes, _ = self.table.nodes(row.id)
        for node in nodes:
            self.table.forget(node)
        self._documents.delete_dropped(self._place(row.id))
        self._documents.delete_status(self._place(row.id))
        self.table.delete(row.id)
        self._forget(row.id)

    def alive_nodes(self, cluster: ClusterId) -> list[NodeRow]:
        """The nodes of a cluster that are alive by storage's clock."""
        nodes, service_time = self.table.nodes(cluster)
        return [n for n in nodes if is_alive(n.heard, service_time, self.settings.lease_seconds)]

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

    def public_spec(self, row: ClusterRow) -> ClusterSpec:
        """The document in force without its secrets, from the row alone."""
        return cluster_from_document({"properties": json.loads(row.properties)}, str)

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
            message = f"{printable(text)} is not the id of a cluster."
            example = self.settings.scope.cluster(ClusterId("<workspace>", "<cluster>"))
            hint = f"Expected the name of a cluster of the job's workspace, or {example}"
            return Problem(0, 0, "$.properties.cluster.id", message, hint)
        return Problem(
            0,
            0,
            "$.properties.cluster",
            f"there is no cluster '{cluster.cluster}' in workspace '{cluster.workspace}'.",
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


def deletion_of(row: ClusterRow) -> Deletion:
    """The deletion of a cluster."""
    return Deletion(Kind.CLUSTER, row.id.workspace, row.id.cluster, row.identity)


def _going(row: ClusterRow) -> Problem:
    return Problem(0, 0, "$", f"the cluster {row.id} is being deleted; wait for its end", "Then try again.")


def _document_name(revision: str) -> str:
    return f"cluster-{revision}"
