"""Deletions that take a while: what lies in a cluster, an experiment or a workspace is deleted first."""

import logging
from collections.abc import Callable
from datetime import datetime

from shared.errors import BatchAIError, NotFoundError
from shared.managers.cluster_manager import ClusterManager
from shared.managers.cluster_reader import ClusterReader
from shared.managers.job_manager import JobManager
from shared.managers.sweep_manager import SweepManager
from shared.managers.workspace_manager import WorkspaceManager
from shared.names.ids import ClusterId, JobId
from shared.stores.cluster_table import ClusterRow
from shared.stores.workspace_table import Deletion, Kind, Row

log = logging.getLogger(__name__)

#: Jobs removed in one call; the rest follows with the next poll of a client or the next turn of the timer.
_MOST_JOBS = 100
#: For longer than this no process takes a cluster it has once seen to be still there.
_SEEN_SECONDS = 60.0
#: A deletion that fails for as long is worth somebody's time.
_LONG_SECONDS = 600.0


class CascadingDeletion:
    """Begins deletions and carries them on. Every step can be repeated; `resume` is the timer's."""

    def __init__(
        self,
        manager: JobManager,
        sweeps: SweepManager,
        clusters: ClusterReader,
        cluster_manager: ClusterManager,
        workspaces: WorkspaceManager,
        now: Callable[[], datetime],
    ) -> None:
        self._manager = manager
        self._sweeps = sweeps
        self._clusters = clusters
        self._cluster_manager = cluster_manager
        self._workspaces = workspaces
        self._now = now

    def delete_workspace(self, name: str) -> Row | None:
        """Begin the deletion of a workspace; None where there is none. So do the others."""
        return self._delete(Kind.WORKSPACE, name, name)

    def delete_experiment(self, workspace: str, name: str) -> Row | None:
        """Begin the deletion of an experiment."""
        return self._delete(Kind.EXPERIMENT, workspace, name)

    def delete_file_server(self, workspace: str, name: str) -> Row | None:
        """Delete what is known of a file server."""
        return self._delete(Kind.FILE_SERVER, workspace, name)

    def _delete(self, kind: Kind, workspace: str, name: str) -> Row | None:
        try:
            row = self._workspaces.begin_deletion(kind, workspace, name)
        except NotFoundError:
            return None
        self.carry_on(kind, row.workspace, row.name)
        return row

    def delete_cluster(self, cluster: ClusterId) -> ClusterRow | None:
        """Begin the deletion of a cluster: its live jobs are asked to terminate. None where there is none."""
        try:
            row = self._cluster_manager.begin_deletion(cluster)
        except NotFoundError:
            return None
        self.carry_on(Kind.CLUSTER, row.id.workspace, row.id.cluster)
        return row

    def carry_on(self, kind: Kind, workspace: str, name: str) -> None:
        """Do what can be done now of a deletion that was begun; nothing where none was."""
        if kind is Kind.CLUSTER:
            row = self._clusters.fresh(ClusterId(workspace, name))
            if row and row.deleting and not self._stop_jobs(row.id):
                # Noted until no process can believe in the cluster any more, see `_stragglers`.
                self._cluster_manager.end_deletion(row)
            return
        found = self._workspaces.find(kind, workspace, name)
        if found and found.deleting and self._is_empty(found):
            if kind is Kind.WORKSPACE:
                self._cluster_manager.forget_documents(found.name)
            self._workspaces.end_deletion(found)

    def resume(self) -> int:
        """Carry on every deletion that is under way; how many there are."""
        deletions = self._workspaces.deletions()
        for deletion, age_seconds in deletions:
            try:
                self._resume(deletion, age_seconds)
            except BatchAIError as error:
                stuck = age_seconds > _LONG_SECONDS
                words = f"stuck for {age_seconds / 60:.0f} min" if stuck else "continues with the next turn"
                level = logging.ERROR if stuck else logging.WARNING
                extra = {"action": "delete", "resource": deletion.key}
                log.log(level, "deletion of %s %s: %s", deletion.key, words, error, extra=extra)
        return len(deletions)

    def _resume(self, deletion: Deletion, age_seconds: float) -> None:
        workspaces = self._workspaces
        if deletion.kind is Kind.JOB:
            job = self._manager.find(JobId(deletion.workspace, deletion.experiment, deletion.name))
            if job is None or job.uuid != deletion.identity:
                workspaces.close_deletion(deletion)
            else:
                self._manager.delete(job.id)
        elif deletion.kind is Kind.CLUSTER:
            self._resume_cluster(deletion, age_seconds)
        else:
            row = workspaces.find(deletion.kind, deletion.workspace, deletion.name)
            if row is None or row.identity != deletion.identity:
                workspaces.close_deletion(deletion)
            elif not row.deleting:
                self._delete(row.kind, row.workspace, row.name)
            else:
                self.carry_on(row.kind, row.workspace, row.name)

    def _resume_cluster(self, deletion: Deletion, age_seconds: float) -> None:
        cluster = ClusterId(deletion.workspace, deletion.name)
        row = self._clusters.fresh(cluster)
        if row is None:
            self._stop_jobs(cluster)  # accepted by a process that had seen the cluster a moment before
        elif row.identity == deletion.identity:
            self.delete_cluster(cluster)
            return
        if row or age_seconds > _SEEN_SECONDS:
            self._cluster_manager.forget_queues(cluster)
            self._workspaces.close_deletion(deletion)

    def _stop_jobs(self, cluster: ClusterId) -> int:
        """Ask every live job of a cluster to terminate; how many are still live."""
        left = 0
        for entry in self._manager.live(cluster):
            try:
                left += self._manager.terminate(entry.id, f"the deletion of cluster {cluster}").state.live
            except NotFoundError:
                pass  # it went by itself
        return left

    def _is_empty(self, row: Row) -> bool:
        """Remove what lies in a workspace or an experiment; whether nothing is left."""
        if row.kind is Kind.FILE_SERVER:
            return True
        experiment = row.name if row.kind is Kind.EXPERIMENT else ""
        if not self._sweeps.delete_all(row.workspace, experiment):
            return False  # else they would go on making jobs
        if row.kind is Kind.EXPERIMENT:
            jobs = self._manager.list_jobs(row.workspace, row.name, most=_MOST_JOBS)
        else:
            jobs = self._manager.in_workspace(row.name, _MOST_JOBS)
        for job in jobs:
            self._manager.delete(job.id, f"the deletion of {row.kind} {row.name}")
        if jobs:
            return len(jobs) < _MOST_JOBS and self._none_left(row)
        return row.kind is Kind.EXPERIMENT or self._empty_workspace(row)

    def _none_left(self, row: Row) -> bool:
        if row.kind is Kind.EXPERIMENT:
            return not self._manager.list_jobs(row.workspace, row.name, most=1)
        return not self._manager.in_workspace(row.name, 1) and self._empty_workspace(row)

    def _empty_workspace(self, row: Row) -> bool:
        """Remove the clusters, experiments and file servers of a workspace that holds no job."""
        for cluster in self._clusters.list_workspace(row.name):
            self.delete_cluster(cluster.id)
        if self._clusters.list_workspace(row.name, most=1):
            return False
        for kind in (Kind.EXPERIMENT, Kind.FILE_SERVER):
            for inner in self._workspaces.list_rows(kind, row.name):
                self._workspaces.end_deletion(inner)
        return True
