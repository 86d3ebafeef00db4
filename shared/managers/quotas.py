"""Quotas: jobs that would pass a limit (BATCHAI_LIMITS) are refused, or wait without a message until the
sweep lets them go. What is promised: a limit may be passed by as many jobs as are submitted at the same
moment, by several threads or instances; what the sweep lets go passes none."""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime

from shared.errors import LostOwnershipError
from shared.jobs import transitions
from shared.jobs.fair_share import Shares
from shared.jobs.model import Job, State
from shared.jobs.quota import Asking, InUse, in_use, let_go, never, over
from shared.jobs.waiting_reason import Waiting
from shared.managers.jobs_since import jobs_since
from shared.managers.live_jobs import read_entry
from shared.managers.status_writer import StatusWriter
from shared.managers.workspace_manager import WorkspaceManager
from shared.names.limits import REFUSE, Limits
from shared.stores.job_lists import JobLists
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable
from shared.stores.live_rows import LiveEntry

log = logging.getLogger(__name__)

#: How old a count may be that lets a job in; nothing is refused by an old one.
_COUNT_SECONDS = 5.0
#: How old the GPU hours of a workspace may be: they are known once attempts have ended.
_HOURS_SECONDS = 60.0
#: Jobs of a workspace that one sweep lets go.
_MOST_LET_GO = 100


class Quotas:
    """Remembers counts for seconds; safe to use from several threads."""

    def __init__(
        self,
        limits: Limits,
        jobs: JobTable,
        queues: JobQueues,
        lists: JobLists,
        workspaces: WorkspaceManager,
        status: StatusWriter,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._limits = limits
        self._jobs = jobs
        self._queues = queues
        self._lists = lists
        self._workspaces = workspaces
        self._status = status
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, InUse]] = {}
        self._shares: dict[str, tuple[float, Shares]] = {}
        self._hours: dict[str, tuple[float, datetime, list[tuple[str, float]]]] = {}

    def over(self, new: Job) -> tuple[str, bool]:
        """What `new` would pass, for people, "" where it is within all limits, and then it is counted; and
        whether it is to be refused. Raises StoreError."""
        if not self._limits.any:
            return "", False
        asking, workspace = _asking(new), new.id.workspace
        if by_itself := never(self._limits, workspace, asking):
            return str(by_itself), True
        with self._lock:
            at, used = self._counts.get(workspace.lower(), (0.0, InUse(workspace)))
            old = workspace.lower() not in self._counts or self._monotonic() - at > _COUNT_SECONDS
            if old or over(self._limits, used, asking):
                used = self._count(workspace, self._jobs.list_live_of_workspace(workspace))
                self._counts[workspace.lower()] = (self._monotonic(), used)
            passed = over(self._limits, used, asking)
            if passed is None:
                used.add(asking)
        return str(passed or ""), self._limits.over == REFUSE

    def shares(self, workspace: str, at_most_old_seconds: float = 0.0) -> Shares:
        """What a workspace uses of its limits, and who waits for them; it may be so old. A call for each
        thousand live jobs; where GPU hours are limited, once a minute one for each experiment and each
        thousand jobs of the month. Raises StoreError."""
        with self._lock:
            at, known = self._shares.get(workspace.lower(), (0.0, None))
            if known is None or self._monotonic() - at > at_most_old_seconds:
                at = self._monotonic()
                jobs = [_asking_of(each) for each in self._jobs.list_live_of_workspace(workspace)]
                known = Shares(self._limits, in_use(workspace, jobs, self._hours_of(workspace)), jobs)
                self._shares[workspace.lower()] = at, known
        return known

    def why(self, job: Job, at_most_old_seconds: float) -> Waiting | None:
        """Why a job waits for a limit, with numbers that may be so old; None where it no longer does, or came
        since. Raises StoreError."""
        return self.shares(job.id.workspace, at_most_old_seconds).why(job.uuid, self._now())

    def _count(self, workspace: str, entries: Iterable[LiveEntry]) -> InUse:
        return in_use(workspace, map(_asking_of, entries), self._hours_of(workspace))

    def _hours_of(self, workspace: str) -> list[tuple[str, float]]:
        """Submitters and GPU hours of their jobs that were created this month."""
        if not self._limits.by_month:
            return []
        month = self._now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        at, known, hours = self._hours.get(workspace.lower(), (0.0, None, []))
        if known != month or self._monotonic() - at > _HOURS_SECONDS:
            found = jobs_since(self._lists, self._workspaces, workspace, month)
            hours = [(job.submitted_by, job.gpu_seconds / 3600) for job in found if job.gpu_seconds]
            self._hours[workspace.lower()] = (self._monotonic(), month, hours)
        return hours

    def let_go(self, workspaces: Iterable[str]) -> int:
        """Send what waited for a limit and is within it now; how many jobs. `workspaces`: where some wait.
        A job whose message is lost on the way is found by the sweep, as any other."""
        sent = 0
        for workspace in workspaces:
            entries = {entry.uuid: entry for entry in self._jobs.list_live_of_workspace(workspace)}
            waiting = [e for e in entries.values() if e.withheld and e.state is State.QUEUED]
            used = self._count(workspace, entries.values())
            chosen = let_go(self._limits, used, map(_asking_of, waiting), _MOST_LET_GO)
            sent += sum(self._send(entries[each.uuid]) for each in chosen)
        return sent

    def _send(self, entry: LiveEntry) -> int:
        job = read_entry(self._jobs, entry)
        if job is None or not job.withheld or job.state is not State.QUEUED:
            return 0
        try:
            written = self._jobs.update(transitions.withheld(job, "", self._now()))
        except LostOwnershipError:
            return 0
        self._queues.send(written)
        self._status.write(written)
        extra = {"action": "let_go", "job": str(job.id), "uuid": job.uuid}
        log.info("job %s is within its limits now", job.id, extra=extra)
        return 1


def _asking(job: Job) -> Asking:
    return Asking(job.uuid, job.submitted_by, job.node_count, job.priority, job.created, bool(job.withheld))


def _asking_of(entry: LiveEntry) -> Asking:
    # A runner of an earlier version, which knows no limits, may have claimed it all the same.
    waits = bool(entry.withheld) and entry.state is State.QUEUED and not entry.owner
    by, nodes = entry.submitted_by, entry.node_count
    return Asking(entry.uuid, by, nodes, entry.priority, entry.created, waits)
