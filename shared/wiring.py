"""The one place where stores, managers and settings are put together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.attempts import utc_now
from shared.cascade import Cascade
from shared.clusters import ClusterManager
from shared.errors import ConflictError
from shared.gangs import Gangs
from shared.manager import JobManager
from shared.near_misses import NearMisses
from shared.settings import Settings
from shared.stores import clusters as cluster_tables
from shared.stores import gangs as gang_tables
from shared.stores import jobs as job_tables
from shared.stores import workspaces as workspace_tables
from shared.stores.clusters import ClusterTable
from shared.stores.connection import CallCounter, Connection, translated
from shared.stores.documents import Documents
from shared.stores.gangs import GangTable
from shared.stores.job_lists import JobLists
from shared.stores.jobs import JobTable
from shared.stores.poison import PoisonQueue
from shared.stores.queues import JobQueues
from shared.stores.sealing import Sealer
from shared.stores.workspaces import WorkspaceTable
from shared.sweeper import Sweeper
from shared.workspaces import WorkspaceManager


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
    """Create the tables and containers of an installation where they are missing."""
    connection = Connection(settings)
    try:
        of_clusters = (cluster_tables.CLUSTERS, cluster_tables.NODES, gang_tables.TABLE)
        for table in (job_tables.TABLE, *of_clusters, workspace_tables.TABLE):
            try:
                with translated(f"creating table {table}"):
                    connection.tables.create_table(table)
            except ConflictError:
                pass  # exists
        Documents(connection).provision(
            (settings.jobs_container, settings.clusters_container, settings.accepted_container)
        )
    finally:
        connection.close()
