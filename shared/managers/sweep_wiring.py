"""What the gate to sweeps is made of."""

from collections.abc import Callable
from datetime import datetime

from shared.managers.cluster_manager import ClusterManager
from shared.managers.cluster_reader import ClusterReader
from shared.managers.job_manager import JobManager
from shared.managers.sweep_documents import SweepDocuments
from shared.managers.sweep_manager import SweepManager
from shared.managers.sweep_runs import SweepRuns
from shared.managers.sweep_submission import SweepSubmitter
from shared.managers.sweep_worker import SweepWorker
from shared.managers.workspace_manager import WorkspaceManager
from shared.stores.connection import Connection
from shared.stores.document_blobs import Documents
from shared.stores.secrets.sealing import Sealer
from shared.stores.sweep_jobs import SweepJobs
from shared.stores.sweep_queue import SweepQueue
from shared.stores.sweep_table import SweepTable


def sweeps_over(
    connection: Connection,
    manager: JobManager,
    documents: Documents,
    clusters: ClusterReader,
    cluster_manager: ClusterManager,
    workspaces: WorkspaceManager,
    sealer: Sealer,
    queue: SweepQueue,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    at_a_time: int,
) -> SweepManager:
    """The gate to the sweeps of an account. `at_a_time`: runs that are made at the same time."""
    table, kept = SweepTable(connection), SweepDocuments(documents, sealer)
    submitter = SweepSubmitter(
        manager.settings,
        table,
        queue,
        documents,
        kept,
        clusters,
        cluster_manager,
        workspaces,
        sealer,
        now,
    )
    runs = SweepRuns(manager, SweepJobs(connection), kept, at_a_time)
    worker = SweepWorker(table, runs, submitter, kept, documents, now, monotonic)
    return SweepManager(table, submitter, worker, runs, kept, now, monotonic)
