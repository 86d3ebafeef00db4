"""The entry points: a dropped document's bytes to a typed spec, or to every problem at once. PURE."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from shared.documents.codec import public_properties
from shared.documents.coercion import fit
from shared.documents.envelope import CLUSTER, JOB, unwrap
from shared.documents.findings import Finding, Path, Raw, json_path, note
from shared.documents.json_reader.reader import JsonText, read_json
from shared.documents.legacy import translate_cluster, translate_job
from shared.documents.models.base import Model
from shared.documents.models.cluster import ClusterSpec
from shared.documents.models.job import JobSpec
from shared.documents.models.toolkits import WITH_PROCESS_COUNT
from shared.documents.own_places import NO_PLACES, OwnPlaces, own_places
from shared.documents.placeholders import OwnStorage, complete_volumes
from shared.documents.rules.own_places import own_place_rules
from shared.documents.rules.registry import cluster_findings, job_findings
from shared.documents.validation import problems_of
from shared.errors import Problem, Severity
from shared.names.table_limits import size_fault, written
from shared.settings import Settings

T = TypeVar("T", bound=JobSpec | ClusterSpec)
M = TypeVar("M", bound=Model)
Report = Callable[[Finding], None]
#: Where the properties of a document stand in it.
ROOT: Path = ("properties",)
#: Problems reported of one document; beyond that, how many more there are.
MOST_PROBLEMS = 2_000
_ELSEWHERE = "Put long texts into files on a volume."


@dataclass(frozen=True)
class DocumentSettings:
    """What the installation knows when it reads a document."""

    storage_account: str | None = None  #: fills <AZURE_BATCHAI_STORAGE_ACCOUNT>
    storage_key: str | None = field(default=None, repr=False)  #: fills <AZURE_BATCHAI_STORAGE_KEY>
    default_cluster: str = "default"  #: cluster of the job's own workspace when cluster.id is absent
    max_bytes: int = 512 * 1024
    own_places: OwnPlaces = NO_PLACES  #: what no document may mount

    @classmethod
    def of(cls, settings: Settings) -> "DocumentSettings":
        """What an installation's settings say of it."""
        return cls(
            settings.data_account or None,
            settings.data_key or None,
            settings.default_cluster,
            own_places=own_places(settings),
        )

    @property
    def own_storage(self) -> OwnStorage:
        return OwnStorage(self.storage_account or None, self.storage_key or None, self.own_places)


@dataclass(frozen=True)
class Parsed(Generic[T]):
    """What came of a document: `spec` is None when any problem is an error."""

    spec: T | None
    problems: tuple[Problem, ...]  #: by position: errors, warnings and notes

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop the document."""
        return tuple(p for p in self.problems if p.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not stop it: warnings and notes."""
        return tuple(p for p in self.problems if p.severity is not Severity.ERROR)


_DEFAULTS = DocumentSettings()


def parse_job(data: bytes | str, settings: DocumentSettings = _DEFAULTS) -> Parsed[JobSpec]:
    """Read a job.json. Never raises, whatever `data` is."""

    def read(properties: dict[str, Any], report: Report) -> JobSpec | None:
        return read_job(properties, settings.own_storage, settings.default_cluster, report)

    return _parse(data, settings.max_bytes, JOB, read)


def parse_cluster(data: bytes | str, settings: DocumentSettings = _DEFAULTS) -> Parsed[ClusterSpec]:
    """Read a cluster.json. Never raises, whatever `data` is."""

    def read(properties: dict[str, Any], report: Report) -> ClusterSpec | None:
        return read_cluster(properties, settings.own_storage, report)

    return _parse(data, settings.max_bytes, CLUSTER, read)


def _parse(
    data: bytes | str, max_bytes: int, kind: str, read: Callable[[dict[str, Any], Report], T | None]
) -> Parsed[T]:
    text = read_json(data, max_bytes)
    if not text.readable:
        return Parsed(None, _in_order(list(text.problems)))
    findings: list[Finding] = []
    properties = unwrap(text.value, kind, findings.append)
    spec = None if properties is None else read(properties, findings.append)
    findings += _size(spec)
    faulty = {problem.path for problem in text.problems}
    problems = [*text.problems, *(_problem(text, f) for f in findings if not _follows(f, faulty))]
    failed = any(p.severity is Severity.ERROR for p in problems)
    return Parsed(None if failed else spec, _in_order(problems))


def _size(spec: JobSpec | ClusterSpec | None) -> list[Finding]:
    """That what is kept of a document does not fit its row."""
    fault = None if spec is None else size_fault(written(public_properties(spec)))
    message = f"The document is too large to be kept. {fault}."
    return [Finding(("properties",), message, _ELSEWHERE)] if fault else []


def _follows(finding: Finding, faulty: set[str]) -> bool:
    """Whether a finding only repeats a fault of the text: what cannot be read reads as missing."""
    return bool(finding.missing) and json_path((*finding.path, finding.missing)) in faulty


def _in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """By position, each once, and no more of them than anybody reads."""
    ordered = sorted(set(problems))
    if len(ordered) <= MOST_PROBLEMS:
        return tuple(ordered)
    # Errors first: a document that is refused must show why, however many notes it draws.
    kept = sorted(ordered, key=lambda p: p.severity is not Severity.ERROR)[:MOST_PROBLEMS]
    severity = min((p.severity for p in ordered), key=list(Severity).index)
    message = f"There are {len(ordered) - MOST_PROBLEMS:,} more problems; mend these first."
    return (*sorted(kept), Problem(0, 0, "$", message, "", severity))


def _problem(text: JsonText, f: Finding) -> Problem:
    line, column = text.position(f.path, f.at_key)
    return Problem(line, column, json_path(f.path), f.message, f.hint, f.severity)


def read_job(
    properties: dict[str, Any], own: OwnStorage, default_cluster: str, report: Report
) -> JobSpec | None:
    """The job that `properties` describe; None where validation fails. All faults go to `report`."""
    job = fit(translate_job(properties, report, ROOT), JobSpec, report, ROOT)
    if "cluster" not in job:
        message = (
            f"No cluster is named; the job is queued for the cluster {default_cluster} of its workspace."
        )
        report(note(ROOT, message))
        job["cluster"] = {"id": default_cluster}
    _complete(job, "mountVolumes", ROOT, own, report)
    for finding in job_findings(Raw(job, ROOT)):
        report(finding)
    return _validated(with_defaults(job), JobSpec, report)


def read_cluster(properties: dict[str, Any], own: OwnStorage, report: Report) -> ClusterSpec | None:
    """The cluster that `properties` describe; None where validation fails. All faults go to `report`."""
    cluster = fit(translate_cluster(properties, report, ROOT), ClusterSpec, report, ROOT)
    setup = cluster.get("nodeSetup")
    if isinstance(setup, dict):
        _complete(setup, "mountVolumes", (*ROOT, "nodeSetup"), own, report)
    for finding in cluster_findings(Raw(cluster, ROOT)):
        report(finding)
    return _validated(cluster, ClusterSpec, report)


def _complete(holder: dict[str, Any], key: str, path: Path, own: OwnStorage, report: Report) -> None:
    mounts = holder.get(key)
    if isinstance(mounts, dict):
        holder[key] = complete_volumes(Raw(mounts, (*path, key)), own, report)
        for finding in own_place_rules(Raw(holder[key], (*path, key)), own.places):
            report(finding)


def _validated(properties: dict[str, Any], model: type[M], report: Report) -> M | None:
    try:
        return model.model_validate(properties)
    except ValidationError as error:
        for finding in problems_of(error, model, ROOT):
            report(finding)
        return None


def with_defaults(job: dict[str, Any]) -> dict[str, Any]:
    """A copy of a job's properties with process counts and worker counts filled in."""
    nodes = job.get("nodeCount")
    if not isinstance(nodes, int):
        return job
    out = dict(job)
    for name in WITH_PROCESS_COUNT:
        settings = out.get(name)
        if isinstance(settings, dict) and "processCount" not in settings:
            out[name] = {**settings, "processCount": nodes}
    settings = out.get("tensorFlowSettings")
    if isinstance(settings, dict) and _distributed(settings, nodes):
        out["tensorFlowSettings"] = {"workerCount": nodes, "parameterServerCount": 1, **settings}
    return out


def _distributed(settings: dict[str, Any], nodes: int) -> bool:
    """Whether a TensorFlow job has more than one process: only then do its counts have defaults."""
    workers = settings.get("workerCount")
    return nodes > 1 or "parameterServerCount" in settings or (isinstance(workers, int) and workers > 1)
