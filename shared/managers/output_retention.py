"""Files of jobs: what a run wrote into its own folders, removed BATCHAI_KEEP_OUTPUT_DAYS after its end.

An accepted document says where the files of its run lie. Once a day all of them are listed with their marks,
a page in each turn; those whose run ended long enough ago are handled, a bounded part in each turn. Only then
a document is marked, or removed where its run has no row any more: what a crash leaves, the next day finds.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.documents.codec import job_from_document
from shared.errors import BatchAIError, NotFoundError
from shared.jobs.output_places import OutputPlace, Run, own_folders
from shared.managers.cluster_reader import ClusterReader
from shared.managers.job_removal import GIVE_UP_DAYS
from shared.names.ids import ClusterId, JobId
from shared.settings import Settings
from shared.stores.accepted_marks import AcceptedMarks, EndedRun, Marked
from shared.stores.document_blobs import Documents
from shared.stores.job_table import JobTable
from shared.stores.secrets.sealing import Sealer
from shared.stores.volumes.folders import folder_of

if TYPE_CHECKING:
    from shared.stores.volumes.removal import Budget

log = logging.getLogger(__name__)

_ROUND_SECONDS = 86_400.0
_DAY_SECONDS = 86_400.0
#: Of one turn: files and folders removed, documents looked at, and when it stops in any case.
_MOST_REMOVED = 1_000
_MOST_LOOKS = 100
_MOST_SECONDS = 20.0


@dataclass(frozen=True)
class _EndedRun:
    """A run whose files are due. `kept`: its row is there, and with it its document stays."""

    id: JobId
    uuid: str
    cluster: ClusterId
    attempt: int
    ended: datetime
    kept: bool


class OutputRetention:
    """Remembers where its round is; another process begins one anew. For one thread at a time."""

    def __init__(
        self,
        settings: Settings,
        jobs: JobTable,
        documents: Documents,
        marks: AcceptedMarks,
        clusters: ClusterReader,
        sealer: Sealer,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._documents = documents
        self._marks = marks
        self._clusters = clusters
        self._sealer = sealer
        self._now = now
        self._monotonic = monotonic
        #: The place of the round's next page; None: it has been through all.
        self._page: str | None = None
        self._due: deque[Marked] = deque()
        self._next_round = monotonic()

    def turn(self) -> int:
        """Remove what is due, a bounded part of it; of how many runs nothing is left. Raises nothing: what
        fails is tried again in the next round."""
        if not self._settings.keep_output_days:
            return 0
        begun = self._monotonic()
        if self._page is None and not self._due:
            if begun < self._next_round:
                return 0
            self._page, self._next_round = "", begun + _ROUND_SECONDS
        try:
            if not self._due and self._page is not None:
                self._read_page(self._page)
        except BatchAIError as error:
            self._page = None
            log.warning("files of jobs: %s", error, extra={"action": "output_retention"})
        return self._clear_due(begun + _MOST_SECONDS)

    def _read_page(self, place: str) -> None:
        found, after = self._marks.page(place)
        self._page = after or None
        oldest, before = self._settings.keep_output_days * _DAY_SECONDS, self._before()
        for one in found:
            old = one.ended.ended < before if one.ended else one.age_seconds > oldest
            if old and not one.cleared and not one.is_of_cluster:
                self._due.append(one)

    def _before(self) -> datetime:
        return self._now() - timedelta(days=self._settings.keep_output_days)

    def _clear_due(self, until: float) -> int:
        # Imported late: the SDK for shares takes long to load, and few installations remove files.
        from shared.stores.volumes.removal import Budget

        budget, cleared = Budget(_MOST_REMOVED, until, self._monotonic), 0
        for _ in range(min(_MOST_LOOKS, len(self._due))):
            if budget.spent:
                break
            done = self._tried(self._due[0], budget)
            if done is None:
                break  # the next turn continues with it
            self._due.popleft()
            cleared += done
        if cleared:
            log.info("files of %s runs removed", cleared, extra={"action": "output_retention"})
        return cleared

    def _tried(self, marked: Marked, budget: "Budget") -> bool | None:
        """Whether nothing is left of a run's files; None: the budget is spent before. A run that cannot be
        cleared keeps nobody from the others."""
        try:
            return self._look(marked, budget)
        except BatchAIError as error:
            extra = {"action": "output_retention", "uuid": marked.name}
            log.warning("files stay: %s", error, extra=extra)
            return False

    def _look(self, marked: Marked, budget: "Budget") -> bool | None:
        try:
            document = self._documents.get_accepted(marked.name)
        except NotFoundError:
            return False  # removed meanwhile
        run = self._run_of(marked, document)
        if run is None or run.ended >= self._before():
            return False
        try:
            if run.attempt and not self._clear(run, document, budget):
                return None
        except BatchAIError as error:
            if run.ended >= self._before() - timedelta(days=GIVE_UP_DAYS):
                raise
            extra = {"action": "output_retention", "job": str(run.id), "uuid": run.uuid}
            log.error("files stay, and are not tried again: %s", error, extra=extra)
        if run.kept:
            self._marks.mark_cleared(run.uuid)
        else:
            self._documents.delete_accepted(run.uuid)
        return True

    def _run_of(self, marked: Marked, document: dict[str, Any]) -> _EndedRun | None:
        """The ended run of a document; None where it lives, has never been, or is none of this version's."""
        place, uuid = document.get("job"), marked.name
        if not isinstance(place, str) or place.count("/") < 2:
            return None
        job = JobId(*place.rsplit("/", 2))
        if marked.ended:
            return _ended(job, uuid, marked.ended, kept=False)
        latest = self._jobs.get(job)
        runs = [latest] if latest and latest.uuid == uuid else self._jobs.list_runs(job)
        found = next((run for run in runs if run.uuid == uuid), None)
        if found is None or found.state.live or found.ended is None:
            return None
        return _ended(job, uuid, EndedRun(found.ended, found.attempt, found.cluster), kept=True)

    def _clear(self, run: _EndedRun, document: dict[str, Any], budget: "Budget") -> bool:
        """Remove the folders of a run; False where the budget is spent before."""
        from shared.stores.volumes.removal import clear

        places = self._folders(run, document)
        return all(clear(place.kind, folder_of(place), budget) for place in places)

    def _folders(self, run: Run, document: dict[str, Any]) -> tuple[OutputPlace, ...]:
        spec = job_from_document(document, lambda sealed: self._sealer.unseal(sealed, run.uuid))
        volumes = self._clusters.volumes(str(document.get("clusterRevision", "")))
        return own_folders(run, spec, volumes, self._settings)


def _ended(job: JobId, uuid: str, run: EndedRun, kept: bool) -> _EndedRun:
    return _EndedRun(job, uuid, run.cluster, run.attempt, run.ended, kept)
