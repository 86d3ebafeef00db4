"""The way in for job documents: parse, store, queue, answer. Used by JobManager alone."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.documents.http_copy import http_copy
from shared.documents.parse import DocumentSettings, parse_job
from shared.documents.rules.job_against_cluster import unmounted_on_cluster
from shared.documents.spec import JobSpec
from shared.errors import BatchAIError, ConflictError, LostOwnershipError, Problem
from shared.jobs import status_json, transitions
from shared.jobs.model import Job, State
from shared.managers import admission, job_traces
from shared.managers.admission import Source
from shared.managers.carried_jobs import CarriedJobs
from shared.managers.cluster_manager import ClusterManager
from shared.managers.cluster_reader import ClusterReader
from shared.managers.conflict_retry import Overtaken, until_written
from shared.managers.event_marks import EventMarks
from shared.managers.job_layouts import JobLayouts
from shared.managers.job_removal import Remover
from shared.managers.quotas import Quotas
from shared.managers.workspace_manager import WorkspaceManager
from shared.names.ids import JobId
from shared.settings import Settings
from shared.stores.cluster_table import ClusterRow
from shared.stores.document_blobs import Documents
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable
from shared.stores.secrets.sealing import Sealer


class Fault(StrEnum):
    """What kind of refusal a refusal is. The words are error codes of the REST API."""

    DOCUMENT = "InvalidRequestContent"  #: the document cannot run
    NO_CLUSTER = "ClusterNotFound"
    NAME_TAKEN = "JobAlreadyExists"
    TOO_MANY = "TooManyWorkspaces"  #: the cluster runs jobs of as many workspaces as it can
    QUOTA = "QuotaExceeded"  #: a limit of the workspace or the submitter
    BEING_DELETED = "ResourceBeingDeleted"  #: the job, its experiment or its workspace


@dataclass(frozen=True)
class Submission:
    """The answer to a document. `job` is the run it stands for, also when it was known already."""

    accepted: bool
    job: Job | None = None
    problems: tuple[Problem, ...] = ()
    fault: Fault | None = None  #: None when accepted
    known: bool = False  #: the job was there before


@dataclass(frozen=True)
class Submitter:
    """Accepts documents. Every step can be repeated: the trigger may deliver a document twice or crash
    between any two steps, and the next delivery finds what is there and does the rest."""

    settings: Settings
    jobs: JobTable
    queues: JobQueues
    documents: Documents
    clusters: ClusterReader
    cluster_manager: ClusterManager
    sealer: Sealer
    workspaces: WorkspaceManager
    remover: Remover
    carried: CarriedJobs
    layouts: JobLayouts
    quotas: Quotas
    marks: EventMarks
    now: Callable[[], datetime]

    def submit(self, job: JobId, data: bytes, source: Source) -> Submission:
        """Accept or refuse. Never raises for what the document says; StoreError when storage fails."""
        began = self.now()
        parsed = parse_job(data, DocumentSettings.of(self.settings))
        if parsed.spec is None:
            return self.refuse(source, parsed.problems)
        settings = self.settings
        cluster = admission.cluster_of(parsed.spec, job, settings.default_cluster, settings.scope)
        row = self.clusters.find(cluster) if cluster else None
        if row is None and cluster and not source.http:
            row = self.cluster_manager.take_dropped(cluster)
        if row is None or row.deleting:
            unknown = self.clusters.unknown(parsed.spec, cluster)
            return self.refuse(source, (*parsed.problems, unknown), Fault.NO_CLUSTER)
        try:
            self.workspaces.ensure(job.workspace, job.experiment)
            self.cluster_manager.admit_guest(row, job.workspace)
            problems = (*parsed.problems, *unmounted_on_cluster(parsed.spec, self.clusters.public_spec(row)))
            new = self._within_limits(self._new_job(problems, parsed.spec, job, row, source), parsed.spec)
            stored, fresh = self._store(new, parsed.spec, row, source)
        except _Refused as refused:
            return self.refuse(source, (*parsed.problems, refused.problem), refused.fault)
        except ConflictError as error:
            refusal = Problem(0, 0, "$", str(error), "Then drop it again.")
            fault = Fault.TOO_MANY if error.code == Fault.TOO_MANY else Fault.BEING_DELETED
            return self.refuse(source, (*parsed.problems, refusal), fault)
        if stored.state is State.QUEUED and stored.attempt == 0 and not stored.withheld:
            # Also for a known job: a crash may have lost its message, and a second one is harmless.
            carried = self.carried.text(stored, parsed.spec, row.revision) if fresh else ""
            self.queues.send(stored, carried=carried)
            job_traces.accepted(stored, began, self.now())
        if source.http and admission.is_http(stored):
            self._show(stored)
        place = admission.place_of(stored.source) if source.http else source.place
        self.documents.put_status(place, status_json.of_job(stored, self.settings.scope, self.now()))
        return Submission(True, stored, parsed.problems, known=stored.source != str(source))

    def refuse(
        self, source: Source, problems: tuple[Problem, ...], fault: Fault = Fault.DOCUMENT
    ) -> Submission:
        """Say what is wrong, beside the file. Nothing else is written; over HTTP nothing at all, nor beside
        a newer file, whose answer that place is for."""
        if not source.http and not self._overtaken(source):
            self.documents.put_status(source.place, status_json.refused(problems, self.now()))
        return Submission(False, problems=problems, fault=fault)

    def _overtaken(self, source: Source) -> bool:
        """Whether a drop was overwritten before its event came: events may come late and in any order."""
        return not source.http and self.documents.overtaken(source.place, admission.mark_of(str(source)))

    def _show(self, job: Job) -> None:
        """Show a document that came over HTTP in the drop container. After the row: the trigger that sees it
        must find the job."""
        copy = http_copy(self.settings.scope.job(job.id), json.loads(job.properties))
        self.documents.put_dropped(admission.place_of(job.source), copy)

    def _new_job(
        self, problems: tuple[Problem, ...], spec: JobSpec, job: JobId, row: ClusterRow, source: Source
    ) -> Job:
        digest = self.sealer.digest(admission.content(spec, row.id))
        attempts = self.settings.max_attempts
        new = admission.new_job(spec, job, row.id, source, digest, problems, self.now(), attempts)
        layout, noted = self.layouts.of_new_job(row.id), self.marks.of_new_job(job.workspace)
        return replace(new, layout=layout, noted=noted)

    def _within_limits(self, new: Job, spec: JobSpec) -> Job:
        """The new job, marked to wait where it would pass a limit. Raises _Refused; not for what was accepted
        before, however often it comes."""
        passed, refused = self.quotas.over(new)
        if passed and refused:
            existing = self.jobs.get(new.id)
            if existing is None or not self._same(existing, new, spec):
                raise _Refused(_over(passed), Fault.QUOTA)
        return transitions.withheld(new, passed, self.now()) if passed else new

    def _store(self, new: Job, spec: JobSpec, row: ClusterRow, source: Source) -> tuple[Job, bool]:
        """The job's row, and whether it is new; else it is the one that stands for the same document or for
        a newer one already."""
        existing: Job | None = None

        def store() -> tuple[Job, bool]:
            nonlocal existing
            run = transitions.another_run(new, admission.next_uuid(new, existing)) if existing else new
            document = admission.accepted_document(spec, run, row.revision, self.sealer)
            self.documents.put_accepted(run.uuid, document)
            try:
                written = self.jobs.replace_ended(existing, run) if existing else self.jobs.insert(run)
                return written, True
            except (ConflictError, LostOwnershipError) as error:
                existing = self.jobs.get(new.id)
                if existing and (stored := self._instead(existing, run, spec, source)):
                    return stored, False
                if existing and existing.deleting:
                    existing = None  # removed
                raise Overtaken from error

        return until_written(store, f"job {new.id}", tries=4)

    def _instead(self, existing: Job, run: Job, spec: JobSpec, source: Source) -> Job | None:
        """The job that stands for `run`, whose name is taken; None where it can be stored after all: what
        was to be deleted is removed, and an ended run makes place for a further one. Raises _Refused."""
        if existing.deleting and not existing.state.live:
            self.remover.remove(existing)
            return None
        stands = (self._same(existing, run, spec) and not existing.deleting) or self._overtaken(source)
        self._discard(existing, run)
        if stands:
            return existing
        if existing.state.live or admission.is_http(run):
            raise _Refused(_name_taken(existing), _fault(existing))
        return None

    def _same(self, existing: Job, new: Job, spec: JobSpec) -> bool:
        """Delivered again (same source), or the same document while the first is still live; over HTTP also
        after its end."""
        if existing.source == new.source:
            return True
        content = admission.content(spec, new.cluster)
        return (existing.state.live or admission.is_http(new)) and self.sealer.has_digest(
            content, existing.content_sha256
        )

    def _discard(self, existing: Job, run: Job) -> None:
        """Remove the accepted document of a run that is not to be, unless it is the existing one's."""
        if run.uuid != existing.uuid:
            self.documents.delete_accepted(run.uuid)


class _Refused(BatchAIError):
    """A document that is right in itself but cannot become a job."""

    def __init__(self, problem: Problem, fault: Fault) -> None:
        self.problem = problem
        self.fault = fault
        super().__init__(str(problem))


def _over(passed: str) -> Problem:
    advice = "Wait until jobs have ended, or ask who operates this installation for more (BATCHAI_LIMITS)."
    return Problem(0, 0, "$", f"{passed}.", advice)


def _fault(existing: Job) -> Fault:
    return Fault.BEING_DELETED if existing.deleting else Fault.NAME_TAKEN


def _name_taken(existing: Job) -> Problem:
    shown = "being deleted" if existing.deleting else str(existing.state)
    return Problem(
        0,
        0,
        "$",
        f"a job named '{existing.id.job}' is {shown} in experiment '{existing.id.experiment}' "
        f"(uuid {existing.uuid}); it continues unchanged.",
        "Use another job name, or terminate it or wait for its end before you submit a different document.",
    )
