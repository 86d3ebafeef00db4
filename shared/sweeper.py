"""The sweeper: what the timer mends. Every step is harmless when nothing is wrong, and when repeated."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import state
from shared.clusters import ClusterManager
from shared.errors import BatchAIError, LostOwnershipError
from shared.events import EventKind, JobEvent, appended
from shared.gang import Gang
from shared.manager import JobManager, queued
from shared.names import ClusterId
from shared.state import AttemptReport, Job, Outcome, Reason, State
from shared.stores.rows import LiveEntry
from shared.waiting import why

log = logging.getLogger(__name__)

#: status.json files brought up to date per cluster and sweep; a longer queue is served over several sweeps.
_MOST_STATUS_WRITES = 50


@dataclass
class SweepReport:
    """What one sweep did."""

    clusters: int = 0
    live: int = 0
    resent: int = 0
    ended: int = 0
    gangs: int = 0
    faults: int = 0


class Sweeper:
    """Heals what a crash left behind: see docs/protocol.md for the table."""

    def __init__(self, manager: JobManager, clusters: ClusterManager) -> None:
        self._manager = manager
        self._clusters = clusters

    def sweep(self) -> SweepReport:
        """One pass over every cluster; a fault in one cluster does not keep the others from being swept."""
        report = SweepReport()
        for row in self._clusters.table.list_all():
            report.clusters += 1
            try:
                self._sweep_cluster(row.id, report)
            except BatchAIError:
                report.faults += 1
                log.exception("sweep failed", extra={"action": "sweep", "cluster": str(row.id)})
        return report

    def _sweep_cluster(self, cluster: ClusterId, report: SweepReport) -> None:
        entries = self._manager.live(cluster)
        report.live += len(entries)
        gangs, hints = self._manager.gangs.sweep(cluster, self._is_over)
        report.gangs += gangs
        if not entries:
            return
        report.resent += self._resend(cluster, entries, hints)
        report.ended += self._end_orphans(cluster, entries)
        self._tell_why(cluster, entries)

    def _is_over(self, gang: Gang) -> bool:
        """Whether the attempt a gang was made for is no longer the job's."""
        job = self._manager.jobs.get(gang.job)
        return job is None or job.uuid != gang.uuid or job.attempt != gang.attempt or job.owner is None

    def _resend(self, cluster: ClusterId, entries: list[LiveEntry], hints: int) -> int:
        """Queued jobs get a message again when there are fewer messages, hints apart, than live jobs.

        A message that is lost cannot be told from one that waits, so the oldest jobs are served first and
        each at most once per resend time; duplicates are dropped at the claim.
        """
        missing = len(entries) + hints - self._manager.queues.count(cluster)
        late = self._manager.now() - timedelta(seconds=self._manager.settings.resend_seconds)
        resent = 0
        for entry in entries:
            if resent >= missing:
                break
            if entry.state is State.QUEUED and not entry.owner and entry.enqueued < late:
                resent += self._resend_one(entry)
        return resent

    def _resend_one(self, entry: LiveEntry) -> int:
        job = self._manager.jobs.get(entry.id)
        if job is None or job.uuid != entry.uuid or job.state is not State.QUEUED:
            return 0
        try:
            # The row first: it keeps two sweepers from sending at the same time.
            now = self._manager.now()
            told = appended(job.events, JobEvent(now, EventKind.MESSAGE_SENT_AGAIN, job.attempt))
            written = self._manager.jobs.update(replace(job, enqueued=now, events=told))
        except LostOwnershipError:
            return 0
        self._manager.queues.send(written)
        log.info("message sent again", extra={"action": "resend", "job": str(job.id), "uuid": job.uuid})
        return 1

    def _end_orphans(self, cluster: ClusterId, entries: list[LiveEntry]) -> int:
        """Jobs whose runner is gone and whose message is gone too: terminating ones end, others wait again.
        While a message is left, the next runner to receive it does this faster."""
        owned = [entry for entry in entries if entry.owner]
        if not owned:
            return 0
        alive = {node.node_id for node in self._clusters.node_views(cluster) if node.alive}
        orphans = [e for e in owned if e.owner not in alive]
        return sum(self._end_orphan(entry) for entry in orphans)

    def _end_orphan(self, entry: LiveEntry) -> int:
        job = self._manager.jobs.get(entry.id)
        if job is None or job.uuid != entry.uuid or job.owner != entry.owner or job.attempt != entry.attempt:
            return 0
        # A silent node may be a slow one. Twice the lease after the attempt began its runner has either
        # renewed (and is heard of) or killed its job.
        grace = timedelta(seconds=2 * self._manager.settings.lease_seconds)
        if self._manager.now() - _taken(job) < grace:
            return 0
        outcome = Outcome(Reason.RUNNER_LOST, message=f"The runner of attempt {job.attempt} was lost")
        now = self._manager.now()
        report = AttemptReport(events=(state.lost_event(job, now),))
        changed = state.requeue(job, outcome, now, report=report)
        try:
            self._write(changed)
        except LostOwnershipError:
            return 0
        return 1

    def _write(self, job: Job) -> None:
        if job.state.live:
            self._manager.queues.send(self._manager.jobs.update(job))
        else:
            self._manager.jobs.end(job)
        self._manager.write_status(job)

    def _tell_why(self, cluster: ClusterId, entries: list[LiveEntry]) -> None:
        """Bring the waiting reason of jobs that have waited for a while into their status.json."""
        late = self._manager.now() - timedelta(seconds=20)
        waiting = [e for e in entries if e.state is State.QUEUED and e.created < late]
        if not waiting:
            return
        nodes, command = self._clusters.node_views(cluster), self._manager.settings.runner_command
        queue = queued(entries)
        for entry in waiting[:_MOST_STATUS_WRITES]:
            job = self._manager.jobs.get(entry.id)
            if job is None or job.uuid != entry.uuid:
                continue
            if reason := why(job, queue, nodes, command, self._manager.gathered(job)):
                self._manager.write_status(job, reason)
                self._correct(job)

    def _correct(self, told: Job) -> None:
        """The job may have gone on between the read and the write: then what was written is old."""
        now = self._manager.jobs.get(told.id)
        if now and now.etag != told.etag:
            self._manager.write_status(now)


def _taken(job: Job) -> datetime:
    """When the current attempt was claimed: a job of several nodes stays queued then."""
    claims = [e.at for e in job.events if e.kind is EventKind.CLAIMED and e.attempt == job.attempt]
    return max((job.state_since, *claims))
