"""The stack's runners follow the work: every second or so a look at what waits, and whoever is free moves.

It asks the tables what a scale controller would ask them: the clusters, and the live jobs of each workspace.
Nodes are looked at only while something waits. An idle stack of one workspace costs two calls a second.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from local.assignment import JobStatus, Want, key, moves
from shared.backend import Backend
from shared.errors import StoreError
from shared.jobs.model import State
from shared.names.ids import ClusterId
from shared.stores.cluster_table import ClusterRow
from shared.stores.live_rows import LiveEntry

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0
_CALLS_PER_SECOND = 3.0
#: For so long a cluster that its nodes cannot use draws none from clusters that can be used.
_TROUBLE_SECONDS = 60.0


class Runners(Protocol):
    """The runners that are sent about."""

    def served(self) -> Mapping[str, ClusterId]:
        """The cluster of each runner, by node id."""

    def move(self, places: Mapping[str, ClusterId]) -> None:
        """Stop runners and start them for other clusters. Raises processes.StartError."""


class Dispatcher:
    """Sends the stack's runners to the clusters that have work."""

    def __init__(
        self,
        runners: Runners,
        backend: Backend,
        home: ClusterId,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`home`: where runners of clusters go that are no more."""
        self._runners = runners
        self._backend = backend
        self._home = home
        self._monotonic = monotonic
        self._due = 0.0
        self._planned: dict[str, ClusterId] = {}
        self._trouble: dict[str, float] = {}

    def turn(self) -> None:
        """Look, if it is time, and move. Storage that is away is tried again. Raises processes.StartError."""
        if self._monotonic() < self._due:
            return
        before = self._calls()
        try:
            plan = self._plan()
        except StoreError as error:
            log.warning("not looked for work: %s", error)
            plan = {}
        # Twice the same: what began this second, or ended, is seen by then.
        agreed = {node: cluster for node, cluster in plan.items() if self._planned.get(node) == cluster}
        self._planned = plan
        if agreed:
            self._planned = {}
            self._runners.move(agreed)
        pause = max(_PAUSE_SECONDS, (self._calls() - before) / _CALLS_PER_SECOND)
        self._due = self._monotonic() + pause

    def _calls(self) -> int:
        return sum(self._backend.connection.counter.snapshot().values())

    def _plan(self) -> dict[str, ClusterId]:
        rows = self._backend.clusters.list_all()[0]
        clusters = {key(row.id) for row in rows}
        live = self._live(rows)
        open_to = {key(row.id) for row in rows if not row.deleting}
        waiting = [e for e in live if e.state is State.QUEUED and key(e.cluster) in open_to]
        served = self._runners.served()
        if not waiting and all(key(cluster) in clusters for cluster in served.values()):
            return {}
        asked = {key(c): c for c in (*served.values(), *(entry.cluster for entry in waiting))}
        job_statuses = self._job_statuses(served, asked.values(), live)
        wants = [_want(entry) for entry in live if entry.owner or entry in waiting]
        now = self._monotonic()
        troubled = [cluster for cluster, until in self._trouble.items() if until > now]
        return moves(job_statuses, wants, troubled, clusters, self._home)

    def _live(self, rows: Sequence[ClusterRow]) -> list[LiveEntry]:
        """The live jobs of every workspace that has clusters, or sends jobs to those of others."""
        workspaces = {name.lower() for row in rows for name in (row.id.workspace, *row.guests)}
        manager = self._backend.manager
        return [entry for name in sorted(workspaces) for entry in manager.live_of_workspace(name)]

    def _job_statuses(
        self, served: Mapping[str, ClusterId], clusters: Iterable[ClusterId], live: Sequence[LiveEntry]
    ) -> list[JobStatus]:
        """How every node of `clusters` stands. A node's own row may be two seconds old; a job's is not."""
        owners = {(key(entry.cluster), entry.owner) for entry in live if entry.owner}
        running = set(owners)
        others = []
        for cluster in clusters:
            for node in self._backend.clusters.alive_nodes(cluster):
                ours = key(served.get(node.node_id, ClusterId("", ""))) == key(cluster)
                place = (key(cluster), node.node_id)
                if node.state == "running":
                    running.add(place)
                if node.state == "unusable":
                    if ours:
                        self._trouble[key(cluster)] = self._monotonic() + _TROUBLE_SECONDS
                elif not ours:
                    others.append(JobStatus(node.node_id, cluster, place in running, movable=False))
        ours_all = [JobStatus(node, c, (key(c), node) in running) for node, c in served.items()]
        return [*ours_all, *others]


def _want(entry: LiveEntry) -> Want:
    return Want(
        entry.cluster,
        entry.node_count,
        entry.priority,
        entry.created,
        taken=entry.owner is not None,
        running=entry.state is not State.QUEUED,
    )
