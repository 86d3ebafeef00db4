"""The sweeper: what the timer mends. Every step is harmless when nothing is wrong, and when repeated."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import BatchAIError, LostOwnershipError
from shared.jobs import transitions
from shared.jobs.allocation import TERMINATE
from shared.jobs.gang import Gang
from shared.jobs.model import AttemptReport, Job, Outcome, Reason, State
from shared.jobs.waiting_reason import NodeView
from shared.managers import cluster_metrics, job_traces
from shared.managers.cluster_manager import ClusterManager
from shared.managers.cluster_reader import ClusterReader
from shared.managers.gang_manager import Gangs
from shared.managers.job_layouts import JobLayouts
from shared.managers.job_manager import JobManager
from shared.managers.live_jobs import queued, read_entry
from shared.managers.node_reports import NodeReports
from shared.managers.pool_look import PoolLook
from shared.managers.quotas import Quotas
from shared.managers.scaler import Scaler
from shared.managers.status_writer import StatusWriter
from shared.managers.waiting_reports import WaitingReports
from shared.names.ids import ClusterId
from shared.stores.cluster_table import ClusterRow
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable
from shared.stores.live_rows import LiveEntry

log = logging.getLogger(__name__)


@dataclass
class SweepReport:
    """What one sweep did."""

    clusters: int = 0
    live: int = 0
    resent: int = 0
    ended: int = 0
    gangs: int = 0
    scaled: int = 0  #: clusters whose machines were changed
    forgotten: int = 0  #: nodes that never came back
    let_go: int = 0  #: jobs that waited for a limit and are within it now
    faults: int = 0
    over: set[str] = field(default_factory=set)  #: workspaces with jobs that wait for a limit


class Sweeper:
    """Heals what a crash left behind: see docs/explanation/protocol.md for the table."""

    def __init__(
        self,
        manager: JobManager,
        jobs: JobTable,
        queues: JobQueues,
        status: StatusWriter,
        clusters: ClusterReader,
        cluster_manager: ClusterManager,
        nodes: NodeReports,
        gangs: Gangs,
        scaler: Scaler,
        layouts: JobLayouts,
        quotas: Quotas,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = manager.settings
        self._manager = manager
        self._jobs = jobs
        self._queues = queues
        self._status = status
        self._clusters = clusters
        self._cluster_manager = cluster_manager
        self._nodes = nodes
        self._gangs = gangs
        self._scaler = scaler
        self._layouts = layouts
        self._quotas = quotas
        self._now = now
        self._waiting = WaitingReports(manager, jobs, status, clusters)

    def sweep(self) -> SweepReport:
        """One pass over every cluster; a fault in one cluster does not keep the others from being swept."""
        report = SweepReport()
        clusters, service_time = self._clusters.list_all()
        look = self._scaler.begin(service_time)
        for row in clusters:
            report.clusters += 1
            try:
                self._sweep_cluster(row, look, report)
            except BatchAIError:
                report.faults += 1
                log.exception("sweep failed", extra={"action": "sweep", "cluster": str(row.id)})
        if look:
            self._scaler.end(look, clusters)
        report.let_go = self._let_go(report)
        try:
            report.forgotten = self._forget_nodes(service_time)
        except BatchAIError:
            report.faults += 1
            log.exception("nodes not forgotten", extra={"action": "sweep"})
        return report

    def _let_go(self, report: SweepReport) -> int:
        try:
            return self._quotas.let_go(sorted(report.over))
        except BatchAIError:
            report.faults += 1
            log.exception("no job is let go", extra={"action": "let_go"})
            return 0

    def _forget_nodes(self, service_time: datetime) -> int:
        """Remove the rows of nodes that were not heard of for long, whatever cluster they are of. A node that
        does come back writes its row anew."""
        since = service_time - timedelta(seconds=self._settings.forget_node_seconds)
        forgotten = 0
        for row in self._nodes.silent(since):
            if self._nodes.forget_silent(row):
                forgotten += 1
                extra = {"action": "node_forgotten", "node": row.node_id, "cluster": row.partition}
                log.info("node %s of %s is forgotten", row.node_id, row.partition, extra=extra)
        return forgotten

    def _sweep_cluster(self, row: ClusterRow, look: PoolLook | None, report: SweepReport) -> None:
        cluster = row.id
        nodes = self._cluster_manager.instruct_nodes(row)
        entries = self._manager.live(cluster)
        report.scaled += self._scale(look, row, nodes, entries)
        report.live += len(entries)
        cluster_metrics.measured(cluster, entries, nodes, self._now())
        gangs, hints = self._gangs.sweep(cluster, self._is_over)
        report.gangs += gangs
        if not entries:
            self._waiting.forget(cluster)
            return
        self._end_on(cluster, [node.node_id for node in nodes if node.standby == TERMINATE], entries)
        self._layouts.mend(entries, nodes)
        report.over |= {entry.id.workspace for entry in entries if entry.withheld}
        report.resent += self._resend(cluster, [e for e in entries if not e.withheld], hints)
        report.ended += self._end_orphans(entries, nodes)
        self._waiting.report(cluster, entries, nodes, self._scaler.growth_seen(look, cluster))

    def _scale(
        self, look: PoolLook | None, row: ClusterRow, nodes: list[NodeView], entries: list[LiveEntry]
    ) -> int:
        """What ails the cloud keeps nobody from what else is to be mended."""
        try:
            return int(look is not None and self._scaler.turn(look, row, nodes, queued(entries)))
        except BatchAIError as error:
            log.warning("not scaled: %s", error, extra={"action": "scale", "cluster": str(row.id)})
            return 0

    def _end_on(self, cluster: ClusterId, nodes: list[str], entries: list[LiveEntry]) -> None:
        """nodeDeallocationOption "terminate": the jobs of nodes that no longer serve end."""
        for entry in entries:
            if entry.owner in nodes and entry.state is State.RUNNING:
                self._manager.terminate(entry.id, f"nodeDeallocationOption of cluster {cluster}")

    def _is_over(self, gang: Gang) -> bool:
        """Whether the attempt a gang was made for is no longer the job's."""
        job = self._jobs.get(gang.job)
        return job is None or job.uuid != gang.uuid or job.attempt != gang.attempt or job.owner is None

    def _resend(self, cluster: ClusterId, entries: list[LiveEntry], hints: int) -> int:
        """Queued jobs get a message again when there are fewer messages, hints apart, than live jobs.

        A message that is lost cannot be distinguished from one that waits, so the oldest jobs are served
        first and each at most once per resend time; duplicates are dropped at the claim.
        """
        missing = len(entries) + hints - self._queues.count(cluster)
        resent = 0
        for entry in entries:
            if resent >= missing:
                break
            late = entry.age_seconds > self._settings.resend_seconds
            if entry.state is State.QUEUED and not entry.owner and late:
                resent += self._resend_one(entry)
        return resent

    def _resend_one(self, entry: LiveEntry) -> int:
        job = read_entry(self._jobs, entry)
        if job is None or job.state is not State.QUEUED:
            return 0
        try:
            # The row first: it keeps two sweepers from sending at the same time.
            now = self._now()
            written = self._jobs.update(transitions.sent_again(job, now))
        except LostOwnershipError:
            return 0
        self._queues.send(written)
        log.info("message sent again", extra={"action": "resend", "job": str(job.id), "uuid": job.uuid})
        return 1

    def _end_orphans(self, entries: list[LiveEntry], nodes: list[NodeView]) -> int:
        """Jobs whose lease is over and whose message is gone: terminating ones end, others wait again. While
        a message is left, the next runner to receive it does this faster.

        The nodes only show which rows are worth a look; that an attempt is over, only its lease says."""
        owned = [entry for entry in entries if entry.owner]
        if not owned:
            return 0
        lease_seconds = self._settings.lease_seconds
        at_work = {(node.node_id, node.job) for node in nodes if node.alive}
        suspects = [e for e in owned if (e.owner, e.uuid) not in at_work and e.age_seconds > lease_seconds]
        return sum(self._end_orphan(entry) for entry in suspects)

    def _end_orphan(self, entry: LiveEntry) -> int:
        job = read_entry(self._jobs, entry)
        if job is None or job.owner != entry.owner or job.attempt != entry.attempt:
            self._layouts.drop_if_left_behind(entry)
            return 0
        if not job.state.known or not self._is_left_alone(job):
            return 0
        outcome = Outcome(Reason.RUNNER_LOST, message=f"The runner of attempt {job.attempt} was lost")
        now = self._now()
        report = AttemptReport(events=(transitions.lost_event(job, now),))
        changed = transitions.requeue(job, outcome, now, report=report)
        try:
            self._write(changed)
        except LostOwnershipError:
            return 0
        job_traces.lost(job, now)
        return 1

    def _is_left_alone(self, job: Job) -> bool:
        """Whether its lease has been over for as long as it held: by then its message, if there is one, has
        been seen again. A row of an older runner shows no renewals: there twice a lease must have passed
        since it was written, and its node be silent."""
        lease_seconds = self._settings.lease_seconds
        if job.lease_seconds is not None:
            return job.age_seconds > 2 * job.lease_seconds
        alive = {node.node_id for node in self._clusters.alive_nodes(job.cluster)}
        return job.owner not in alive and job.age_seconds > 2 * lease_seconds

    def _write(self, job: Job) -> None:
        if job.state.live:
            self._queues.send(self._jobs.write(job))
        else:
            self._jobs.write(job)
        self._status.write(job)
