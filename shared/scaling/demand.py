"""How many nodes the jobs of a cluster need, within what its scaleSettings allow. PURE."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.jobs.allocation import Scale
from shared.jobs.queue_order import QueuedEntry
from shared.names.ids import priority_rank


@dataclass(frozen=True)
class Wish:
    """How many nodes a cluster should have now, and why, for people: "because ..."."""

    nodes: int
    most: int
    why: str
    least: int = 0
    follows_jobs: bool = True  #: else the number is somebody's target: what is beyond it is deleted at once


def wish_of(scale: Scale, jobs: Sequence[QueuedEntry], since: datetime, now: datetime, hold: float) -> Wish:
    """What `scale` asks for while `jobs` live. `since`: when it was set; the initial number of nodes holds
    for `hold` seconds from then. For a scale without an upper end there is no wish: ValueError."""
    if scale.most is None:
        raise ValueError("this cluster has no scaleSettings: its machines are somebody else's business")
    if not scale.follows_jobs:
        return Wish(scale.most, scale.most, f"its target is {scale.most}", scale.most, follows_jobs=False)
    fresh = now - since < timedelta(seconds=hold)
    least = min(scale.most, max(scale.least, scale.initial if fresh else 0))
    needed = needs(jobs, scale.most)
    if needed <= least:
        word = "minimum" if least == scale.least else "initial number"
        return Wish(least, scale.most, f"its {word} is {least}", least)
    return Wish(needed, scale.most, _because(jobs), least)


def needs(jobs: Sequence[QueuedEntry], most: int) -> int:
    """Nodes for the live jobs, at most `most`: those at work, and of the queue, in its order, each job whose
    nodes all find a place. At least as many as the largest that fits at all, for a gang begins to come
    together only where there are machines for the whole of it. One that never fits asks for nothing."""
    matching = [job for job in jobs if job.node_count <= most]
    total = min(most, sum(job.node_count for job in matching if job.begun))
    queue = [job for job in matching if not job.begun]
    for job in sorted(queue, key=lambda each: (priority_rank(each.priority), each.created)):
        if total + job.node_count <= most:
            total += job.node_count
    return max(total, max((job.node_count for job in queue), default=0))


@dataclass(frozen=True)
class Demand:
    """What an engine that starts runners itself is given of a cluster."""

    nodes: int  #: that should be there now, those at work included
    running: int  #: of these, for jobs that have begun
    jobs: int  #: that have not ended


def demand_of(scale: Scale, jobs: Sequence[QueuedEntry]) -> Demand:
    """How many nodes the live jobs need, gangs whole, within the cluster's target or maximum. A minimum is
    the engine's own business: it would start a runner that leaves again for want of work."""
    most = scale.most if scale.most is not None else sum(job.node_count for job in jobs)
    running = min(most, sum(job.node_count for job in jobs if job.begun))
    return Demand(needs(jobs, most), running, len(jobs))


def _because(jobs: Sequence[QueuedEntry]) -> str:
    waiting = [job for job in jobs if not job.begun]
    if not waiting:
        return "jobs run" if len(jobs) > 1 else "1 job runs"
    if len(waiting) > 1:
        return f"{len(waiting)} jobs wait"
    nodes = waiting[0].node_count
    return "1 job waits" + (f" for {nodes} nodes" if nodes > 1 else "")
