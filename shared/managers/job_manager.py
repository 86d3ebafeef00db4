"""JobManager: the gate to jobs for people: submit, get, list, terminate, delete, why.

What runners do is in claims.py and attempts.py. The order of effects makes a crash anywhere harmless;
docs/explanation/protocol.md has the table "crash after / what is left / what heals it".
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.documents.spec import JobSpec
from shared.errors import NotFoundError, Problem, StoreError
from shared.jobs import transitions
from shared.jobs.fair_share import Shares
from shared.jobs.growth import Growth
from shared.jobs.model import Job, State
from shared.jobs.queue_order import QueueOrder
from shared.jobs.waiting_reason import NodeView, Waiting, why
from shared.managers import admission
from shared.managers.accepted_jobs import AcceptedJobs
from shared.managers.admission import Source
from shared.managers.cluster_reader import ClusterReader
from shared.managers.conflict_retry import overtaken_by, until_written
from shared.managers.gang_manager import Gangs
from shared.managers.job_removal import Remover
from shared.managers.live_jobs import LiveJobs, queued
from shared.managers.node_reports import NodeReports
from shared.managers.scaler import Scaler
from shared.managers.status_writer import StatusWriter
from shared.managers.submission import Submission, Submitter
from shared.names.ids import ClusterId, JobId
from shared.settings import Settings
from shared.stores.job_table import JobTable
from shared.stores.live_rows import LiveEntry

log = logging.getLogger(__name__)

#: Jobs of a workspace that are looked at for a place in the queue: one page of the table.
_MOST_AHEAD = 1000


@dataclass(frozen=True)
class _Seen:
    """What is known of a cluster when somebody asks why its jobs wait. `at`: by the monotonic clock."""

    at: float
    nodes: list[NodeView]
    queue: QueueOrder
    growth: Growth | None


class JobManager:
    """Keeps nothing between calls but what `why` has seen; safe to use from several threads."""

    def __init__(
        self,
        settings: Settings,
        jobs: JobTable,
        live: LiveJobs,
        scaler: Scaler,
        submitter: Submitter,
        remover: Remover,
        status: StatusWriter,
        accepted: AcceptedJobs,
        clusters: ClusterReader,
        nodes: NodeReports,
        gangs: Gangs,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self.settings = settings
        self._jobs = jobs
        self._live = live
        self._scaler = scaler
        self.now = now
        self._submitter = submitter
        self._remover = remover
        self._status = status
        self._accepted = accepted
        self._clusters = clusters
        self._nodes = nodes
        self._gangs = gangs
        self._monotonic = monotonic
        self._seen: dict[ClusterId, _Seen] = {}

    def submit(self, job: JobId, data: bytes, source: Source) -> Submission:
        """Accept or refuse a document; the answer is in status.json too. Raises StoreError only."""
        return self._grown(self._submitter.submit(job, data, source))

    def submit_http(self, job: JobId, data: bytes, by: str) -> Submission:
        """As `submit`, for a document that `by` sent over HTTP: a refusal writes nothing, and a copy without
        secrets is shown where the document would have been dropped."""
        source = admission.http_source(self.settings, job, by)
        return self._grown(self._submitter.submit(job, data, source))

    def _grown(self, answer: Submission) -> Submission:
        """A job that was accepted need not wait for the next sweep to have machines asked for."""
        if answer.job and answer.job.state is State.QUEUED and not answer.known:
            self._scaler.job_came(answer.job.cluster)
        return answer

    def refuse(self, source: Source, problems: tuple[Problem, ...]) -> Submission:
        """Answer a drop whose very place or name is wrong."""
        return self._submitter.refuse(source, problems)

    def get(self, job: JobId) -> Job:
        """The latest run under a name. Raises NotFoundError."""
        found = self._jobs.get(job)
        if found is None:
            raise NotFoundError(f"The specified job {job.job} is not found", "JobNotFound")
        return found

    def spec(self, job: Job) -> tuple[JobSpec, str]:
        """As AcceptedJobs.spec. Raises NotFoundError, StoreError, DocumentError."""
        return self._accepted.spec(job)

    def find(self, job: JobId) -> Job | None:
        """The latest run under a name, or None."""
        return self._jobs.get(job)

    def list_jobs(self, workspace: str, experiment: str, after: str = "", most: int = 1000) -> list[Job]:
        """The latest run of each job of an experiment, by name: `most` of them, after the name `after`."""
        return self._jobs.list_jobs(workspace, experiment, after, most)

    def runs(self, job: JobId) -> list[Job]:
        """Every run under a name, oldest first. Raises NotFoundError."""
        latest = self.get(job)
        ended = [run for run in self._jobs.list_runs(job) if run.uuid != latest.uuid]
        return [*ended, latest]

    def acknowledge(self, job: JobId) -> None:
        """The copy of a document that came over HTTP has appeared: bring its status.json up to date."""
        found = self._jobs.get(job)
        if found is not None and admission.is_http(found):
            self._status.write_as_read(found, self._jobs)

    def delete(self, job: JobId, by: str = "") -> Job | None:
        """Remove a job, its history and its documents: an ended one at once, a queued one is ended first, a
        running one is removed when its runner has stopped it. `by`: who asks. None when there is no such job.

        Raises StoreError.
        """
        gone = self._remover.delete(job, self.now(), by)
        if gone and gone.state.live:
            self._wake_up(gone)
            self._status.write_as_read(gone, self._jobs)
        return gone

    def terminate(self, job: JobId, by: str = "") -> Job:
        """Ask for a job's end: queued jobs fail at once, ended ones stay as they are. `by`: who asks, for its
        history.

        Raises NotFoundError, StoreError.
        """

        def ask() -> tuple[Job, bool]:
            found = self.get(job)
            wanted = transitions.request_termination(found, self.now(), by)
            if wanted is found:
                return found, False
            with overtaken_by():
                return self._jobs.write(wanted), True

        asked, written = until_written(ask, f"job {job}")
        self._wake_up(asked)
        if written:
            self._status.write_as_read(asked, self._jobs)
        return asked

    def _wake_up(self, job: Job) -> None:
        """Let the runner of a job that is to end look at once; otherwise it hears with its next renewal."""
        if job.state is not State.TERMINATING or not job.owner:
            return
        try:
            self._nodes.wake_up(job.cluster, job.owner)
        except StoreError as error:
            log.warning("runner not woken: %s", error, extra={"action": "wake_up", "job": str(job.id)})

    def why(self, job: Job, at_most_old_seconds: float = 0.0) -> Waiting | None:
        """Why a queued job waits, None for any other. What is known of its cluster may be so old: many who
        ask for their jobs at the same time do not each read the whole queue. Of a job that waits for a limit
        the live jobs of its workspace are read instead (Quotas.shares)."""
        if job.state is not State.QUEUED:
            return None
        if job.withheld and (waits := self._submitter.quotas.why(job, at_most_old_seconds)):
            return waits
        seen = self._cluster_of(job, at_most_old_seconds)
        command, most = self.settings.runner_command, self._clusters.most_nodes(job.cluster)
        return why(job, seen.queue, seen.nodes, command, self.gathered(job), most, seen.growth)

    def _cluster_of(self, job: Job, at_most_old_seconds: float) -> "_Seen":
        seen = self._seen.get(job.cluster)
        if seen and self._monotonic() - seen.at < at_most_old_seconds:
            return seen
        at = self._monotonic()
        nodes, queue = self._clusters.node_views(job.cluster), self.queue_of(job.cluster)
        seen = self._seen[job.cluster] = _Seen(at, nodes, queue, self._scaler.growth(job.cluster))
        return seen

    def shares(self, workspace: str, at_most_old_seconds: float) -> Shares:
        """As Quotas.shares. Raises StoreError."""
        return self._submitter.quotas.shares(workspace, at_most_old_seconds)

    def gathered(self, job: Job) -> list[str]:
        """The nodes that a held job has together, none for any other."""
        gang = self._gangs.of_job(job) if job.held else None
        return [member.node_id for member in gang.members] if gang else []

    def queue_of(self, cluster: ClusterId) -> QueueOrder:
        """The oldest live jobs of a cluster, of every workspace that sends jobs to it: enough for a place in
        the queue that means something."""
        return QueueOrder(queued(self.live(cluster, _MOST_AHEAD)))

    def in_workspace(self, workspace: str, most: int) -> list[Job]:
        """The latest run of `most` jobs of a workspace, whatever their experiment."""
        return self._jobs.list_workspace(workspace, most)

    def live_of_workspace(self, workspace: str) -> list[LiveEntry]:
        """Jobs submitted in a workspace that have not ended, whatever their cluster."""
        return self._jobs.list_live_of_workspace(workspace)

    def live(self, cluster: ClusterId, most: int | None = None) -> list[LiveEntry]:
        """The index entries of a cluster's live jobs, of every workspace, oldest first; `most` of each."""
        return self._live.of(cluster, most)
