"""The entry point: the bytes of a sweep.json to a plan, or to every problem at once. PURE.

The job document is read as `parse_job` would read it, once for each of some runs that together have every
value of every parameter. Its problems are placed in the sweep.json, and name the run where only some have
them.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from shared.documents.codec import public_properties
from shared.documents.coercion import REMARKS, report_unknown
from shared.documents.envelope import JOB as JOB_KIND
from shared.documents.envelope import unwrap
from shared.documents.findings import Finding, Path, json_path
from shared.documents.json_reader.reader import JsonText, read_json
from shared.documents.models.job import JobSpec
from shared.documents.parse import MOST_PROBLEMS, DocumentSettings, read_job
from shared.errors import Problem, Severity
from shared.names.ids import name_fault
from shared.names.table_limits import size_fault, written
from shared.sweeps.parameters import text as shown_value
from shared.sweeps.plan import SweepPlan
from shared.sweeps.plan_reader import JOB, ROOT, read_plan
from shared.sweeps.run_documents import run_name, run_properties
from shared.sweeps.substitution import placeholders

#: The word for it, where documents have a kind.
SWEEP = "sweep"
#: Runs whose job documents are read before a sweep is accepted; a run beyond them that is wrong fails alone.
MOST_READ = 200
_FORM = 'Write { "properties": { "parameters": { ... }, "job": { "properties": { ... } } } }.'
_DEFAULTS = DocumentSettings()
Report = Callable[[Finding], None]


@dataclass(frozen=True)
class ParsedSweep:
    """What came of a document: `plan` is None when any problem is an error."""

    plan: SweepPlan | None
    problems: tuple[Problem, ...]  #: by position
    first: JobSpec | None = None  #: the job of the first run

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop the document."""
        return tuple(p for p in self.problems if p.severity is Severity.ERROR)


def is_sweep(root: Any) -> bool:
    """Whether a JSON value describes a sweep, not a job or a cluster."""
    properties = root.get("properties") if isinstance(root, dict) else None
    ways = ("parameters", "rows", "array")
    return isinstance(properties, dict) and "job" in properties and any(way in properties for way in ways)


def parse_sweep(
    data: bytes | str, settings: DocumentSettings = _DEFAULTS, name: str = "", read: int = MOST_READ
) -> ParsedSweep:
    """Read a sweep.json. `name`: of the sweep, where it is known. `read`: how many job documents are read at
    most. Never raises, whatever `data` is."""
    text = read_json(data, settings.max_bytes)
    if not text.readable:
        return ParsedSweep(None, text.problems)
    findings: list[Finding] = []
    plan, first = _read(text.value, settings, name, read, findings.append)
    problems = {*text.problems, *(_problem(text, finding) for finding in findings)}
    ordered = tuple(sorted(problems)[:MOST_PROBLEMS])
    failed = any(p.severity is Severity.ERROR for p in problems)
    return ParsedSweep(None if failed else plan, ordered, first)


def _read(
    root: Any, settings: DocumentSettings, name: str, most: int, report: Report
) -> tuple[SweepPlan | None, JobSpec | None]:
    properties = _properties(root, report)
    if properties is None:
        return None, None
    job = properties.get("job")
    inner: dict[str, Any] | None = None
    if job is None:
        report(Finding(ROOT, "job is missing: the job document that the runs are made of.", _FORM))
    else:
        inner = unwrap(job, JOB_KIND, lambda finding: report(_placed(finding)))
    plan = read_plan(properties, inner or {}, report)
    if plan is None or inner is None:
        return None, None
    if name and (fault := name_fault("job", run_name(name, plan.index(plan.count - 1)))):
        report(
            Finding((), f"The runs are named after the sweep, but {fault}.", "Give the sweep a shorter name.")
        )
    if fault := size_fault(written(inner)):
        report(Finding(JOB, f"The job document is too large to be kept. {fault}."))
    return plan, _read_jobs(plan, settings, most, report)


def _properties(root: Any, report: Report) -> dict[str, Any] | None:
    properties = root.get("properties") if isinstance(root, dict) else None
    if not isinstance(properties, dict):
        report(Finding((), "A sweep document must be an object that holds properties, an object.", _FORM))
        return None
    known = ("properties", "$schema")
    report_unknown([key for key in root if key not in known and key not in REMARKS], known, report, ())
    return properties


def _read_jobs(plan: SweepPlan, settings: DocumentSettings, most: int, report: Report) -> JobSpec | None:
    """Read the job documents of some runs, and report what each says first. The job of run 0."""
    first: JobSpec | None = None
    varying = {path for path, _ in placeholders(dict(plan.job))}
    reported: set[tuple[Path, str]] = set()
    for number in itertools.islice(plan.distinctive(), most):
        findings: list[Finding] = []
        spec = read_job(
            run_properties(plan, number), settings.own_storage, settings.default_cluster, findings.append
        )
        if spec is not None and (fault := size_fault(written(public_properties(spec)))):
            findings.append(Finding(("properties",), f"The document is too large to be kept. {fault}."))
        first = first or spec
        for finding in findings:
            key = (finding.path, finding.message)
            if key not in reported:
                reported.add(key)
                report(_of_run(_placed(finding), plan, number, varying))
    return first


def _of_run(finding: Finding, plan: SweepPlan, number: int, varying: set[Path]) -> Finding:
    """A finding, with the run's values where it lies at a place that has other values in other runs."""
    place = finding.path[len(JOB) + 1 :]
    if not any(place[: len(path)] == path or path[: len(place)] == place for path in varying):
        return finding
    if finding.severity is not Severity.ERROR and number == 0:
        return finding
    values = ", ".join(f"{name}={shown_value(value)[:40]}" for name, value in plan.values(number).items())
    return replace(
        finding, message=f"{finding.message} (run {plan.index(number)}: {values})".replace(": )", ")")
    )


def _placed(finding: Finding) -> Finding:
    """A finding of a job document, at its place in the sweep.json."""
    return replace(finding, path=(*JOB, *finding.path))


def _problem(text: JsonText, finding: Finding) -> Problem:
    line, column = text.position(finding.path, finding.at_key)
    return Problem(line, column, json_path(finding.path), finding.message, finding.hint, finding.severity)
