"""Moves a sweep on, a bounded step at a time: counts ends, makes runs, stops them, closes the sweep.

The order of effects makes a crash anywhere harmless (docs/explanation/protocol.md): a run is reserved in the
sweep's row; its job is made, under a uuid that follows from sweep and run; the row says that it is made.
Whoever comes next makes what is reserved once more, and finds it there.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from shared.errors import LostOwnershipError, NotFoundError
from shared.jobs.model import Job
from shared.managers.admission import mark_of, place_of
from shared.managers.conflict_retry import Overtaken, overtaken_by, until_written
from shared.managers.sweep_documents import SweepDocuments
from shared.managers.sweep_runs import ReadMetric, SweepRuns, is_stoppable
from shared.managers.sweep_submission import SweepSubmitter
from shared.names.sweep_ids import SweepId
from shared.stores.document_blobs import Documents
from shared.stores.sweep_table import SweepTable
from shared.sweeps import progress
from shared.sweeps.model import RunResult, Sweep, SweepState

#: Runs that are made, and jobs that are stopped or removed, in one step.
_MOST_MADE, _MOST_STOPPED = 32, 64
#: Ends that are written with the sweep's row: a transaction takes 100 rows.
_MOST_COUNTED = 90
#: status.json of a live sweep is written this often at most.
_SHOW_SECONDS = 10.0
_TRIES = 10


class SweepWorker:
    """Threads of this process take turns at a sweep; other processes are met at the row's ETag."""

    def __init__(
        self,
        table: SweepTable,
        runs: SweepRuns,
        submitter: SweepSubmitter,
        kept: SweepDocuments,
        documents: Documents,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._table = table
        self._runs = runs
        self._submitter = submitter
        self._kept = kept
        self._documents = documents
        self._now = now
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        #: Ends that threads wait to have counted: whoever is next counts them all.
        self._waiting: dict[str, set[int]] = {}
        self._shown: dict[str, float] = {}

    def step(self, sweep: SweepId, ended: tuple[int, ...] | None, read: ReadMetric | None) -> bool:
        """One step; whether there is more to do at once. `ended`: only these runs are looked at, None: all.

        Raises StoreError, DocumentError.
        """
        key = str(sweep).lower()
        with self._guard:
            turn = self._turns.setdefault(key, threading.Lock())
            self._waiting.setdefault(key, set()).update(ended or ())
        with turn:
            with self._guard:
                together = self._waiting.pop(key, set())
            if ended and not together:
                return False  # the thread before has counted them
            try:
                return self._written_step(sweep, None if ended is None else tuple(together), read)
            except BaseException:
                with self._guard:
                    self._waiting.setdefault(key, set()).update(together)
                raise

    def _written_step(self, sweep: SweepId, ended: tuple[int, ...] | None, read: ReadMetric | None) -> bool:
        return until_written(
            lambda: self._step(sweep, ended, read),
            f"sweep {sweep}",
            tries=_TRIES,
            pause=lambda: time.sleep(random.uniform(0.0, 0.1)),
        )

    def _step(self, name: SweepId, ended: tuple[int, ...] | None, read: ReadMetric | None) -> bool:
        sweep = self._table.get(name)
        if sweep is None or not sweep.state.known:
            return False
        looked_at = sweep.in_flight if ended is None else tuple(n for n in ended if n in sweep.in_flight)
        jobs = self._runs.jobs_of(sweep, looked_at) if looked_at else {}
        results = self._results(sweep, looked_at, jobs, read)
        before, more = sweep.state, len(results) > _MOST_COUNTED
        sweep = self._written(sweep, results[:_MOST_COUNTED])
        more = more or sweep.state is not before  # too many failed: the rest is to be stopped
        if sweep.unmade:
            sweep = self._make(sweep)
        if sweep.state is SweepState.TERMINATING and ended is None:
            sweep, left = self._stop(sweep, jobs)
            more = more or left
        if not sweep.state.live:
            return self._close(sweep)
        self._show(sweep, bool(results))
        return more or progress.reserve(sweep, 1) is not sweep

    def _results(
        self, sweep: Sweep, numbers: Iterable[int], jobs: dict[int, Job], read: ReadMetric | None
    ) -> list[RunResult]:
        """The ends of runs that have one. A run that was made and has no job any more was deleted."""
        made = set(sweep.order[: sweep.made])
        found: list[RunResult] = []
        for number in numbers:
            job = jobs.get(number)
            if job is None and number in made:
                found.append(RunResult(number, "", "deleted", message="The job of this run was deleted."))
            elif job and not job.state.live:
                found.append(self._runs.result(sweep, number, job, read))
        return found

    def _written(self, sweep: Sweep, results: list[RunResult]) -> Sweep:
        """The sweep with these ends counted, in the state they mean, and as many runs reserved as may be."""
        wanted = progress.settle(progress.count_ends(sweep, results), self._now())
        wanted = progress.reserve(wanted, _MOST_MADE)
        if wanted == sweep:
            return sweep
        with overtaken_by():
            return self._table.update(wanted, results)

    def _make(self, sweep: Sweep) -> Sweep:
        """The sweep with a job for each run that is reserved."""
        unmade = sweep.unmade
        refused = self._runs.make(sweep, unmade)
        wanted = progress.settle(progress.count_ends(progress.confirm(sweep), refused), self._now())
        try:
            return self._table.update(wanted, refused)
        except (LostOwnershipError, NotFoundError) as error:
            found = self._table.get(sweep.id)
            if found is None or found.uuid != sweep.uuid:
                self._runs.remove_runs(sweep, unmade)  # deleted meanwhile: nothing is left of it
            raise Overtaken from error

    def _stop(self, sweep: Sweep, jobs: dict[int, Job]) -> tuple[Sweep, bool]:
        """The sweep with the ends of runs that end at once; whether more are to be stopped. Those that were
        made in this very step are met by the next."""
        stoppable = [(number, jobs[number]) for number in sweep.in_flight if number in jobs]
        stoppable = [(number, job) for number, job in stoppable if is_stoppable(job)]
        stopped = dict(self._runs.stop(stoppable[:_MOST_STOPPED]))
        results = self._results(sweep, stopped, stopped, None)
        left = len(stoppable) > _MOST_STOPPED or any(n not in jobs for n in sweep.in_flight)
        return self._written(sweep, results), left

    def _show(self, sweep: Sweep, changed: bool) -> None:
        """Bring status.json up to date now and then, and not over that of the end, which others may write."""
        now, key = self._monotonic(), sweep.uuid
        if not changed or now - self._shown.get(key, float("-inf")) < _SHOW_SECONDS:
            return
        self._shown[key] = now
        self._submitter.show(sweep)
        found = self._table.get(sweep.id)
        if found and not found.state.live:
            self._submitter.show(found)

    def _close(self, sweep: Sweep) -> bool:
        """What follows the end of a sweep; whether there is more of it to do."""
        self._shown.pop(sweep.uuid, None)
        if sweep.deleting:
            return self._remove(sweep)
        self._submitter.show(sweep)
        self._table.forget(sweep.id, sweep.uuid)
        return False

    def _remove(self, sweep: Sweep) -> bool:
        """Remove a sweep with its runs. The row is removed last, so that a crash leaves something to find."""
        if self._runs.remove(sweep.id, _MOST_STOPPED):
            return True
        place, etag = place_of(sweep.source), mark_of(sweep.source)
        self._table.delete_results(sweep.id)
        self._kept.delete(sweep.uuid)
        if etag:
            self._documents.delete_dropped(place, etag)
        self._documents.delete_status(place)
        self._table.delete(sweep)
        self._table.forget(sweep.id, sweep.uuid)
        return False
