"""SweepManager: the gate to sweeps: submit, get, list, terminate, delete, run again, and `work`, which moves
a sweep on whenever a message or the timer says so."""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.errors import BatchAIError, ConflictError, IllegalTransitionError, NotFoundError, Problem
from shared.jobs.model import Job
from shared.managers.admission import Source
from shared.managers.conflict_retry import overtaken_by, until_written
from shared.managers.sweep_documents import SweepDocuments
from shared.managers.sweep_runs import ReadMetric, SweepRuns
from shared.managers.sweep_submission import SweepSubmission, SweepSubmitter
from shared.managers.sweep_worker import SweepWorker
from shared.names.sweep_ids import SweepId
from shared.stores.sweep_rows import Pointer
from shared.stores.sweep_table import SweepTable
from shared.sweeps import progress
from shared.sweeps.model import RunResult, Sweep
from shared.sweeps.plan import SweepPlan

log = logging.getLogger(__name__)

#: For as long as this one call works at a sweep; then a message has another one go on.
_WORK_SECONDS = 60.0
#: For as long as this the timer works at one sweep, and at all of them.
_TURN_SECONDS, _ROUND_SECONDS = 20.0, 120.0
#: And who asks for the deletion of what sweeps lie in, before the timer continues.
_DELETION_SECONDS = 5.0
#: A pointer that is older leads to a sweep that never came to be, or is no more.
_LOST_SECONDS = 600.0


@dataclass(frozen=True)
class RunsPage:
    """Some runs of a sweep: the numbers from `first` to before `end`, what is known of their ends, and the
    jobs of those that have not ended."""

    sweep: Sweep
    plan: SweepPlan
    first: int
    end: int
    results: dict[int, RunResult]
    jobs: dict[int, Job]


class SweepManager:
    """Safe to use from several threads."""

    def __init__(
        self,
        table: SweepTable,
        submitter: SweepSubmitter,
        worker: SweepWorker,
        runs: SweepRuns,
        kept: SweepDocuments,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._table = table
        self._submitter = submitter
        self._worker = worker
        self._runs = runs
        self._kept = kept
        self._now = now
        self._monotonic = monotonic

    def submit(self, sweep: SweepId, data: bytes, source: Source) -> SweepSubmission:
        """Accept or refuse a document; the answer is in status.json too. Raises StoreError only."""
        return self._submitter.submit(sweep, data, source)

    def submit_http(self, sweep: SweepId, data: bytes, by: str) -> SweepSubmission:
        """As `submit`, for a document that `by` sent over HTTP: a refusal writes nothing."""
        return self._submitter.submit(sweep, data, self._submitter.http_source(sweep, by))

    def refuse(self, source: Source, problems: tuple[Problem, ...]) -> SweepSubmission:
        """Answer a drop whose very place or name is wrong."""
        return self._submitter.refuse(source, problems)

    def get(self, sweep: SweepId) -> Sweep:
        """A sweep. Raises NotFoundError."""
        found = self._table.get(sweep)
        if found is None:
            raise NotFoundError(f"The specified sweep {sweep.sweep} is not found", "SweepNotFound")
        return found

    def find(self, sweep: SweepId) -> Sweep | None:
        """A sweep, or None."""
        return self._table.get(sweep)

    def list_sweeps(
        self, workspace: str, experiment: str = "", after: str = "", most: int = 1000
    ) -> list[Sweep]:
        """Sweeps of an experiment by name: `most` of them, after the name `after`."""
        return self._table.list_sweeps(workspace, experiment, after, most)

    def runs(self, sweep: Sweep, first: int, most: int) -> RunsPage:
        """Runs by number from `first` on. Four calls at most, and one more for each thousand jobs of the
        sweep where some have not ended. Raises StoreError, DocumentError."""
        end = min(sweep.count, first + most)
        results = {r.number: r for r in self._table.results(sweep.id, first, end - first)}
        live = [n for n in sweep.in_flight if first <= n < end]
        jobs = self._runs.jobs_of(sweep, live) if live else {}
        # Of runs that are done again the results of the time before are no longer theirs.
        shown = {n: r for n, r in results.items() if sweep.ended >> n & 1}
        return RunsPage(sweep, self._kept.plan(sweep), first, end, shown, jobs)

    def terminate(self, sweep: SweepId) -> Sweep:
        """Ask for a sweep's end: no more runs are made, those that live are stopped. One that has ended stays
        as it is. Raises NotFoundError, StoreError."""
        return self._change(sweep, progress.request_termination)

    def delete(self, sweep: SweepId) -> Sweep | None:
        """Remove a sweep with its runs, which are stopped first. None where there is none."""
        try:
            return self._change(sweep, progress.request_deletion)
        except NotFoundError:
            return None

    def rerun(self, sweep: SweepId) -> Sweep:
        """Do the runs again that failed or were never made. Raises NotFoundError, ConflictError."""
        try:
            return self._change(sweep, progress.rerun)
        except IllegalTransitionError as error:
            raise ConflictError(str(error), "SweepCannotRunAgain") from error

    def _change(self, sweep: SweepId, change: Callable[[Sweep, datetime], Sweep]) -> Sweep:
        def write() -> Sweep:
            found = self.get(sweep)
            wanted = change(found, self._now())
            # Noted first, so that the timer continues it even if this process crashes.
            if wanted.state.live or wanted.deleting:
                self._table.point(wanted)
            if wanted == found:
                return found
            with overtaken_by():
                return self._table.update(wanted)

        written = until_written(write, f"sweep {sweep}")
        if written.state.live or written.deleting:
            self._submitter.look_at(written.id)
        return written

    def work(
        self,
        sweep: SweepId,
        ended: Sequence[int] | None = None,
        read: ReadMetric | None = None,
        seconds: float = _WORK_SECONDS,
    ) -> None:
        """Move a sweep on as far as can be done now. `ended`: only these runs are looked at; None: all.
        `read` finds the metric of a job that has ended. Raises StoreError, DocumentError."""
        deadline = self._monotonic() + seconds
        looked_at = None if ended is None else tuple(ended)
        while self._worker.step(sweep, looked_at, read):
            if self._monotonic() > deadline:
                self._submitter.look_at(sweep)
                return
            found = self._table.get(sweep)
            # What is only to be made needs no look at what runs.
            looked_at = () if found and found.state == "running" else None

    def mend(self, read: ReadMetric | None = None) -> int:
        """The timer's: every sweep that is not at its end continues, whatever messages were lost; how many
        there are. A fault in one keeps nobody from the others."""
        deadline = self._monotonic() + _ROUND_SECONDS
        pointers = self._table.pointers()
        random.shuffle(pointers)
        for pointer in pointers:
            if self._monotonic() > deadline:
                break
            try:
                self._mend(pointer, read)
            except BatchAIError as error:
                extra = {"action": "sweep", "sweep": str(pointer.id)}
                log.error("sweep %s is stuck: %s", pointer.id, error, extra=extra)
        return len(pointers)

    def _mend(self, pointer: Pointer, read: ReadMetric | None) -> None:
        found = self._table.get(pointer.id)
        if found and found.uuid == pointer.uuid:
            self.work(pointer.id, None, read, _TURN_SECONDS)
        elif pointer.age_seconds > _LOST_SECONDS:
            self._kept.delete(pointer.uuid)
            self._table.forget(pointer.id, pointer.uuid)

    def delete_all(self, workspace: str, experiment: str = "", most: int = 100) -> bool:
        """Begin and carry on the deletion of the sweeps of an experiment, or of a workspace; whether none is
        left. Raises StoreError."""
        found = self.list_sweeps(workspace, experiment, most=most)
        deadline = self._monotonic() + _DELETION_SECONDS
        for sweep in found:
            if not sweep.deleting:
                self.delete(sweep.id)
            if self._monotonic() < deadline:
                self.work(sweep.id, None, None, _DELETION_SECONDS)
        return not (found and self.list_sweeps(workspace, experiment, most=1))
