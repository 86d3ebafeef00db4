"""The order in which the queued jobs of a cluster get nodes, and what waits ahead of one of them. PURE."""

import bisect
import functools
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.jobs.model import Job, State
from shared.names.ids import priority_rank


@dataclass(frozen=True)
class QueuedEntry:
    """Another job of the same cluster, as far as its place in the queue is concerned."""

    uuid: str
    state: State
    priority: str
    node_count: int
    created: datetime
    owner: str = ""  #: the node that has claimed it

    @property
    def begun(self) -> bool:
        """Whether it has nodes, or is getting them together."""
        return bool(self.owner) or self.state is not State.QUEUED


@dataclass(frozen=True)
class Ahead:
    """What waits before a job."""

    jobs: int
    served: int = 0  #: of these, those that the cluster has enough nodes for
    nodes: int = 0  #: that the served ones need together
    largest: int = 0  #: that one of the served ones needs


class QueueOrder:
    """By priority, then by age. Each question costs a binary search, not a look at the whole line."""

    def __init__(self, entries: Iterable[QueuedEntry]) -> None:
        waiting = (entry for entry in entries if entry.state is State.QUEUED)
        line = sorted(((priority_rank(e.priority), e.created), e.node_count) for e in waiting)
        self._keys = [key for key, _ in line]
        self._counts = [count for _, count in line]
        self._sums = functools.lru_cache(maxsize=4)(self._summed)

    def ahead_of(self, job: Job, nodes: int) -> Ahead:
        """What waits before `job` in a cluster that has `nodes`; the job itself may be in the line."""
        place = bisect.bisect_left(self._keys, (priority_rank(job.priority), job.created))
        if not place:
            return Ahead(0)
        served, needed, largest = (column[place - 1] for column in self._sums(nodes))
        return Ahead(place, served, needed, largest)

    def _summed(self, nodes: int) -> tuple[list[int], list[int], list[int]]:
        """From the head of the line to each place, of the jobs that need at most `nodes`: how many they are,
        the nodes of all, the nodes of the largest."""
        matching = [count if count <= nodes else 0 for count in self._counts]
        return (
            list(itertools.accumulate(int(count > 0) for count in matching)),
            list(itertools.accumulate(matching)),
            list(itertools.accumulate(matching, max)),
        )
