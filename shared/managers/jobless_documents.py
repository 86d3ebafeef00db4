"""Documents that no job has: refused drops with their answers, and what a crash left of a submission.

Once a day all blobs are listed, a page in each turn; only those older than BATCHAI_KEEP_DAYS are looked at,
and of these only such whose job is kept stay.
"""

import functools
import logging
from collections.abc import Callable

from shared.errors import BatchAIError
from shared.jobs.model import Job
from shared.managers.admission import place_of
from shared.names.ids import JobId, job_from_blob_path
from shared.settings import Settings
from shared.stores.accepted_marks import AcceptedMarks, Marked
from shared.stores.document_blobs import Documents, Dropped
from shared.stores.job_table import JobTable

log = logging.getLogger(__name__)

_ROUND_SECONDS = 86_400.0
_DAY_SECONDS = 86_400.0
_STATUS, _JOB, _SWEEP = "status.json", "job.json", "sweep.json"


class JoblessDocuments:
    """Remembers where its round is; another process begins one anew. For one thread at a time."""

    def __init__(
        self,
        settings: Settings,
        jobs: JobTable,
        documents: Documents,
        marks: AcceptedMarks,
        monotonic: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._documents = documents
        self._marks = marks
        self._monotonic = monotonic
        #: What is left of the round: container and place of a page. The first round begins at once.
        self._pages: list[tuple[str, str]] = []
        self._next_round = monotonic()
        #: Old job.json of the round whose status.json has not been seen.
        self._drops: dict[str, Dropped] = {}

    def turn(self) -> int:
        """Look at one page; how many blobs without a job were removed. Raises nothing: what fails is tried
        again in the next round."""
        if not self._settings.keep_days:
            return 0
        if not self._pages:
            if self._monotonic() < self._next_round:
                return 0
            self._next_round = self._monotonic() + _ROUND_SECONDS
            self._pages = [(self._settings.jobs_container, ""), (self._settings.accepted_container, "")]
            self._drops = {}
        container, place = self._pages.pop(0)
        try:
            looks, after = self._page(container, place)
        except BatchAIError as error:
            log.warning("documents without a job: %s", error, extra={"action": "retention"})
            return 0
        if after:
            self._pages.insert(0, (container, after))
        return sum(map(_tried, looks))

    def _page(self, container: str, place: str) -> tuple[list[Callable[[], int]], str]:
        """What is to be done about the old blobs of a page, and the place of the next one."""
        oldest = self._settings.keep_days * _DAY_SECONDS
        if container == self._settings.jobs_container:
            page = self._documents.dropped_page(container, place)
            old = [blob for blob in page.found if blob.age_seconds > oldest]
            return [functools.partial(self._remove_dropped, blob) for blob in old], page.next
        found, after = self._marks.page(place)
        accepted = [one for one in found if one.age_seconds > oldest]
        return [functools.partial(self._remove_accepted, one) for one in accepted], after

    def _remove_dropped(self, blob: Dropped) -> int:
        name = blob.path.rpartition("/")[2]
        if name == _JOB:
            self._drops[blob.folder] = blob
        if name != _STATUS:
            return 0
        path = f"{blob.folder}/{_JOB}" if blob.folder else _JOB
        place = f"{self._settings.jobs_container}/{path}"
        dropped, job = self._drops.pop(blob.folder, None), self._job_at(path)
        if job is not None and place_of(job.source) == place:
            return 0  # removed with its row
        if dropped is None or self._documents.overtaken(place, dropped.etag):
            return 0  # a sweep's answer, or dropped anew since: the answer is about to be written
        if self._documents.read_dropped(place.removesuffix(_JOB) + _SWEEP):
            return 0  # the answer may be the sweep's
        self._documents.delete_dropped(place, dropped.etag.strip('"'))
        self._documents.delete_status(place)
        return 2

    def _job_at(self, path: str) -> Job | None:
        """The job that a file dropped there is for, if its row is kept."""
        settings = self._settings
        names = (settings.default_workspace, settings.default_experiment)
        try:
            return self._jobs.get(job_from_blob_path(path, *names, settings.scope))
        except ValueError:
            return None  # no job can be named so: it was refused

    def _remove_accepted(self, accepted: Marked) -> int:
        """Remove what was accepted for a run that has no row: a process ended before it wrote one."""
        uuid = accepted.name
        if accepted.is_of_cluster:
            return 0
        if accepted.ended and self._settings.keep_output_days:
            return 0  # removed with the files of its run
        place = self._documents.get_accepted(uuid).get("job")
        if not isinstance(place, str):
            return 0  # of a sweep, or what a newer version keeps
        workspace, experiment, name = place.rsplit("/", 2)
        job = JobId(workspace, experiment, name)
        latest = self._jobs.get(job)
        if latest is not None and latest.uuid == uuid:
            return 0
        if any(run.uuid == uuid for run in self._jobs.list_runs(job)):
            return 0
        self._documents.delete_accepted(uuid)
        return 1


def _tried(look: Callable[[], int]) -> int:
    """Blobs removed; one that cannot be looked at keeps nobody from the others."""
    try:
        return look()
    except BatchAIError as error:
        log.warning("not looked at: %s", error, extra={"action": "retention"})
        return 0
