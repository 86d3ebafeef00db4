"""ClusterWriter: every write of a cluster's row, each over the row as it was read."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from shared.documents.spec import ClusterSpec, public_properties, to_document
from shared.errors import ConflictError, LostOwnershipError, NotFoundError
from shared.managers.cluster_reader import ClusterReader, document_name
from shared.managers.conflict_retry import Overtaken, overtaken_by, until_written
from shared.names import table_limits
from shared.names.ids import ClusterId
from shared.stores.cluster_table import ClusterRow, ClusterTable
from shared.stores.document_blobs import Documents
from shared.stores.job_queues import JobQueues
from shared.stores.secrets.sealing import Sealer


class ClusterWriter:
    """Keeps nothing between calls; safe to use from several threads. Every method raises StoreError."""

    def __init__(
        self,
        reader: ClusterReader,
        table: ClusterTable,
        queues: JobQueues,
        documents: Documents,
        sealer: Sealer,
        now: Callable[[], datetime],
    ) -> None:
        self._reader = reader
        self._table = table
        self._queues = queues
        self._documents = documents
        self._sealer = sealer
        self._now = now

    def settled(self, cluster: ClusterId) -> ClusterRow | None:
        """The cluster, or None. Raises ConflictError for one that is being deleted."""
        known = self._table.get(cluster)
        if known and known.deleting:
            text = f"the cluster {known.id} is being deleted; wait for its end"
            raise ConflictError(text, "ClusterBeingDeleted")
        return known

    def store(
        self,
        cluster: ClusterId,
        spec: ClusterSpec,
        known: ClusterRow | None,
        overtaken: Callable[[], bool] = lambda: False,
    ) -> ClusterRow:
        """Accept a document: what was accepted, the queues, then the row, or leave the row to whoever wrote
        it meanwhile where `overtaken` says so. `known` is the row as last read. Raises ConflictError while
        the cluster is being deleted."""
        content = json.dumps(to_document(spec, lambda secret: secret), sort_keys=True)
        revision = self._sealer.digest(f"{cluster}|".lower() + content).partition("-")[2][:32]
        properties = table_limits.written(public_properties(spec))
        name = document_name(revision)
        sealed = to_document(spec, lambda secret: self._sealer.seal(secret, name))
        self._documents.put_accepted(name, sealed, cluster.workspace)
        self._queues.provision(known.id if known else cluster)
        current = known

        def store() -> ClusterRow:
            nonlocal current
            row = current or ClusterRow(cluster, revision, created=self._now())
            if row.revision != revision:
                row = replace(row, revision=revision, resized=self._now())
            try:
                return self._write(replace(row, properties=properties))
            except (ConflictError, LostOwnershipError, NotFoundError) as error:
                current = self.settled(cluster)
                if current and overtaken():
                    return current
                raise Overtaken from error

        return until_written(store, f"cluster {cluster}")

    def change(self, cluster: ClusterId, change: Callable[[ClusterRow], ClusterRow]) -> ClusterRow:
        """Write `change` of the cluster as it is now. Raises NotFoundError."""

        def write() -> ClusterRow:
            known = self._reader.get(cluster)
            wanted = change(known)
            if wanted == known:
                return known
            with overtaken_by():
                return self._write(wanted)

        return until_written(write, f"cluster {cluster}")

    def remove(self, row: ClusterRow) -> None:
        """Remove a row; a missing one is fine."""
        self._table.delete(row.id)
        self._reader.forget(row.id)

    def _write(self, row: ClusterRow) -> ClusterRow:
        """Raises ConflictError, LostOwnershipError or NotFoundError when it is no longer as it was read."""
        written = self._table.put(row)
        self._reader.forget(row.id)
        return written
