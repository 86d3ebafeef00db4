"""The way in for job documents: parse, store, queue, answer. Used by JobManager alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared import admission, status
from shared.admission import Source
from shared.clusters import ClusterManager
from shared.errors import ConflictError, LostOwnershipError, Problem, StoreError
from shared.names import JobId
from shared.parse import DocumentSettings, parse_job
from shared.settings import Settings
from shared.spec import JobSpec
from shared.state import Job, State
from shared.stores.clusters import ClusterRow
from shared.stores.documents import Documents
from shared.stores.jobs import JobTable
from shared.stores.queues import JobQueues
from shared.stores.sealing import Sealer


@dataclass(frozen=True)
class Submission:
    """The answer to a document. `job` is the run it stands for, also when it was known already."""

    accepted: bool
    job: Job | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Submitter:
    """Accepts documents. Every step can be repeated: the trigger may deliver a document twice or crash
    between any two steps, and the next delivery finds what is there and does the rest."""

    settings: Settings
    jobs: JobTable
    queues: JobQueues
    documents: Documents
    clusters: ClusterManager
    sealer: Sealer
    now: Callable[[], datetime]

    def submit(self, job: JobId, data: bytes, source: Source) -> Submission:
        """Accept or refuse. Never raises for what the document says; StoreError when storage fails."""
        parsed = parse_job(data, self._reading())
        if parsed.spec is None:
            return self.refuse(source, parsed.problems)
        cluster = admission.cluster_of(parsed.spec, job, self.settings.default_cluster)
        row = self.clusters.find(cluster) if cluster else None
        if row is None:
            return self.refuse(source, (*parsed.problems, self.clusters.unknown(parsed.spec, cluster)))
        self.clusters.admit_guest(row, job.workspace)
        new = admission.new_job(
            parsed.spec, job, row.id, source, data, parsed.problems, self.now(), self.settings.max_attempts
        )
        stored = self._store(new, parsed.spec, row)
        if isinstance(stored, Problem):
            return self.refuse(source, (*parsed.problems, stored))
        if stored.state is State.QUEUED and stored.attempt == 0:
            # Also for a known job: a crash may have lost its message, and a second one is harmless.
            self.queues.send(stored)
        self._answer(source, status.of_job(stored, self.settings.scope, self.now()))
        return Submission(True, stored, parsed.problems)

    def refuse(self, source: Source, problems: tuple[Problem, ...]) -> Submission:
        """Tell what is wrong, beside the file. Nothing else is written."""
        self._answer(source, status.refused(problems, self.now()))
        return Submission(False, problems=problems)

    def _answer(self, source: Source, content: dict[str, object]) -> None:
        if source.place != "http":
            self.documents.put_status(source.place, content)

    def _store(self, new: Job, spec: JobSpec, row: ClusterRow) -> Job | Problem:
        """The job's row: new, or the one that stands for the same document already."""
        existing: Job | None = None
        for _ in range(4):
            run = replace(new, uuid=admission.next_uuid(new, existing)) if existing else new
            document = admission.accepted_document(spec, run, row.revision, self.sealer)
            self.documents.put_accepted(run.uuid, document)
            try:
                return self.jobs.replace_ended(existing, run) if existing else self.jobs.insert(run)
            except (ConflictError, LostOwnershipError):
                existing = self.jobs.get(new.id)
            if existing and _same(existing, new):
                return existing
            if existing and existing.state.live:
                self.documents.delete_accepted(run.uuid)
                return _name_taken(existing)
        raise StoreError(f"job {new.id} is being written by others at the same time; try again")

    def _reading(self) -> DocumentSettings:
        return DocumentSettings(
            storage_account=self.settings.data_account or None,
            storage_key=self.settings.data_key or None,
            default_cluster=self.settings.default_cluster,
        )


def _same(existing: Job, new: Job) -> bool:
    """Delivered again (same source), or dropped again unchanged while the first is still live."""
    if existing.source == new.source:
        return True
    return existing.state.live and existing.content_sha256 == new.content_sha256


def _name_taken(existing: Job) -> Problem:
    return Problem(
        0,
        0,
        "$",
        f"a job named '{existing.id.job}' is {existing.state} in experiment '{existing.id.experiment}' "
        f"(uuid {existing.uuid}); it goes on unchanged",
        "Use another job name, or terminate it or wait for its end before you drop a different document.",
    )
