"""What the timer removes of jobs that ended long ago: the parts of it, put together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.managers.cluster_reader import ClusterReader
from shared.managers.job_removal import Remover
from shared.managers.jobless_documents import JoblessDocuments
from shared.managers.output_retention import OutputRetention
from shared.managers.retention import Retention
from shared.managers.workspace_manager import WorkspaceManager
from shared.stores.secrets.sealing import Sealer


@dataclass(frozen=True)
class Keeping:
    """`turn` is the timer's."""

    rows: Retention
    jobless: JoblessDocuments
    outputs: OutputRetention

    def turn(self) -> int:
        """One turn of each; how much was removed. Raises nothing."""
        return self.outputs.turn() + self.rows.turn() + self.jobless.turn()


def keeping_over(
    remover: Remover,
    clusters: ClusterReader,
    workspaces: WorkspaceManager,
    sealer: Sealer,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> Keeping:
    """All of it, over the stores of the remover."""
    settings, jobs, documents, marks = remover.settings, remover.jobs, remover.documents, remover.marks
    return Keeping(
        Retention(settings.keep_days, jobs, remover.ended, remover, workspaces, now, monotonic),
        JoblessDocuments(settings, jobs, documents, marks, monotonic),
        OutputRetention(settings, jobs, documents, marks, clusters, sealer, now, monotonic),
    )
