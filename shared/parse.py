"""The entry points: a dropped document's bytes to a typed spec, or to every problem at once. PURE."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from shared.errors import Problem, Severity
from shared.findings import Finding, json_path
from shared.fitting import fit
from shared.json_text import JsonText, read_json
from shared.spec_base import Model
from shared.spec_cluster import ClusterSpec
from shared.spec_job import JobSpec
from shared.validation import problems_of

T = TypeVar("T", bound=Model)


@dataclass(frozen=True)
class DocumentSettings:
    """What the installation knows when it reads a document."""

    storage_account: str | None = None  #: fills <AZURE_BATCHAI_STORAGE_ACCOUNT>
    storage_key: str | None = field(default=None, repr=False)  #: fills <AZURE_BATCHAI_STORAGE_KEY>
    default_cluster: str = "default"  #: cluster of the job's own workspace when cluster.id is absent
    max_bytes: int = 512 * 1024


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


def parse_job(data: bytes | str, settings: DocumentSettings = DocumentSettings()) -> Parsed[JobSpec]:
    """Read a job.json. Never raises, whatever `data` is."""
    return _parse(data, settings, JobSpec)


def parse_cluster(data: bytes | str, settings: DocumentSettings = DocumentSettings()) -> Parsed[ClusterSpec]:
    """Read a cluster.json. Never raises, whatever `data` is."""
    return _parse(data, settings, ClusterSpec)


def _parse(data: bytes | str, settings: DocumentSettings, model: type[T]) -> Parsed[T]:
    text = read_json(data, settings.max_bytes)
    if not text.readable:
        return Parsed(None, tuple(sorted(text.problems)))
    findings: list[Finding] = []
    spec = _read(text, settings, model, findings.append)
    told = tuple(sorted([*text.problems, *(_problem(text, f) for f in findings)]))
    failed = any(p.severity is Severity.ERROR for p in told)
    return Parsed(None if failed else spec, told)


def _read(
    text: JsonText, settings: DocumentSettings, model: type[T], report: Callable[[Finding], None]
) -> T | None:
    root = text.value
    properties = root.get("properties") if isinstance(root, dict) else None
    if not isinstance(properties, dict):
        report(
            Finding((), "The document must hold an object called properties.", '{ "properties": { ... } }')
        )
        return None
    below: Callable[[Finding], None] = lambda f: report(_below("properties", f))  # noqa: E731
    return _validated(fit(properties, model, below), model, below)


def _below(root: str, finding: Finding) -> Finding:
    return Finding((root, *finding.path), finding.message, finding.hint, finding.severity, finding.at_key)


def _validated(properties: dict[str, Any], model: type[T], report: Callable[[Finding], None]) -> T | None:
    try:
        return model.model_validate(properties)
    except ValidationError as error:
        for finding in problems_of(error):
            report(finding)
        return None


def _problem(text: JsonText, f: Finding) -> Problem:
    line, column = text.position(f.path, f.at_key)
    return Problem(line, column, json_path(f.path), f.message, f.hint, f.severity)
