"""What jobs and clusters have used of nodes, and what that cost by the operator's prices: estimates. PURE.

A node is paid for from when its machine is made until it is deleted. Of that time, what an attempt held it
for (from its claim to its end, on each of its nodes) is the job's, the rest is the cluster's idle time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.jobs.events import EventKind
from shared.jobs.model import Job

#: What uses can be shown for.
BY = ("attempt", "job", "user", "experiment", "cluster")


@dataclass(frozen=True)
class AttemptUse:
    """One attempt of a job. `node_seconds`: over all of its nodes."""

    attempt: int
    begun: datetime
    ended: datetime
    node_seconds: float


@dataclass(frozen=True)
class Use:
    """What came together under one name."""

    name: str
    jobs: int = 0
    attempts: int = 0
    node_seconds: float = 0.0
    gpu_seconds: float = 0.0
    idle_seconds: float | None = None  #: of nodes without a job; None: not known, or not a cluster
    cost: float | None = None  #: None: for some of it there is no price


def attempts_of(job: Job, now: datetime) -> list[AttemptUse]:
    """The attempts of a job's latest run as its events show them: of a long history some are cut out. The one
    under way lasts until `now`. One whose runner was lost lasted until that was noticed."""
    found: dict[int, list[datetime]] = {}
    for event in job.events:
        if event.attempt and (event.attempt in found or event.kind is EventKind.CLAIMED):
            found.setdefault(event.attempt, []).append(event.at)
    live = job.attempt if job.ended is None and job.owner else 0
    uses = []
    for attempt, times in sorted(found.items()):
        begun, last = times[0], now if attempt == live else times[-1]
        # Two machines' clocks may disagree.
        seconds = max(0.0, (last - begun).total_seconds()) * job.node_count
        uses.append(AttemptUse(attempt, begun, last, seconds))
    return uses


def used(name: str, jobs: Sequence[tuple[Job, float | None]], now: datetime) -> Use:
    """What these jobs have used together; with each the price of an hour of one of its nodes."""
    node_seconds = gpu_seconds = 0.0
    attempts, cost = 0, 0.0
    priced = True
    for job, price in jobs:
        uses = attempts_of(job, now)
        seconds = sum(use.node_seconds for use in uses)
        node_seconds, gpu_seconds = node_seconds + seconds, gpu_seconds + job.gpu_seconds
        attempts += len(uses)
        priced &= price is not None or not seconds
        cost += seconds / 3600 * (price or 0.0)
    return Use(name, len(jobs), attempts, node_seconds, gpu_seconds, None, cost if priced else None)


def with_idle(use: Use, machine_seconds: float, price: float | None) -> Use:
    """A cluster's use with the time of its nodes that no job had, which is paid for as well."""
    idle = max(0.0, machine_seconds - use.node_seconds)
    cost = None if use.cost is None or (price is None and idle) else use.cost + idle / 3600 * (price or 0.0)
    return Use(use.name, use.jobs, use.attempts, use.node_seconds, use.gpu_seconds, idle, cost)


def seconds_since(days: Iterable[tuple[str, float]], since: datetime) -> float:
    """Seconds of machines that were deleted on or after the day of `since`."""
    return sum(seconds for day, seconds in days if day >= f"{since:%Y-%m-%d}")
