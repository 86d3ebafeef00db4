"""Why queued jobs wait, brought into their status.json while they wait: each sweep looks, few are written."""

from dataclasses import dataclass

from shared.jobs.growth import Growth
from shared.jobs.model import Job, State
from shared.jobs.queue_order import QueueOrder
from shared.jobs.waiting_reason import NodeView, Waiting, why
from shared.managers.cluster_reader import ClusterReader
from shared.managers.job_manager import JobManager
from shared.managers.live_jobs import queued, read_entry
from shared.managers.status_writer import StatusWriter
from shared.names.ids import ClusterId
from shared.stores.job_table import JobTable
from shared.stores.live_rows import LiveEntry

#: status.json files brought up to date per cluster and sweep; a longer queue is served over several sweeps.
_MOST_STATUS_WRITES = 50
#: Jobs of a queue whose reason is followed; those further back learn it when they come nearer.
_MOST_FOLLOWED = 1000
#: A job that waits for less is on its way; nobody needs to know why it waits.
_LATE_SECONDS = 20.0


@dataclass(frozen=True)
class _Reported:
    """A job as it was read at the `etag` of its live entry, and the reason that was reported."""

    etag: str
    job: Job
    reason: Waiting


class WaitingReports:
    """Remembers what this process has reported of waiting jobs; another one begins anew."""

    def __init__(
        self, manager: JobManager, jobs: JobTable, status: StatusWriter, clusters: ClusterReader
    ) -> None:
        self._manager = manager
        self._jobs = jobs
        self._status = status
        self._clusters = clusters
        self._reported: dict[ClusterId, dict[str, _Reported]] = {}

    def forget(self, cluster: ClusterId) -> None:
        """No job of the cluster lives."""
        self._reported.pop(cluster, None)

    def report(
        self, cluster: ClusterId, entries: list[LiveEntry], nodes: list[NodeView], growth: Growth | None
    ) -> None:
        """Bring the waiting reason of jobs that have waited for a while into their status.json, where it is
        not what was reported last. Those of which nothing was reported come first."""
        known = self._reported.pop(cluster, {})
        waiting = [e for e in entries if e.state is State.QUEUED and e.age_seconds > _LATE_SECONDS]
        if not waiting:
            return
        most = self._clusters.most_nodes(cluster)
        queue, command = QueueOrder(queued(entries)), self._manager.settings.runner_command
        reported = self._reported[cluster] = {}
        left = _MOST_STATUS_WRITES
        for entry in sorted(waiting[:_MOST_FOLLOWED], key=lambda each: each.uuid in known):
            before = known.get(entry.uuid)
            if before and before.etag != entry.etag:
                before = None
            if before is None and left <= 0:
                continue
            job = before.job if before else read_entry(self._jobs, entry)
            if job is None:
                continue
            reason = why(job, queue, nodes, command, self._manager.gathered(job), most, growth)
            news = reason and not (before and before.reason.says_the_same(reason))
            if reason and news and left > 0:
                left -= 1
                self._status.write_as_read(job, self._jobs, reason)
                before = _Reported(entry.etag, job, reason)
            if before:
                reported[entry.uuid] = before
