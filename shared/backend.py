"""The one place where stores, managers and settings are put together."""

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.managers.accepted_jobs import AcceptedJobs
from shared.managers.attempts import Attempts
from shared.managers.carried_jobs import CarriedJobs
from shared.managers.cascading_deletion import CascadingDeletion
from shared.managers.claims import Claims
from shared.managers.clock import utc_now
from shared.managers.cluster_manager import ClusterManager
from shared.managers.cluster_reader import ClusterReader
from shared.managers.cluster_writer import ClusterWriter
from shared.managers.drop_reconciler import Reconciler, Take
from shared.managers.event_wiring import Events, events_over
from shared.managers.gang_manager import Gangs
from shared.managers.job_layouts import JobLayouts
from shared.managers.job_manager import JobManager
from shared.managers.job_removal import Remover
from shared.managers.live_jobs import LiveJobs
from shared.managers.near_misses import NearMisses
from shared.managers.node_reports import NodeReports
from shared.managers.quotas import Quotas
from shared.managers.retention_wiring import Keeping, keeping_over
from shared.managers.scaler import Scaler
from shared.managers.status_writer import StatusWriter
from shared.managers.submission import Submitter
from shared.managers.sweep_manager import SweepManager
from shared.managers.sweep_runs import AT_A_TIME
from shared.managers.sweep_wiring import sweeps_over
from shared.managers.sweeper import Sweeper
from shared.managers.usage_report import UsageReport
from shared.managers.workspace_manager import WorkspaceManager
from shared.scaling.pools import Pools
from shared.settings import DROPS, DROPS_POISON, QUEUE, Settings
from shared.stores import cluster_table as cluster_tables
from shared.stores import gang_table as gang_tables
from shared.stores import job_table as job_tables
from shared.stores import node_table as node_tables
from shared.stores import scaling_table as scaling_tables
from shared.stores import sweep_table as sweep_tables
from shared.stores import workspace_table as workspace_tables
from shared.stores.accepted_marks import AcceptedMarks
from shared.stores.blob_writes import last_write
from shared.stores.cluster_table import ClusterTable
from shared.stores.connection import CallCounter, Connection
from shared.stores.document_blobs import Documents
from shared.stores.ended_jobs import EndedJobs
from shared.stores.gang_table import GangTable
from shared.stores.installation import make_missing
from shared.stores.job_lists import JobLists
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable
from shared.stores.node_table import NodeTable
from shared.stores.poison_queue import PoisonQueue
from shared.stores.scale_sets import ScaleSets
from shared.stores.scaling_table import ScalingTable
from shared.stores.secrets.sealing import Sealer
from shared.stores.sweep_queue import QUEUE as SWEEPS
from shared.stores.sweep_queue import SweepQueue
from shared.stores.workspace_lists import WorkspaceLists
from shared.stores.workspace_table import WorkspaceTable

#: The tables of an installation.
TABLES = (
    job_tables.TABLE,
    cluster_tables.TABLE,
    node_tables.TABLE,
    gang_tables.TABLE,
    workspace_tables.TABLE,
    scaling_tables.TABLE,
    sweep_tables.TABLE,
)


@dataclass(frozen=True)
class Backend:
    """Everything that works on the state of an installation."""

    settings: Settings
    connection: Connection
    manager: JobManager
    claims: Claims
    attempts: Attempts
    clusters: ClusterReader
    cluster_manager: ClusterManager
    nodes: NodeReports
    gangs: Gangs
    scaler: Scaler
    sweeper: Sweeper
    sweeps: SweepManager
    workspaces: WorkspaceManager
    cascading_deletion: CascadingDeletion
    lists: JobLists
    workspace_lists: WorkspaceLists
    live: LiveJobs
    usage: UsageReport
    reconciler: Callable[[Mapping[str, tuple[str, Take]]], Reconciler]
    near_misses: NearMisses
    keeping: Keeping
    events: Events
    documents: Documents

    def close(self) -> None:
        """Close the clients of storage, of the cloud, and of who is sent events."""
        self.events.sender.close()
        self.scaler.close()
        self.connection.close()


def backend(
    settings: Settings, counter: CallCounter | None = None, now: Callable[[], datetime] = utc_now
) -> Backend:
    """A Backend over the storage account that `settings` name. Opens no connection yet."""
    return backend_over(Connection(settings, counter), now)


def backend_over(
    connection: Connection,
    now: Callable[[], datetime],
    monotonic: Callable[[], float] = time.monotonic,
    pools: Pools | None = None,
    at_a_time: int = AT_A_TIME,
) -> Backend:
    """A Backend over an account that is connected already. `pools`: where the clusters' machines come from;
    None: what the settings say. `at_a_time`: runs of a sweep that are made at the same time."""
    settings = connection.settings
    if pools is None and settings.arm.resource_group:
        pools = ScaleSets(settings.arm, connection.counter)
    jobs, queues, documents = JobTable(connection), JobQueues(connection), Documents(connection)
    cluster_table, ended = ClusterTable(connection), EndedJobs(connection)
    sealer = Sealer(settings.sealing_keys)
    workspace_table = WorkspaceTable(connection)
    workspaces, nodes = WorkspaceManager(settings, workspace_table, now), NodeReports(NodeTable(connection))
    clusters = ClusterReader(settings, cluster_table, nodes, documents, sealer, monotonic)
    live = LiveJobs(jobs, clusters)
    scaler = Scaler(settings, pools, ScalingTable(connection), clusters, nodes, live, monotonic)
    cluster_writer = ClusterWriter(clusters, cluster_table, queues, documents, sealer, now)
    cluster_manager = ClusterManager(
        clusters, cluster_writer, nodes, queues, documents, workspaces, scaler, now
    )
    gangs = Gangs(settings, GangTable(connection), clusters, queues)
    remover = Remover(settings, jobs, ended, documents, AcceptedMarks(connection), workspace_table, now)
    accepted = AcceptedJobs(documents, sealer)
    sweep_queue = SweepQueue(connection)
    status = StatusWriter(settings, documents, remover, sweep_queue, now)
    carried, layouts = CarriedJobs(sealer), JobLayouts(jobs, clusters, monotonic)
    attempts = Attempts(settings, jobs, queues, accepted, status, now, monotonic)
    lists, poison = JobLists(connection, jobs, monotonic), PoisonQueue(connection)
    quotas = Quotas(settings.limits, jobs, queues, lists, workspaces, status, now, monotonic)
    workspace_lists = WorkspaceLists(connection, lists)
    events = events_over(connection, jobs, workspace_lists, workspaces, now, monotonic)
    submitter = Submitter(
        settings,
        jobs,
        queues,
        documents,
        clusters,
        cluster_manager,
        sealer,
        workspaces,
        remover,
        carried,
        layouts,
        quotas,
        events.marks,
        now,
    )
    manager = JobManager(
        settings,
        jobs,
        live,
        scaler,
        submitter,
        remover,
        status,
        accepted,
        clusters,
        nodes,
        gangs,
        now,
        monotonic,
    )
    sweeps = sweeps_over(
        connection,
        manager,
        documents,
        clusters,
        cluster_manager,
        workspaces,
        sealer,
        sweep_queue,
        now,
        monotonic,
        at_a_time,
    )
    sweeper = Sweeper(
        manager, jobs, queues, status, clusters, cluster_manager, nodes, gangs, scaler, layouts, quotas, now
    )
    written = functools.partial(last_write, settings.blob_changes)
    return Backend(
        settings=settings,
        connection=connection,
        manager=manager,
        claims=Claims(settings.lease_seconds, jobs, queues, gangs, attempts, carried, now, monotonic),
        attempts=attempts,
        clusters=clusters,
        cluster_manager=cluster_manager,
        nodes=nodes,
        gangs=gangs,
        scaler=scaler,
        sweeper=sweeper,
        sweeps=sweeps,
        workspaces=workspaces,
        cascading_deletion=CascadingDeletion(manager, sweeps, clusters, cluster_manager, workspaces, now),
        lists=lists,
        workspace_lists=workspace_lists,
        live=live,
        usage=UsageReport(settings.node_prices, lists, workspaces, clusters, scaler, now),
        reconciler=functools.partial(Reconciler, documents, poison, last_write=written),
        near_misses=NearMisses(settings, documents, now, last_write=written),
        keeping=keeping_over(remover, clusters, workspaces, sealer, now, monotonic),
        events=events,
        documents=documents,
    )


def provision(settings: Settings) -> None:
    """Create the tables, containers and queues of an installation where they are missing. Raises StoreError,
    which names what this identity may not make."""
    containers = (settings.jobs_container, settings.clusters_container, settings.accepted_container)
    queues = (SWEEPS, *((DROPS, DROPS_POISON) if settings.drop_source == QUEUE else ()))
    connection = Connection(settings)
    try:
        make_missing(connection, TABLES, containers, queues)
    finally:
        connection.close()


def provision_queues(connection: Connection) -> None:
    """Create the queues of every cluster where they are missing. Raises StoreError."""
    queues = JobQueues(connection)
    for cluster in ClusterTable(connection).list_all()[0]:
        queues.provision(cluster.id)
