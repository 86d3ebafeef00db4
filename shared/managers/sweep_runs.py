"""What a sweep does with jobs: makes one for a run, sees how runs have ended, stops and removes them."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shared.errors import BatchAIError, NotFoundError, Severity
from shared.jobs.model import Job, State
from shared.managers.admission import Source
from shared.managers.job_manager import JobManager
from shared.managers.sweep_documents import SweepDocuments
from shared.names.sweep_ids import SweepId, run_mark, sweep_of
from shared.stores.sweep_jobs import SweepJobs
from shared.sweeps.model import RunResult, Sweep
from shared.sweeps.plan import Metric
from shared.sweeps.run_documents import run_document

log = logging.getLogger(__name__)

#: The value of a metric of a job that has ended, None where there is none. Raises BatchAIError.
ReadMetric = Callable[[Job, Metric], float | None]
AT_A_TIME = 8
#: Up to so many runs each job is read by itself, beyond them all of the sweep's in one query for a thousand;
#: of a large sweep one more for so many runs that it has.
_FEW, _MANY = 4, 500
T = TypeVar("T")
R = TypeVar("R")


class SweepRuns:
    """Runs as jobs. Writes no row of a sweep."""

    def __init__(
        self, manager: JobManager, jobs: SweepJobs, documents: SweepDocuments, at_a_time: int = AT_A_TIME
    ) -> None:
        """`at_a_time`: jobs that are made, stopped or removed at the same time."""
        self._manager = manager
        self._jobs = jobs
        self._documents = documents
        self._at_a_time = at_a_time

    def make(self, sweep: Sweep, numbers: Sequence[int]) -> list[RunResult]:
        """Make the jobs of runs; those that are there already stay. The results of runs that were refused.
        Raises StoreError: then some may be missing."""
        plan = self._documents.plan(sweep)
        container = self._manager.settings.jobs_container

        def made(number: int) -> RunResult | None:
            job = sweep.id.job(sweep.index(number))
            source = Source(f"{container}/{job}/job.json", str(sweep.mark(number)), sweep.submitted_by)
            answer = self._manager.submit(job, run_document(plan, number), source)
            if answer.accepted:
                return None
            faults = [str(p) for p in answer.problems if p.severity is Severity.ERROR]
            return RunResult(number, "", "refused", message=(faults or [str(answer.fault)])[0])

        return [result for result in self._at_once(made, numbers) if result]

    def jobs_of(self, sweep: Sweep, numbers: Sequence[int]) -> dict[int, Job]:
        """The jobs of some runs of this generation, by number: at most a few calls for few runs, else one for
        a thousand runs of the sweep. They may lack their documents."""
        if len(numbers) <= max(_FEW, sweep.count // _MANY):
            some = (self._manager.find(sweep.id.job(sweep.index(number))) for number in numbers)
            found: Iterable[Job] = (job for job in some if job)
        else:
            found = self._jobs.list(sweep.id)
        wanted = {str(sweep.mark(number)): number for number in numbers}
        marked = ((wanted.get(str(run_mark(job.source))), job) for job in found)
        return {number: job for number, job in marked if number is not None}

    def result(self, sweep: Sweep, number: int, job: Job, read: ReadMetric | None) -> RunResult:
        """How a run whose job has ended went."""
        metric = self._metric(sweep, job, read) if read else None
        error = job.errors[0] if job.errors else None
        return RunResult(
            number=number,
            uuid=job.uuid,
            state=str(job.state),
            started=job.started,
            ended=job.ended,
            exit_code=job.exit_code,
            metric=metric,
            message=f"{error.code}: {error.message}" if error else "",
        )

    def _metric(self, sweep: Sweep, job: Job, read: ReadMetric) -> float | None:
        """A metric that cannot be read changes nothing: the run ended as it did."""
        fields = {"action": "metric", "job": str(job.id)}
        try:
            metric = self._documents.plan(sweep).metric
            whole = self._manager.find(job.id) if metric else None  # a listed one has no document
            if metric is None or whole is None or whole.uuid != job.uuid or whole.attempt == 0:
                return None
            return read(whole, metric)
        except BatchAIError as error:
            log.warning("metric of %s not read: %s", job.id, error, extra=fields)
            return None

    def stop(self, jobs: Iterable[tuple[int, Job]]) -> list[tuple[int, Job]]:
        """Ask runs to end; how their jobs stand then. One that has gone is left out."""

        def stopped(pair: tuple[int, Job]) -> tuple[int, Job] | None:
            try:
                return pair[0], self._manager.terminate(pair[1].id, _by(pair[1]))
            except NotFoundError:
                return None

        return [pair for pair in self._at_once(stopped, list(jobs)) if pair]

    def remove(self, sweep: SweepId, most: int) -> int:
        """Remove jobs of every sweep there was under a name, `most` of them; how many there were."""
        some = [job for _, job in zip(range(most), self._jobs.list(sweep), strict=False)]
        list(self._at_once(lambda job: self._manager.delete(job.id, _by(job)), some))
        return len(some)

    def remove_runs(self, sweep: Sweep, numbers: Sequence[int]) -> None:
        """Remove the jobs of some runs of this generation."""
        for job in self.jobs_of(sweep, numbers).values():
            self._manager.delete(job.id, _by(job))

    def _at_once(self, act: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """`act` on each, some at a time, in order. The first exception is raised once all have been tried."""
        at_a_time = min(self._at_a_time, len(items))
        if at_a_time < 2:
            yield from map(act, items)
            return
        with ThreadPoolExecutor(at_a_time) as pool:
            yield from pool.map(act, items)


def _by(run: Job) -> str:
    """Who stops or removes a run, for its history."""
    return f"sweep {sweep_of(run.id)}"


def is_stoppable(job: Job) -> bool:
    """Whether a job lives that nobody has asked to end."""
    return job.state.live and job.state is not State.TERMINATING
