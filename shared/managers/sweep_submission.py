"""The way in for sweep documents: parse, store, note, queue, answer. Used by the gate of sweeps alone.

Every step can be repeated: the trigger may deliver a document twice or crash between any two steps, and the
next delivery finds what is there and does the rest.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from shared.documents.json_reader.reader import read_json
from shared.documents.models.shape import Kind
from shared.documents.parse import DocumentSettings
from shared.documents.spec import JobSpec
from shared.errors import ConflictError, LostOwnershipError, Problem, StoreError
from shared.jobs.status_json import problems_json, refused
from shared.managers import admission
from shared.managers.admission import Source
from shared.managers.cluster_manager import ClusterManager
from shared.managers.cluster_reader import ClusterReader
from shared.managers.conflict_retry import Overtaken, until_written
from shared.managers.submission import Fault
from shared.managers.sweep_documents import SweepDocuments
from shared.managers.workspace_manager import WorkspaceManager
from shared.names import table_limits
from shared.names.sweep_ids import SWEEP_FILE, SweepId
from shared.settings import Settings
from shared.stores.document_blobs import Documents
from shared.stores.secrets.sealing import Sealer
from shared.stores.sweep_queue import SweepMessage, SweepQueue
from shared.stores.sweep_table import SweepTable
from shared.sweeps import bits
from shared.sweeps.model import Sweep, SweepState
from shared.sweeps.parse import ParsedSweep, parse_sweep
from shared.sweeps.plan import SweepPlan
from shared.sweeps.status_json import of_sweep
from shared.sweeps.substitution import member_places, without

log = logging.getLogger(__name__)

#: Namespace of the name-based uuids of sweeps: the same drop gives the same uuid.
_NAMESPACE = UUID("0c5e8d53-9b0f-4f0a-8f0e-2f8f6f1f7a1d")
#: Where a Fault of jobs has another word for sweeps.
NAME_TAKEN = "SweepAlreadyExists"


@dataclass(frozen=True)
class SweepSubmission:
    """The answer to a document. `sweep` is the one it stands for, also when it was known already."""

    accepted: bool
    sweep: Sweep | None = None
    problems: tuple[Problem, ...] = ()
    code: str = ""  #: an error code of the REST API; "" when accepted
    known: bool = False  #: the sweep was there before


class _Refused(Exception):
    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code, self.problem = code, Problem(0, 0, "$", message, hint)


@dataclass(frozen=True)
class SweepSubmitter:
    """Accepts documents."""

    settings: Settings
    table: SweepTable
    queue: SweepQueue
    documents: Documents
    kept: SweepDocuments
    clusters: ClusterReader
    cluster_manager: ClusterManager
    workspaces: WorkspaceManager
    sealer: Sealer
    now: Callable[[], datetime]

    def http_source(self, sweep: SweepId, by: str) -> Source:
        """The source of a document that `by` sent over HTTP."""
        return Source(f"{self.settings.jobs_container}/{sweep}/{SWEEP_FILE}", f"http-{uuid4().hex}", by)

    def submit(self, sweep: SweepId, data: bytes, source: Source) -> SweepSubmission:
        """Accept or refuse. Never raises for what the document says; StoreError when storage fails."""
        parsed = parse_sweep(data, DocumentSettings.of(self.settings), sweep.sweep)
        if parsed.plan is None or parsed.first is None:
            return self.refuse(source, parsed.problems)
        root = read_json(data, DocumentSettings().max_bytes).value
        try:
            self._check_cluster(parsed.first, sweep, source)
            self.workspaces.ensure(sweep.workspace, sweep.experiment)
            new = self._new(sweep, parsed, parsed.plan, root, source)
            stored = self._store(new, data.decode("utf-8-sig"))
        except _Refused as fault:
            return self.refuse(source, (*parsed.problems, fault.problem), fault.code)
        except ConflictError as error:
            problem = Problem(0, 0, "$", str(error), "Then drop it again.")
            return self.refuse(source, (*parsed.problems, problem), Fault.BEING_DELETED)
        if stored.state.live:
            self.look_at(stored.id)
        self.show(stored)
        return SweepSubmission(True, stored, parsed.problems, known=stored.source != str(source))

    def refuse(
        self, source: Source, problems: tuple[Problem, ...], code: str = Fault.DOCUMENT
    ) -> SweepSubmission:
        """Say what is wrong, beside the file; over HTTP nothing is written, nor beside a newer file."""
        if not source.http and not self._overtaken(source):
            self.documents.put_status(source.place, refused(problems, self.now()))
        return SweepSubmission(False, problems=problems, code=code)

    def look_at(self, sweep: SweepId) -> None:
        """Have a sweep looked at soon; if that fails the timer does."""
        try:
            self.queue.send(SweepMessage(sweep))
        except StoreError as error:
            log.warning("sweep not queued: %s", error, extra={"action": "sweep", "sweep": str(sweep)})

    def show(self, sweep: Sweep) -> None:
        """Bring status.json up to date. A failure is logged: the row is what counts."""
        status = of_sweep(sweep, self.settings.scope, self.now())
        try:
            self.documents.put_status(admission.place_of(sweep.source), status)
        except StoreError as error:
            log.warning(
                "status.json not written: %s", error, extra={"action": "status", "sweep": str(sweep.id)}
            )

    def _overtaken(self, source: Source) -> bool:
        return not source.http and self.documents.overtaken(source.place, admission.mark_of(str(source)))

    def _check_cluster(self, spec: JobSpec, sweep: SweepId, source: Source) -> None:
        """That the first run's cluster is there; those of the others are looked for when they are made."""
        settings = self.settings
        cluster = admission.cluster_of(spec, sweep.job(0), settings.default_cluster, settings.scope)
        row = self.clusters.find(cluster) if cluster else None
        if row is None and cluster and not source.http:
            row = self.cluster_manager.take_dropped(cluster)
        if row is None or row.deleting:
            unknown = self.clusters.unknown(spec, cluster)
            raise _Refused(Fault.NO_CLUSTER, unknown.message, unknown.hint)

    def _new(
        self, sweep: SweepId, parsed: ParsedSweep, plan: SweepPlan, root: dict[str, Any], source: Source
    ) -> Sweep:
        now = self.now()
        content = json.dumps(root["properties"], sort_keys=True, separators=(",", ":"))
        return Sweep(
            id=sweep,
            uuid=str(uuid5(_NAMESPACE, f"{str(sweep).lower()}|{source}")),
            state=SweepState.RUNNING,
            created=now,
            state_since=now,
            source=str(source),
            content_sha256=self.sealer.digest(content),
            count=plan.count,
            first_index=plan.first_index,
            max_concurrent=plan.max_concurrent,
            max_failures=plan.max_failures,
            todo=bits.all_of(plan.count),
            submitted_by=source.by,
            properties=table_limits.written(_public(root["properties"])),
            problems=json.dumps(problems_json(parsed.problems)[:20], separators=(",", ":")),
        )

    def _store(self, new: Sweep, text: str) -> Sweep:
        """The sweep's row: the new one, or the one that stands for the same document already."""
        existing: Sweep | None = None

        def store() -> Sweep:
            nonlocal existing
            run = new
            if existing:
                run = replace(
                    new, uuid=str(uuid5(_NAMESPACE, f"{new.uuid}|{existing.uuid}")), etag=existing.etag
                )
            self.kept.put(run, text)
            self.table.point(run)
            try:
                if existing is None:
                    return self.table.insert(run)
                self.table.delete_results(existing.id)
                written = self.table.update(run)
                self._discard(existing)
                return written
            except (ConflictError, LostOwnershipError) as error:
                existing = self.table.get(new.id)
                if existing is None or existing.uuid != run.uuid:
                    self._discard(run)
                if existing and self._stands(existing, new):
                    return existing
                raise Overtaken from error

        return until_written(store, f"sweep {new.id}", tries=4)

    def _stands(self, existing: Sweep, new: Sweep) -> bool:
        """Whether the sweep that is there is the answer to the document. Raises _Refused where neither that
        nor another sweep can be."""
        if existing.deleting:
            raise _Refused(
                Fault.BEING_DELETED, f"the sweep {new.id.sweep} is being deleted.", "Wait for its end."
            )
        if existing.source == new.source:
            return True
        source = Source(admission.place_of(new.source), new.source.rpartition("@")[2])
        same = existing.content_sha256 == new.content_sha256
        if (same and (existing.state.live or source.http)) or self._overtaken(source):
            return True
        if existing.state.live or source.http:
            message = (
                f"a sweep named '{new.id.sweep}' is {existing.state} in experiment '{new.id.experiment}'."
            )
            raise _Refused(NAME_TAKEN, message, "Use another name, or terminate it or wait for its end.")
        return False

    def _discard(self, sweep: Sweep) -> None:
        """Remove what was kept of a sweep that is not to be, or is no more."""
        self.kept.delete(sweep.uuid)
        self.table.forget(sweep.id, sweep.uuid)


def _public(properties: dict[str, Any]) -> dict[str, Any]:
    """The document without its secrets."""
    job = properties["job"]["properties"]
    places = frozenset(("job", "properties", *path) for path in member_places(job, (Kind.SECRET,)))
    kept: dict[str, Any] = without(properties, places)
    return kept
