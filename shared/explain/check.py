"""A document as somebody types it: its kind, every problem, and what would become of the job. PURE."""

import json
from dataclasses import dataclass, replace
from typing import Any

from shared.documents.envelope import CLUSTER, JOB, document_kind
from shared.documents.json_reader.reader import read_json
from shared.documents.parse import DocumentSettings, Parsed, parse_cluster, parse_job
from shared.documents.spec import JobSpec
from shared.environment.variables import Placement
from shared.errors import LaunchError, Problem, Severity
from shared.explain.explanation import IMAGINED, Places, explanation, imagined_placement
from shared.explain.sweeps import sweep_explanation
from shared.sweeps.parse import SWEEP, is_sweep, parse_sweep
from shared.sweeps.run_documents import run_document

#: Fills <AZURE_BATCHAI_STORAGE_KEY>: well-formed, opens nothing, never shown.
STAND_IN_KEY = "AAAA"
#: The kinds that can be checked.
KINDS = (JOB, CLUSTER, SWEEP)


@dataclass(frozen=True)
class Checked:
    """What came of a document. `job`: what would become of it, None for a cluster or where it cannot run."""

    kind: str
    problems: tuple[Problem, ...]
    job: dict[str, Any] | None = None
    sweep: dict[str, Any] | None = None  #: its runs, of which `job` is the first

    @property
    def valid(self) -> bool:
        """Whether it would be accepted, as far as the document alone shows."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)


def guessed_kind(data: bytes, max_bytes: int) -> str | None:
    """One of KINDS by what the document holds; None where that shows none."""
    root = read_json(data, max_bytes).value
    if is_sweep(root):
        return SWEEP
    found = document_kind(root)
    return found if found in KINDS else None


def checked(
    data: bytes,
    kind: str,
    settings: DocumentSettings,
    cloud: str = "",
    places: Places = IMAGINED,
    gpus: int = 1,
) -> Checked:
    """Check and explain a document of `kind`. Never raises, whatever `data` is.

    `cloud`: as in `explanation`; `gpus`: of each node.
    """
    if kind == CLUSTER:
        return Checked(kind, parse_cluster(data, settings).problems)
    if kind == SWEEP:
        return explained_sweep(data, settings, gpus, cloud, places)
    return explained(data, settings, None, gpus, cloud, places)


def explained(
    data: bytes,
    settings: DocumentSettings,
    nodes: int | None,
    gpus: int,
    cloud: str,
    places: Places = IMAGINED,
) -> Checked:
    """Check a job's document, and explain it. `nodes`: as if nodeCount were this, None: as it stands."""
    parsed = _with_nodes(data, settings, nodes)
    if parsed.spec is None:
        return Checked(JOB, parsed.problems)
    placement = imagined_placement(parsed.spec.node_count, gpus, places)
    return _explained(parsed.spec, parsed.problems, placement, cloud)


def explained_sweep(
    data: bytes, settings: DocumentSettings, gpus: int, cloud: str, places: Places = IMAGINED
) -> Checked:
    """Check a sweep's document, and explain its runs and the job of the first."""
    parsed = parse_sweep(data, settings)
    if parsed.plan is None:
        return Checked(SWEEP, parsed.problems)
    first = explained(run_document(parsed.plan, 0), settings, None, gpus, cloud, places)
    # Its problems are the sweep's too, with other places; but one that only starting it shows.
    problems = parsed.problems if first.job else (*parsed.problems, *first.problems[-1:])
    return Checked(SWEEP, problems, first.job, sweep_explanation(parsed.plan))


def _explained(spec: JobSpec, problems: tuple[Problem, ...], placement: Placement, cloud: str) -> Checked:
    try:
        return Checked(JOB, problems, explanation(spec, placement, cloud))
    except LaunchError as fault:
        message = f"It cannot be started: {fault}."
        return Checked(JOB, (*problems, Problem(0, 0, "$.properties", message)))


def _with_nodes(data: bytes, settings: DocumentSettings, nodes: int | None) -> Parsed[JobSpec]:
    """The document, with nodeCount replaced. It is parsed anew because defaults (processCount) follow it."""
    as_written = parse_job(data, settings)
    if nodes is None or as_written.spec is None:
        return as_written
    tree = read_json(data, settings.max_bytes).value
    tree["properties"]["nodeCount"] = nodes
    changed = parse_job(json.dumps(tree), settings)
    if changed.spec:
        return Parsed(changed.spec, as_written.problems)
    # The fault is the other nodeCount, which stands nowhere in the file.
    return Parsed(None, tuple(replace(problem, line=0, column=0) for problem in changed.problems))
