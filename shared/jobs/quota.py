"""Whether a job keeps within the limits of its workspace and submitter, and which waiting one is next. PURE.

Counted are jobs that may be run: those that wait for a limit are not. Of the nodes of a workspace as many are
counted as these jobs ask for, running or not, so that their number is never passed.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.names.ids import priority_rank
from shared.names.limits import GPU_HOURS, LIVE_JOBS, NODES, Limit, Limits
from shared.names.submitters import UNKNOWN


@dataclass(frozen=True)
class Asking:
    """A job as far as limits are concerned. `withheld`: it waits for one."""

    uuid: str
    by: str  #: who submitted it
    nodes: int
    priority: str
    created: datetime
    withheld: bool = False


@dataclass(frozen=True)
class Amount:
    """What jobs use together. `gpu_hours`: of this month."""

    live_jobs: int = 0
    nodes: int = 0
    gpu_hours: float = 0.0

    def plus(self, job: Asking) -> "Amount":
        return replace(self, live_jobs=self.live_jobs + 1, nodes=self.nodes + job.nodes)


@dataclass
class InUse:
    """What a workspace uses, and each submitter in it."""

    workspace: str
    total: Amount = Amount()
    by: dict[str, Amount] = field(default_factory=dict)

    def add(self, job: Asking) -> None:
        """Count a job that may be run."""
        self.total = self.total.plus(job)
        self.by[job.by] = self.of(job.by).plus(job)

    def add_hours(self, by: str, gpu_hours: float) -> None:
        self.total = replace(self.total, gpu_hours=self.total.gpu_hours + gpu_hours)
        self.by[by] = replace(self.of(by), gpu_hours=self.of(by).gpu_hours + gpu_hours)

    def of(self, by: str) -> Amount:
        return self.by.get(by, Amount())

    def copy(self) -> "InUse":
        """Another one that is counted on by itself."""
        return InUse(self.workspace, self.total, dict(self.by))


@dataclass(frozen=True)
class Passed:
    """A limit that a job would pass."""

    whose: str  #: for people
    own: bool  #: the submitter's, else the workspace's
    word: str  #: liveJobs, nodes or gpuHours
    used: float
    limit: float
    needs: int = 1  #: of it, by the job

    def __str__(self) -> str:
        if self.word == LIVE_JOBS:
            return f"{self.whose} has {self.used} live jobs of {self.limit:g}"
        if self.word == NODES:
            asked = f"{self.whose} has jobs for {self.used} nodes of {self.limit:g}"
            return f"{asked}, and this one needs {self.needs}"
        return f"{self.whose} has used {self.used:.1f} GPU hours of {self.limit:g} this month"


def in_use(workspace: str, jobs: Iterable[Asking], gpu_hours: Iterable[tuple[str, float]] = ()) -> InUse:
    """What the jobs that are not withheld use. `gpu_hours`: submitters and what their jobs had."""
    found = InUse(workspace)
    for job in jobs:
        if not job.withheld:
            found.add(job)
    for by, hours in gpu_hours:
        found.add_hours(by, hours)
    return found


def over(limits: Limits, used: InUse, job: Asking) -> Passed | None:
    """The limit that `job` would pass, the workspace's first; None where it keeps within all."""
    place = f"workspace {used.workspace}"
    return _over(place, False, limits.of_workspace(used.workspace), used.total, job) or _over(
        f"submitter {job.by or UNKNOWN} in {place}", True, limits.of_submitter(job.by), used.of(job.by), job
    )


def _over(whose: str, own: bool, limit: Limit, used: Amount, job: Asking) -> Passed | None:
    with_it = used.plus(job)
    if limit.live_jobs is not None and with_it.live_jobs > limit.live_jobs:
        return Passed(whose, own, LIVE_JOBS, used.live_jobs, limit.live_jobs)
    if limit.nodes is not None and with_it.nodes > limit.nodes:
        return Passed(whose, own, NODES, used.nodes, limit.nodes, job.nodes)
    if limit.gpu_hours is not None and used.gpu_hours >= limit.gpu_hours:
        return Passed(whose, own, GPU_HOURS, used.gpu_hours, limit.gpu_hours)
    return None


def never(limits: Limits, workspace: str, job: Asking) -> Passed | None:
    """The limit that `job` passes by itself, so that it would wait for ever; None where there is none."""
    return over(limits, InUse(workspace), job)


def let_go(limits: Limits, used: InUse, waiting: Iterable[Asking], most: int) -> list[Asking]:
    """Which of the jobs that wait for a limit may be run now, `most` of them, in turn. Counts them in
    `used`."""
    chosen: list[Asking] = []
    for job in in_turn(used, waiting):
        if len(chosen) == most:
            break
        # What passes a limit now still does with more in use: it is not looked at again.
        if not over(limits, used, job):
            used.add(job)
            chosen.append(job)
    return chosen


def in_turn(used: InUse, waiting: Iterable[Asking]) -> Iterator[Asking]:
    """Jobs as it is their turn: by priority; within one it is the turn of the submitter with the fewest nodes
    in use, and of the oldest job. Whoever takes one adds it to `used` before the next is asked for."""
    lines: dict[str, list[Asking]] = {}
    for job in sorted(waiting, key=_age, reverse=True):
        lines.setdefault(job.by, []).append(job)
    heads = [_head(line, used) for line in lines.values()]
    heapq.heapify(heads)
    while heads:
        line = lines[heapq.heappop(heads)[-1]]
        yield line.pop()
        if line:
            heapq.heappush(heads, _head(line, used))


def _age(job: Asking) -> tuple[int, datetime, str]:
    return priority_rank(job.priority), job.created, job.uuid


def _head(line: list[Asking], used: InUse) -> tuple[int, int, datetime, str]:
    """What decides between the submitters' next jobs; the last member says whose it is."""
    job = line[-1]
    return priority_rank(job.priority), used.of(job.by).nodes, job.created, job.by
