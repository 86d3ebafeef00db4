"""Which entries new jobs get in lists while runners of an earlier version may be at work, and the mending of
jobs whose entries such a runner does not find, or has left behind (docs/adr/0315)."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence

from shared.errors import LostOwnershipError, UnreadableError
from shared.jobs import layouts
from shared.jobs.model import State
from shared.jobs.waiting_reason import NodeView
from shared.managers.cluster_reader import ClusterReader
from shared.managers.live_jobs import read_entry
from shared.names.ids import ClusterId
from shared.stores.job_table import JobTable
from shared.stores.live_rows import LiveEntry

log = logging.getLogger(__name__)

#: Seconds for which it is believed which runners a cluster has.
_CACHE_SECONDS = 60.0
#: Jobs that one sweep of a cluster makes claimable, the oldest first.
_MOST_MENDED = 200


class JobLayouts:
    """Knows which runners a cluster has, up to a minute late. Thread-safe."""

    def __init__(self, jobs: JobTable, clusters: ClusterReader, monotonic: Callable[[], float]) -> None:
        self._jobs = jobs
        self._clusters = clusters
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, int]] = {}

    def of_new_job(self, cluster: ClusterId) -> int:
        """The layout that every runner of the cluster can work with. Raises StoreError."""
        key, at = str(cluster).lower(), self._monotonic()
        with self._lock:
            seen, layout = self._seen.get(key, (at - _CACHE_SECONDS, layouts.FIRST))
        if at - seen >= _CACHE_SECONDS:
            layout = _common(self._clusters.node_views(cluster))
            with self._lock:
                self._seen[key] = (at, layout)
        return layout

    def mend(self, entries: Sequence[LiveEntry], nodes: Sequence[NodeView]) -> int:
        """Give waiting jobs the entries that the runners of their cluster look for; how many."""
        layout = _common(nodes)
        wanting = [e for e in entries if e.layout > layout and e.state is State.QUEUED and not e.owner]
        mended = sum(self._fall_back(entry) for entry in wanting[:_MOST_MENDED])
        if mended:
            text = "%d jobs made claimable for runners of an earlier version"
            log.info(text, mended, extra={"action": "layout"})
        return mended

    def _fall_back(self, entry: LiveEntry) -> int:
        job = read_entry(self._jobs, entry)
        if job is None or job.layout != entry.layout or job.state is not State.QUEUED or job.owner:
            return 0
        try:
            self._jobs.fall_back(job)
        except LostOwnershipError:
            return 0
        return 1

    def drop_if_left_behind(self, entry: LiveEntry) -> None:
        """Remove a live entry whose job a runner of an earlier version took over, and so has another one."""
        if entry.layout == layouts.FIRST:
            return
        try:
            job = self._jobs.get(entry.id)
        except UnreadableError:
            return  # a newer version's
        if job and (job.uuid, job.layout) == (entry.uuid, entry.layout) and job.state.live:
            return
        self._jobs.drop_live_entry(entry)


def _common(nodes: Iterable[NodeView]) -> int:
    """The latest layout that all nodes that may claim jobs work with, and this process knows."""
    serving = (node for node in nodes if node.alive and not node.left and not node.drain)
    return min((layouts.LATEST, *(node.layout for node in serving)))
