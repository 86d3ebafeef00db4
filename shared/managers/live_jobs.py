"""The jobs of a cluster that have not ended, whatever workspace they were submitted in. Reads only."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import UnreadableError
from shared.jobs import layouts
from shared.jobs.model import Job
from shared.jobs.queue_order import QueuedEntry
from shared.managers.cluster_reader import ClusterReader, scale_of_row
from shared.names.ids import ClusterId
from shared.scaling.demand import Demand, demand_of
from shared.stores.cluster_table import ClusterRow
from shared.stores.job_table import JobTable
from shared.stores.live_rows import LiveEntry

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveJobs:
    """Keeps nothing between calls; safe to use from several threads."""

    jobs: JobTable
    clusters: ClusterReader

    def of(self, cluster: ClusterId, most: int | None = None) -> list[LiveEntry]:
        """Their index entries, oldest first; `most` of each workspace."""
        row = self.clusters.find(cluster)
        entries = self.jobs.list_live(cluster, most=most)
        for workspace in row.guests if row else ():
            entries += self.jobs.list_live(cluster, workspace, most)
        return sorted(entries, key=lambda entry: entry.created)

    def demand(self, row: ClusterRow) -> Demand:
        """How many nodes they need together."""
        return demand_of(scale_of_row(row), queued(self.of(row.id)))


def queued(entries: Sequence[LiveEntry]) -> list[QueuedEntry]:
    """What the place of a job in its queue depends on. Those that wait for a limit are in no queue."""
    return [
        QueuedEntry(e.uuid, e.state, e.priority, e.node_count, e.created, e.owner or "")
        for e in entries
        if not e.withheld
    ]


def read_entry(jobs: JobTable, entry: LiveEntry) -> Job | None:
    """The job of an entry, unless it has gone on to another run or a newer version wrote it."""
    try:
        job = jobs.get(entry.id, entry.row_key if entry.layout == layouts.THIRD else "")
    except UnreadableError as error:
        log.error("left alone: %s", error, extra={"action": "unreadable"})
        return None
    return job if job and job.uuid == entry.uuid else None
