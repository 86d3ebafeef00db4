"""From `properties` of a sweep.json to a plan, with every fault of it but those of the job document. PURE."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.documents.coercion import closest, report_unknown
from shared.documents.findings import Finding, Path, Raw
from shared.documents.models.shape import Kind
from shared.names.ids import printable
from shared.sweeps.metric_patterns import pattern_fault
from shared.sweeps.parameter_reader import read_parameters, read_rows
from shared.sweeps.parameters import MOST_RUNS, Parameter, Value
from shared.sweeps.plan import INDEX, Metric, RandomRuns, SweepPlan
from shared.sweeps.substitution import member_places, placeholders

Report = Callable[[Finding], None]
MEMBERS = ("parameters", "rows", "array", "random", "maxConcurrent", "maxFailures", "metric", "job")
ROOT: Path = ("properties",)
JOB: Path = ("properties", "job")
_ARRAY = re.compile(r"\s*(\d{1,7})\s*-\s*(\d{1,7})\s*", re.ASCII)
_LOG_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_WAYS = ("parameters", "rows", "array")
_MOST_SEED = 2**63 - 1


@dataclass
class _Read:
    """What has been read so far."""

    parameters: dict[str, Parameter]
    rows: tuple[dict[str, Value], ...] = ()
    random: RandomRuns | None = None
    first_index: int = 0
    array_count: int | None = None


def read_plan(properties: dict[str, Any], job: dict[str, Any], report: Report) -> SweepPlan | None:
    """The plan; None where anything of it is wrong. `job`: `properties` of the job document. Faults of what
    the job says are for `parse` to find."""
    faults = 0

    def counted(finding: Finding) -> None:
        nonlocal faults
        faults += finding.severity == "error"
        report(finding)

    raw = Raw(properties, ROOT)
    report_unknown([name for name in properties if name not in MEMBERS], MEMBERS, counted, ROOT)
    read = _runs(raw, counted)
    plan = SweepPlan(
        job=job,
        parameters=read.parameters,
        rows=read.rows,
        random=read.random,
        first_index=read.first_index,
        array_count=read.array_count,
        max_concurrent=_whole(raw, "maxConcurrent", MOST_RUNS, counted),
        max_failures=_whole(raw, "maxFailures", MOST_RUNS, counted),
        metric=_metric(raw, counted),
    )
    _placeholder_rules(job, _names(raw), counted)
    if not faults and plan.count > MOST_RUNS:
        message = f"There would be {plan.count:,} runs; {MOST_RUNS:,} is the most."
        counted(Finding(ROOT, message, "Give fewer values, or draw some at random."))
    return None if faults else plan


def _runs(raw: Raw, report: Report) -> _Read:
    given = [name for name in _WAYS if name in raw]
    if len(given) != 1:
        found = f"There are {' and '.join(given)}" if given else "parameters is missing"
        hint = "Give exactly one of parameters, rows and array."
        report(Finding(raw.path, f"{found}: which runs are there to be?", hint))
    read = _Read({})
    read.random = _random(raw, report) if "random" in raw else None
    if "parameters" in raw:
        if not isinstance(raw.value["parameters"], dict) or not raw.value["parameters"]:
            message = "parameters must be an object with at least one parameter."
            report(Finding(raw.at("parameters"), message, 'Write {"width": [16, 32]}.'))
        inner = raw.child("parameters")
        read.parameters = read_parameters(inner.value, inner.path, "random" in raw, report)
    elif "random" in raw:
        report(Finding(raw.at("random"), "random needs parameters that it can draw.", at_key=True))
    if "rows" in raw:
        rows = raw.value["rows"]
        if isinstance(rows, list):
            read.rows = read_rows(rows, raw.at("rows"), report)
        else:
            report(Finding(raw.at("rows"), "rows must be a list of objects in brackets [ ]."))
    if "array" in raw:
        read.first_index, read.array_count = _array(raw, report)
    return read


def array_bounds(words: str) -> tuple[int, int]:
    """(first index, how many) of "5-20". Raises ValueError with a message for people."""
    match = _ARRAY.fullmatch(words)
    if match is None:
        raise ValueError(f"{printable(words)} is no array of indexes: write the first and the last, as 0-99")
    first, last = int(match[1]), int(match[2])
    if last < first:
        raise ValueError(f"the array {words} ends before it begins")
    if last - first >= MOST_RUNS:
        raise ValueError(f"the array {words} has {last - first + 1:,} runs; {MOST_RUNS:,} is the most")
    return first, last - first + 1


def _array(raw: Raw, report: Report) -> tuple[int, int | None]:
    try:
        return array_bounds(raw.text("array") or "")
    except ValueError as fault:
        message = str(fault)
        report(Finding(raw.at("array"), message[:1].upper() + message[1:] + "."))
        return 0, None


def _random(raw: Raw, report: Report) -> RandomRuns | None:
    inner = raw.child("random")
    report_unknown(
        [k for k in inner.value if k not in ("seed", "count")], ("seed", "count"), report, inner.path
    )
    seed, count = inner.whole("seed"), inner.whole("count")
    if seed is None or not 0 <= seed <= _MOST_SEED:
        message = "random needs a seed, a whole number from 0 on."
        report(Finding(inner.path, message, "The same seed gives the same runs again.", missing="seed"))
    if count is None or not 1 <= count <= MOST_RUNS:
        message = f"random needs a count of runs, from 1 to {MOST_RUNS:,}."
        report(Finding(inner.path, message, missing="count"))
    return RandomRuns(seed, count) if seed is not None and count is not None else None


def _whole(raw: Raw, key: str, most: int, report: Report) -> int | None:
    if key not in raw:
        return None
    value = raw.whole(key)
    if value is None or not 1 <= value <= most:
        report(Finding(raw.at(key), f"{key} must be a whole number from 1 to {most:,}."))
        return None
    return value


def _metric(raw: Raw, report: Report) -> Metric | None:
    if "metric" not in raw:
        return None
    inner, known = raw.child("metric"), ("key", "pattern", "log", "goal")
    report_unknown([name for name in inner.value if name not in known], known, report, inner.path)
    goal, key, pattern, log = (inner.text(name) or "" for name in ("goal", "key", "pattern", "log"))
    if goal not in ("maximize", "minimize"):
        message = "metric needs a goal: which values are better?"
        report(Finding(inner.path, message, 'Write "goal": "maximize" or "minimize".', missing="goal"))
    if bool(key) == bool(pattern):
        message = "metric has key (of the metrics file) or pattern (for a log), exactly one of them."
        report(Finding(inner.path, message))
    if len(key) > 200:
        report(Finding(inner.at("key"), "key may have 200 characters."))
    if pattern and (fault := pattern_fault(pattern)):
        report(Finding(inner.at("pattern"), f"pattern {fault}."))
    if log and (key or not _LOG_NAME.fullmatch(log)):
        report(Finding(inner.at("log"), "log names the log that pattern is for, such as stdout."))
    return Metric(goal == "maximize", key, pattern, log or "stdout")


def _names(raw: Raw) -> tuple[str, ...]:
    """The parameters that a document means to have, right or wrong: their placeholders are no fault."""
    rows = raw.value.get("rows")
    first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    return (*raw.child("parameters").value, *first, INDEX)


def _placeholder_rules(job: dict[str, Any], names: tuple[str, ...], report: Report) -> None:
    where = (*JOB, "properties")
    secrets = set(member_places(job, (Kind.SECRET,)))
    for path, name in placeholders(job):
        if name == "${{":
            message = "A placeholder begins here and does not end."
            report(Finding((*where, *path), message, "Write ${{ name }}."))
        elif path in secrets:
            message = "A secret cannot hold a placeholder: parameters are shown to whoever may read."
            report(Finding((*where, *path), message, "Write the secret itself, or a Key Vault reference."))
        elif name not in names:
            close = closest(name, names)
            hint = f"Did you mean {close}?" if close else f"There are: {', '.join(names[:10])}."
            report(Finding((*where, *path), f"There is no parameter {printable(name)}.", hint))
