"""Retention: what is kept of jobs, for BATCHAI_KEEP_DAYS after their end. Their files are the matter of
output_retention.py.

The timer asks for one turn after another. A round visits all experiments; a turn does a bounded part of it.
Nothing is noted of how far it is: whatever a crash leaves, the next round finds, for the row of a job is
removed last.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import BatchAIError
from shared.jobs.model import Job
from shared.managers.job_removal import Remover
from shared.managers.workspace_manager import WorkspaceManager
from shared.stores.ended_jobs import EndedJobs
from shared.stores.job_table import JobTable
from shared.stores.workspace_table import Row

log = logging.getLogger(__name__)

#: From the begin of one round to that of the next.
_ROUND_SECONDS = 3600.0
#: Of one turn: runs removed, experiments looked at, and when it stops in any case.
_MOST_REMOVED = 100
_MOST_LOOKS = 100
_MOST_SECONDS = 20.0
_PAGE = 1000


@dataclass(frozen=True)
class _Due:
    """A run that ended long enough ago. `earlier`: others have followed it under its name."""

    run: Job
    earlier: bool


class Retention:
    """Remembers where its round is; another process begins one anew. For one thread at a time."""

    def __init__(
        self,
        keep_days: float,
        jobs: JobTable,
        ended: EndedJobs,
        remover: Remover,
        workspaces: WorkspaceManager,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._keep_days = keep_days
        self._jobs = jobs
        self._ended = ended
        self._remover = remover
        self._workspaces = workspaces
        self._now = now
        self._monotonic = monotonic
        self._round: Iterator[_Due | None] = iter(())
        self._next_round = monotonic()

    def turn(self) -> int:
        """Remove what is due, a bounded part of it; how many runs. Raises nothing: what fails is tried again
        in the next round."""
        if not self._keep_days:
            return 0
        begun = self._monotonic()
        if begun >= self._next_round:
            self._round, self._next_round = self._begin(), begun + _ROUND_SECONDS
        removed = looks = 0
        try:
            # One that has failed is at its end.
            for due in self._round:
                looks += due is None
                removed += due is not None and self._remove(due)
                late = self._monotonic() - begun > _MOST_SECONDS
                if late or removed >= _MOST_REMOVED or looks >= _MOST_LOOKS:
                    break
        except BatchAIError as error:
            log.warning("retention: %s", error, extra={"action": "retention"})
        if removed:
            log.info("%s runs of jobs removed", removed, extra={"action": "retention"})
        return removed

    def _begin(self) -> Iterator[_Due | None]:
        """All runs that are due, with None before those of each experiment."""
        before = self._now() - timedelta(days=self._keep_days)
        for workspace in self._workspaces_of_all():
            for experiment in self._experiments(workspace.name):
                yield None
                for run in self._ended.earlier(workspace.name, experiment.name, before):
                    yield _Due(run, True)
                for run in self._ended.latest(workspace.name, experiment.name, before):
                    yield _Due(run, False)

    def _workspaces_of_all(self) -> Iterator[Row]:
        return _paged(lambda after: self._workspaces.list_workspaces(after=after, most=_PAGE))

    def _experiments(self, workspace: str) -> Iterator[Row]:
        return _paged(lambda after: self._workspaces.list_experiments(workspace, after, _PAGE))

    def _remove(self, due: _Due) -> bool:
        """Whether it was removed; one that cannot be keeps nobody from the others."""
        try:
            if due.earlier:
                self._remover.remove_earlier(due.run)
                return True
            return self._remove_latest(due.run)
        except BatchAIError as error:
            extra = {"action": "retention", "job": str(due.run.id), "uuid": due.run.uuid}
            log.warning("not removed: %s", error, extra=extra)
            return False

    def _remove_latest(self, listed: Job) -> bool:
        job = self._jobs.get(listed.id)
        if job is None or job.uuid != listed.uuid or job.state.live:
            return False
        return self._remover.remove(job)


def _paged(page: Callable[[str], list[Row]]) -> Iterator[Row]:
    after = ""
    while found := page(after):
        yield from found
        if len(found) < _PAGE:
            return
        after = found[-1].name
