"""Whether a job keeps within the limits of its workspace and submitter, and which waiting one is next. PURE.

Counted are jobs that may be run: those that wait for a limit are not. Of the nodes of a workspace as many are
counted as these jobs ask for, running or not, so that their number is never passed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.names.ids import priority_rank
from shared.names.limits import Limit, Limits


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


def in_use(workspace: str, jobs: Iterable[Asking], gpu_hours: Iterable[tuple[str, float]] = ()) -> InUse:
    """What the jobs that are not withheld use. `gpu_hours`: submitters and what their jobs had."""
    found = InUse(workspace)
    for job in jobs:
        if not job.withheld:
            found.add(job)
    for by, hours in gpu_hours:
        found.add_hours(by, hours)
    return found


def over(limits: Limits, used: InUse, job: Asking) -> str:
    """What of the limits `job` would pass, for people; "" where it keeps within all."""
    whose = f"workspace {used.workspace}", f"submitter {job.by or 'unknown'} in workspace {used.workspace}"
    return _over(whose[0], limits.of_workspace(used.workspace), used.total, job) or _over(
        whose[1], limits.of_submitter(job.by), used.of(job.by), job
    )


def _over(whose: str, limit: Limit, used: Amount, job: Asking) -> str:
    with_it = used.plus(job)
    if limit.live_jobs is not None and with_it.live_jobs > limit.live_jobs:
        return f"{whose} has {used.live_jobs} live jobs of {limit.live_jobs:g}"
    if limit.nodes is not None and with_it.nodes > limit.nodes:
        return f"{whose} has jobs for {used.nodes} nodes of {limit.nodes:g}, and this one needs {job.nodes}"
    if limit.gpu_hours is not None and used.gpu_hours >= limit.gpu_hours:
        return f"{whose} has used {used.gpu_hours:.1f} GPU hours of {limit.gpu_hours:g} this month"
    return ""


def never(limits: Limits, workspace: str, job: Asking) -> str:
    """What of the limits `job` passes by itself, so that it would wait for ever; "" where there is none."""
    return over(limits, InUse(workspace), job)


def let_go(limits: Limits, used: InUse, waiting: Iterable[Asking], most: int) -> list[Asking]:
    """Which of the jobs that wait for a limit may be run now, `most` of them: by priority; within one it is
    the turn of the submitter with the fewest nodes in use, and of the oldest job. Counts them in `used`."""
    left = list(waiting)
    chosen: list[Asking] = []
    while len(chosen) < most and (possible := [job for job in left if not over(limits, used, job)]):
        job = min(possible, key=lambda each: _turn(each, used))
        used.add(job)
        left.remove(job)
        chosen.append(job)
    return chosen


def _turn(job: Asking, used: InUse) -> tuple[int, int, datetime]:
    return priority_rank(job.priority), used.of(job.by).nodes, job.created
