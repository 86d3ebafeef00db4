"""What people see of a written row: status.json beside the drop, or that the job is gone."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.errors import StoreError
from shared.jobs import status_json
from shared.jobs.model import Job
from shared.jobs.waiting_reason import Waiting
from shared.managers import admission, job_traces
from shared.managers.conflict_retry import TRIES
from shared.managers.job_removal import Remover
from shared.names.sweep_ids import RunMark, run_mark, sweep_of
from shared.settings import Settings
from shared.stores.document_blobs import Documents
from shared.stores.job_table import JobTable
from shared.stores.sweep_queue import SweepMessage, SweepQueue

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StatusWriter:
    """Follows the rows of jobs; never decides anything about them."""

    settings: Settings
    documents: Documents
    remover: Remover
    sweeps: SweepQueue
    now: Callable[[], datetime]

    def write(self, job: Job, waiting: Waiting | None = None) -> bool:
        """Bring status.json up to date, and have the sweep looked at of which the job was a run. A failure is
        logged and answered by False: the row is what counts."""
        if not job.state.live and (mark := run_mark(job.source)):
            self._announce_end(job, mark)
        place = admission.place_of(job.source)
        try:
            self.documents.put_status(
                place, status_json.of_job(job, self.settings.scope, self.now(), waiting)
            )
        except StoreError as error:
            log.warning("status.json not written: %s", error, extra={"action": "status", "job": str(job.id)})
            return False
        job_traces.shown(job, self.now())
        return True

    def _announce_end(self, job: Job, mark: RunMark) -> None:
        try:
            self.sweeps.send(SweepMessage(sweep_of(job.id), mark.number))
        except StoreError as error:
            # The timer looks at every sweep.
            log.warning("end not announced: %s", error, extra={"action": "sweep_run", "job": str(job.id)})

    def write_as_read(self, job: Job, jobs: JobTable, waiting: Waiting | None = None) -> None:
        """As `write`, of a job that others change or remove meanwhile. It may have gone on before what is
        written arrives: then that is old; or be removed: then nothing is to be left. Raises StoreError."""
        for _ in range(TRIES):
            self.write(job, waiting)
            now = jobs.get(job.id)
            if now is None:
                self.documents.delete_status(admission.place_of(job.source), job.uuid)
            if now is None or now.etag == job.etag:
                return
            job, waiting = now, None

    def report(self, job: Job) -> bool:
        """What follows a written row: status.json, or the removal of a job that was to be deleted at its end.
        False when status.json could not be written."""
        if job.state.live or not job.deleting:
            return self.write(job)
        try:
            self.remover.remove(job)
            job_traces.shown(job, self.now())
        except StoreError:
            # The list of deletions still holds it; the timer finishes it.
            log.warning("job not removed yet", extra={"action": "remove", "job": str(job.id)})
        return True
