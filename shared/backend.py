"""The one place where stores, managers and settings are put together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.managers.attempts import utc_now
from shared.managers.cascading_deletion import Cascade
from shared.managers.cluster_manager import ClusterManager
from shared.managers.gang_manager import Gangs
from shared.managers.job_manager import JobManager
from shared.managers.near_misses import NearMisses
from shared.managers.sweeper import Sweeper
from shared.managers.workspace_manager import WorkspaceManager
from shared.settings import DROPS, DROPS_POISON, QUEUE, Settings
from shared.stores import cluster_table as cluster_tables
from shared.stores import gang_table as gang_tables
from shared.stores import job_table as job_tables
from shared.stores import workspace_table as workspace_tables
from shared.stores.cluster_table import ClusterTable
from shared.stores.connection import CallCounter, Connection
from shared.stores.document_blobs import Documents
from shared.stores.gang_table import GangTable
from shared.stores.installation import make_missing
from shared.stores.job_lists import JobLists
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable
from shared.stores.poison_queue import PoisonQueue
from shared.stores.secrets.sealing import Sealer
from shared.stores.workspace_table import WorkspaceTable


@dataclass(frozen=True)
class Backend:
    """Everything that works on the state of an installation."""

    settings: Settings
    connection: Connection
    manager: JobManager
    clusters: ClusterManager
    sweeper: Sweeper
    workspaces: WorkspaceManager
    cascade: Cascade
    lists: JobLists
    poison: PoisonQueue
    documents: Documents
    near_misses: NearMisses

    def close(self) -> None:
        """Close the storage clients."""
        self.connection.close()


def backend(
    settings: Settings, counter: CallCounter | None = None, now: Callable[[], datetime] = utc_now
) -> Backend:
    """A Backend over the storage account that `settings` name. Opens no connection yet."""
    connection = Connection(settings, counter)
    queues, documents = JobQueues(connection), Documents(connection)
    sealer = Sealer(settings.sealing_keys)
    workspaces = WorkspaceManager(settings, WorkspaceTable(connection), now)
    clusters = ClusterManager(settings, ClusterTable(connection), queues, documents, sealer, workspaces, now)
    jobs = JobTable(connection)
    gangs = Gangs(settings, GangTable(connection), clusters, queues)
    manager = JobManager(settings, jobs, queues, documents, clusters, gangs, sealer, workspaces, now)
    sweeper, cascade = Sweeper(manager, clusters), Cascade(manager, clusters, workspaces, now)
    return Backend(
        settings,
        connection,
        manager,
        clusters,
        sweeper,
        workspaces,
        cascade,
        JobLists(connection, jobs),
        PoisonQueue(connection),
        documents,
        NearMisses(settings, documents, now),
    )


def provision(settings: Settings) -> None:
    """Create the tables, containers and queues of an installation where they are missing. Raises StoreError,
    which names what this identity may not make."""
    tables = (
        job_tables.TABLE,
        cluster_tables.CLUSTERS,
        cluster_tables.NODES,
        gang_tables.TABLE,
        workspace_tables.TABLE,
    )
    containers = (settings.jobs_container, settings.clusters_container, settings.accepted_container)
    queues = (DROPS, DROPS_POISON) if settings.drop_source == QUEUE else ()
    connection = Connection(settings)
    try:
        make_missing(connection, tables, containers, queues)
    finally:
        connection.close()
