"""Removing a job: its history, its documents, what was dropped for it, and its row last."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import LostOwnershipError
from shared.jobs.model import Job
from shared.jobs.transitions import request_deletion
from shared.managers.admission import mark_of, place_of
from shared.managers.conflict_retry import overtaken_by, until_written
from shared.names.ids import JobId
from shared.names.sweep_ids import run_mark
from shared.settings import Settings
from shared.stores.accepted_marks import AcceptedMarks, EndedRun
from shared.stores.document_blobs import Documents
from shared.stores.ended_jobs import EndedJobs
from shared.stores.job_table import JobTable
from shared.stores.workspace_table import Deletion, Kind, WorkspaceTable

#: Days for which files are tried to be removed again that cannot be.
GIVE_UP_DAYS = 7.0


@dataclass(frozen=True)
class Remover:
    """Removes ended jobs. Files that they wrote on volumes are never touched here: where these are removed
    after a while (shared/managers/output_retention.py), what says where they lie stays until then."""

    settings: Settings
    jobs: JobTable
    ended: EndedJobs
    documents: Documents
    marks: AcceptedMarks
    table: WorkspaceTable
    now: Callable[[], datetime]

    def delete(self, job: JobId, now: datetime, by: str = "") -> Job | None:
        """Remove an ended or queued job; mark a running one, which is removed when its end is written.

        `by`: who asked, for its history until then. None when there is no such job. Raises StoreError.
        """

        def mark() -> Job | None:
            found = self.jobs.get(job)
            if found is None:
                return None
            # Noted first, so that it is removed even if this process crashes.
            self.table.begin_deletion(deletion_of(found))
            wanted = request_deletion(found, now, by)
            if wanted is not found and found.state.live:
                with overtaken_by():
                    wanted = self.jobs.write(wanted)
            if not wanted.state.live:
                self.remove(wanted)
            return wanted

        return until_written(mark, f"job {job}")

    def remove(self, job: Job) -> bool:
        """Remove an ended job. Each step can be repeated; the row is removed last, so that a crash leaves
        something to find. False when a new run took the name meanwhile: it stays."""
        for run in self.jobs.list_runs(job.id):
            self._forget_document(run)
        self.jobs.delete_runs(job.id)
        self._forget_document(job)
        place = place_of(job.source)
        if run_mark(job.source) is None:  # nothing was dropped for a run of a sweep
            # With the ETag: a document dropped since then is somebody's wish for a new run.
            self.documents.delete_dropped(place, mark_of(job.source))
        self.documents.delete_status(place, job.uuid)
        gone = True
        try:
            self.jobs.delete(job)
            # Who saw the row until now may have written it once more; who sees none takes it away again.
            self.documents.delete_status(place, job.uuid)
        except LostOwnershipError:
            gone = False
        self.table.end_deletion(deletion_of(job))
        return gone

    def remove_earlier(self, run: Job) -> None:
        """Remove an ended run that others have followed under its name. Its row is removed last."""
        self._forget_document(run)
        latest, place = self.jobs.get(run.id), place_of(run.source)
        if latest is None or place_of(latest.source) != place:
            if run_mark(run.source) is None:
                self.documents.delete_dropped(place, mark_of(run.source))
            self.documents.delete_status(place, run.uuid)
        self.ended.forget(run)

    def _forget_document(self, run: Job) -> None:
        """Remove the accepted document of a run; it stays for now where it is to say where its files lie."""
        days, ended = self.settings.keep_output_days, run.ended or run.state_since
        may_have_files = bool(days and run.attempt)
        if may_have_files and self.now() < ended + timedelta(days=days + GIVE_UP_DAYS):
            self.marks.mark_ended(run.uuid, EndedRun(ended, run.attempt, run.cluster))
        else:
            self.documents.delete_accepted(run.uuid)


def deletion_of(job: Job) -> Deletion:
    """The deletion of a run of a job."""
    return Deletion(Kind.JOB, job.id.workspace, job.id.job, identity=job.uuid, experiment=job.id.experiment)
