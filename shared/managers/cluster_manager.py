"""ClusterManager: the gate to clusters and their nodes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.documents.http_copy import http_copy
from shared.documents.parse import DocumentSettings, parse_cluster
from shared.documents.spec import ClusterSpec, public_properties
from shared.errors import ConflictError, Problem
from shared.jobs import status_json
from shared.jobs.known_node import KnownNode
from shared.jobs.waiting_reason import DELETED, NodeView
from shared.managers import auto_storage
from shared.managers.cluster_reader import ClusterReader, document_name
from shared.managers.cluster_writer import ClusterWriter
from shared.managers.conflict_retry import overtaken_by, until_written
from shared.managers.node_instructions import instruct_nodes
from shared.managers.node_reports import NodeReports
from shared.managers.scaler import Scaler
from shared.managers.workspace_manager import WorkspaceManager
from shared.names import table_limits
from shared.names.ids import ClusterId
from shared.stores.cluster_table import ClusterRow
from shared.stores.document_blobs import Documents
from shared.stores.job_queues import JobQueues
from shared.stores.workspace_table import Deletion, Kind

#: Other workspaces that may send jobs to one cluster: their names are a part of its row.
MOST_GUESTS = 2_000


@dataclass(frozen=True)
class ClusterAnswer:
    """The answer to a dropped cluster.json."""

    accepted: bool
    row: ClusterRow | None = None
    problems: tuple[Problem, ...] = ()


class ClusterManager:
    """Accepts cluster documents and changes clusters. Thread-safe."""

    def __init__(
        self,
        reader: ClusterReader,
        writer: ClusterWriter,
        nodes: NodeReports,
        queues: JobQueues,
        documents: Documents,
        workspaces: WorkspaceManager,
        scaler: Scaler,
        now: Callable[[], datetime],
    ) -> None:
        self.settings = reader.settings
        self._reader = reader
        self._writer = writer
        self._nodes = nodes
        self._documents = documents
        self._queues = queues
        self._workspaces = workspaces
        self._scaler = scaler
        self._now = now
        self._reading = DocumentSettings.of(reader.settings)

    def accept(self, cluster: ClusterId, data: bytes, place: str, etag: str = "") -> ClusterAnswer:
        """Accept or refuse a cluster.json dropped at `place` ("<container>/<path>"); one that was overwritten
        since it had `etag` is left alone, for events may come late and in any order.

        Order: accepted document, queues, row, status.json; every step can be repeated. The revision is a
        digest of the content, so the same document delivered twice changes nothing.
        """
        if self._documents.overtaken(place, etag):
            return ClusterAnswer(False)
        parsed = parse_cluster(data, self._reading)
        if parsed.spec is None:
            return self.refuse(place, parsed.problems)
        try:
            known = self._writer.settled(cluster)
            self._workspaces.ensure(cluster.workspace)
            problems = parsed.problems + self._make_volumes(parsed.spec)
            row = self._writer.store(
                cluster, parsed.spec, known, lambda: self._documents.overtaken(place, etag)
            )
            self._report(row)
        except ConflictError as error:
            refusal = Problem(0, 0, "$", str(error), "Then drop it again.")
            return self.refuse(place, (*parsed.problems, refusal))
        answer = status_json.of_cluster(row.id, self.settings.scope, self._now(), problems)
        self._documents.put_status(place, answer)
        return ClusterAnswer(True, row, problems)

    def take_dropped(self, cluster: ClusterId) -> ClusterRow | None:
        """Accept the cluster.json that lies at a cluster's place though its event has not come yet: a folder
        that is uploaded as a whole holds the jobs for it too. None where there is none that can be accepted.
        """
        places = [self._place(cluster)]
        if cluster.workspace.lower() == self.settings.default_workspace.lower():
            places.append(f"{self.settings.clusters_container}/{cluster.cluster}/cluster.json")
        for place in places:
            if found := self._documents.read_dropped(place):
                return self.accept(cluster, found[0], place, found[1]).row
        return None

    def accept_http(self, cluster: ClusterId, data: bytes) -> ClusterAnswer:
        """As `accept`, for a document that came over HTTP: a refusal writes nothing, and a copy without
        secrets is shown where it would have been dropped. Raises ConflictError while it is being deleted."""
        parsed = parse_cluster(data, self._reading)
        if parsed.spec is None:
            return ClusterAnswer(False, problems=parsed.problems)
        known = self._writer.settled(cluster)
        problems = parsed.problems + self._make_volumes(parsed.spec)
        row = self._writer.store(cluster, parsed.spec, known)
        self._report(row)
        # After the row: the trigger that sees the copy must find the cluster.
        copy = http_copy(self.settings.scope.cluster(row.id), json.loads(row.properties))
        self._documents.put_dropped(self._place(row.id), copy)
        answer = status_json.of_cluster(row.id, self.settings.scope, self._now(), problems)
        self._documents.put_status(self._place(row.id), answer)
        return ClusterAnswer(True, row, problems)

    def _make_volumes(self, spec: ClusterSpec) -> tuple[Problem, ...]:
        """Before the row, which is what the nodes see."""
        return auto_storage.ensure(spec.node_setup.mount_volumes, self.settings)

    def _place(self, cluster: ClusterId) -> str:
        return f"{self.settings.clusters_container}/{cluster}/cluster.json"

    def resize(self, cluster: ClusterId, data: bytes) -> ClusterAnswer:
        """Change the scaleSettings of a cluster to those of a document and nothing else; without any they
        stay. The revision stays too: nodes have nothing to do over. Raises NotFoundError."""
        known = self._reader.get(cluster)
        parsed = parse_cluster(data, self._reading)
        if parsed.spec is None:
            return ClusterAnswer(False, problems=parsed.problems)
        scale = public_properties(parsed.spec).get("scaleSettings")
        if scale is None:
            return ClusterAnswer(True, known, parsed.problems)

        def resized(row: ClusterRow) -> ClusterRow:
            properties = table_limits.written(json.loads(row.properties) | {"scaleSettings": scale})
            return replace(row, properties=properties, resized=self._now())

        row = self._writer.change(cluster, resized)
        self._report(row)
        return ClusterAnswer(True, row, parsed.problems)

    def _report(self, row: ClusterRow) -> None:
        """Nodes, and the cloud, need not wait for the next sweep."""
        self.instruct_nodes(row)
        self._scaler.nudge(row.id)

    def instruct_nodes(self, row: ClusterRow) -> list[NodeView]:
        """Leave for every node that is alive whether it serves; they see it with their next report, and the
        sweeper writes it again, for nodes come and go. All nodes, with what was left for them."""
        return instruct_nodes(self._reader, self._nodes, row)

    def mark_drain(self, cluster: ClusterId, node_id: str, drain: bool) -> KnownNode:
        """Instruct a node to finish its job and leave, or to stay; the node as marked. Raises NotFoundError,
        and ConflictError where its machine is being deleted."""
        if drain:
            self._reader.known_node(cluster, node_id)
            self._nodes.mark_drain(cluster, node_id, drain)
        else:
            until_written(lambda: self._undrain(cluster, node_id), f"node {node_id}")
        return self._reader.known_node(cluster, node_id)

    def _undrain(self, cluster: ClusterId, node_id: str) -> None:
        view = self._reader.known_node(cluster, node_id).view
        if view.release == DELETED:
            text = (
                f"the machine of node {node_id} is being deleted; its cluster gets another when it needs one"
            )
            raise ConflictError(text, "NodeBeingDeleted")
        with overtaken_by():
            self._nodes.undrain(view, cluster)

    def begin_deletion(self, cluster: ClusterId) -> ClusterRow:
        """Mark for deletion: it takes no more jobs. Raises NotFoundError."""
        known = self._reader.get(cluster)
        self._workspaces.note_deletion(deletion_of(known))
        return self._writer.change(cluster, lambda row: replace(row, deleting=True))

    def end_deletion(self, row: ClusterRow) -> None:
        """Remove a cluster without jobs: node rows, what was dropped for it, the row last. Its queues go
        later, with `forget_queues`: messages in them mean no live job."""
        nodes, _ = self._nodes.nodes(row.id)
        for node in nodes:
            self._nodes.forget(node)
        self._documents.delete_dropped(self._place(row.id))
        self._documents.delete_status(self._place(row.id))
        self._writer.remove(row)

    def forget_documents(self, workspace: str) -> None:
        """Remove what was accepted for the clusters of a workspace that is deleted, every revision. Not with
        a cluster: where outputs of its ended jobs lie is known from the revision they were accepted for."""
        self._documents.delete_accepted_of(workspace, document_name(""))

    def forget_queues(self, cluster: ClusterId) -> None:
        """Remove the queues of a cluster that has been gone for a while. Not at once: the name of a queue
        that was removed is blocked for half a minute, and people make clusters anew under the same name."""
        if self._reader.fresh(cluster) is None:
            self._queues.remove(cluster)

    def refuse(self, place: str, problems: tuple[Problem, ...]) -> ClusterAnswer:
        """Say what is wrong, beside the file. Nothing else is written."""
        self._documents.put_status(place, status_json.refused(problems, self._now()))
        return ClusterAnswer(False, problems=problems)

    def admit_guest(self, row: ClusterRow, workspace: str) -> None:
        """Note that jobs of another workspace run on this cluster, so that sweeping looks there too. `row`
        may be some seconds old. Raises NotFoundError when the cluster has gone since, ConflictError when it
        has too many of them."""
        guest = workspace.lower()
        if guest == row.id.workspace.lower() or guest in row.guests:
            return
        self._reader.forget(row.id)
        self._writer.change(row.id, lambda now: _with_guest(now, guest))


def _with_guest(row: ClusterRow, guest: str) -> ClusterRow:
    guests = tuple(dict.fromkeys((*row.guests, guest)))
    if len(guests) > MOST_GUESTS:
        text = f"the cluster {row.id} runs jobs of {MOST_GUESTS:,} other workspaces already"
        raise ConflictError(f"{text}; use a workspace or a cluster that is in use", "TooManyWorkspaces")
    return replace(row, guests=guests)


def deletion_of(row: ClusterRow) -> Deletion:
    """The deletion of a cluster."""
    return Deletion(Kind.CLUSTER, row.id.workspace, row.id.cluster, row.identity)
