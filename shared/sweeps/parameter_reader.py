"""From the JSON of `parameters` and `rows` to parameters, with every fault of them. PURE."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from shared.documents.coercion import report_unknown
from shared.documents.findings import Finding, Path, Raw
from shared.names.ids import printable
from shared.sweeps.parameters import MOST_RUNS, Choices, Interval, Parameter, Value, steps_in
from shared.sweeps.plan import INDEX

Report = Callable[[Finding], None]
MOST_PARAMETERS = 100
#: Characters of a text that a run is given.
MOST_TEXT = 4_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_NAME_RULE = "A name is a letter or _, then up to 63 letters, digits or _."
_FORMS = (
    'Write a list such as [16, 32], or {"from": 1, "to": 9, "step": 2}, or '
    '{"from": 0.001, "to": 1, "count": 4, "scale": "log"}.'
)
_MEMBERS = ("from", "to", "step", "count", "scale", "whole")
_VALUE_RULE = "Write a text, a number, true or false."


def read_parameters(raw: dict[str, Any], path: Path, random: bool, report: Report) -> dict[str, Parameter]:
    """The parameters that are right. `random`: whether an interval may be without step and count."""
    if len(raw) > MOST_PARAMETERS:
        report(Finding(path, f"There are {len(raw)} parameters; {MOST_PARAMETERS} is the most."))
        return {}
    name_rules(raw, path, report)
    found: dict[str, Parameter] = {}
    for name, value in raw.items():
        parameter = _parameter(value, (*path, name), random, report)
        if parameter is not None:
            found[name] = parameter
    return found


def read_rows(raw: list[Any], path: Path, report: Report) -> tuple[dict[str, Value], ...]:
    """The rows, () where one of them is wrong."""
    if not 1 <= len(raw) <= MOST_RUNS:
        message = f"rows has {len(raw):,} rows; there must be 1 to {MOST_RUNS:,}."
        report(Finding(path, message, "A row is the parameters of one run."))
        return ()
    faults = 0

    def counted(finding: Finding) -> None:
        nonlocal faults
        faults += 1
        report(finding)

    first = raw[0] if isinstance(raw[0], dict) else {}
    name_rules(first, (*path, 0), counted)
    for place, row in enumerate(raw):
        _row(row, first, (*path, place), counted)
    return () if faults else tuple(dict(row) for row in raw)


def name_rules(names: dict[str, Any], path: Path, report: Report) -> None:
    """Names that can stand in placeholders and in environment variables, once each."""
    seen: dict[str, str] = {}
    for name in names:
        where = (*path, name)
        if not _NAME.fullmatch(name):
            report(Finding(where, f"{printable(name)} cannot name a parameter.", _NAME_RULE, at_key=True))
        elif name == INDEX:
            message = f"{INDEX} is the index of a run; a parameter needs another name."
            report(Finding(where, message, at_key=True))
        elif (other := seen.setdefault(name.upper(), name)) != name:
            message = f"{name} and {other} would be the same environment variable."
            report(Finding(where, message, "Let names differ in more than their case.", at_key=True))


def _row(row: Any, first: dict[str, Any], path: Path, report: Report) -> None:
    if not isinstance(row, dict):
        report(Finding(path, "A row must be an object in braces { }.", 'Write {"name": value, ...}.'))
        return
    missing, more = sorted(set(first) - set(row)), sorted(set(row) - set(first))
    if missing or more:
        words = [f"lacks {', '.join(missing[:5])}"] if missing else []
        words += [f"has {', '.join(map(printable, more[:5]))} beside them"] if more else []
        message = f"Every row must have the parameters of the first one; this {' and '.join(words)}."
        report(Finding(path, message))
    for name, value in row.items():
        _value(value, (*path, name), report)


def _parameter(value: Any, path: Path, random: bool, report: Report) -> Parameter | None:
    if isinstance(value, list):
        return _choices(value, path, report)
    if isinstance(value, dict):
        return _interval(Raw(value, path), random, report)
    report(Finding(path, f"{path[-1]} must be a list or a range.", _FORMS))
    return None


def _choices(value: list[Any], path: Path, report: Report) -> Parameter | None:
    if not 1 <= len(value) <= MOST_RUNS:
        report(Finding(path, f"{path[-1]} has {len(value):,} values; there must be 1 to {MOST_RUNS:,}."))
        return None
    right = [_value(item, (*path, place), report) for place, item in enumerate(value)]
    return Choices(tuple(value)) if all(right) else None


def _value(value: Any, path: Path, report: Report) -> bool:
    if isinstance(value, str) and len(value) > MOST_TEXT:
        report(Finding(path, f"A text may have {MOST_TEXT:,} characters."))
    elif not isinstance(value, str | int | float | bool):
        report(Finding(path, "A run cannot be given this.", _VALUE_RULE))
    else:
        return True
    return False


def _interval(raw: Raw, random: bool, report: Report) -> Parameter | None:
    faults: list[Finding] = []
    report_unknown([key for key in raw.value if key not in _MEMBERS], _MEMBERS, report, raw.path)
    low, high = _bound(raw, "from", faults), _bound(raw, "to", faults)
    step = _bound(raw, "step", faults) if "step" in raw else None
    count = _count(raw, faults)
    scale, whole = raw.value.get("scale", "linear"), raw.value.get("whole", False)
    if scale not in ("linear", "log"):
        faults.append(Finding(raw.at("scale"), 'scale must be "linear" or "log".'))
    if not isinstance(whole, bool):
        faults.append(Finding(raw.at("whole"), "whole must be true or false."))
    if low is not None and high is not None and not faults:
        interval = Interval(low, high, step, count, scale == "log", whole)
        faults += _interval_rules(interval, raw, random)
        if not faults:
            return interval
    for fault in faults:
        report(fault)
    return None


def _interval_rules(interval: Interval, raw: Raw, random: bool) -> list[Finding]:
    found: list[Finding] = []
    low, high, step = interval.low, interval.high, interval.step
    if low > high:
        found.append(Finding(raw.path, f"from ({low}) is larger than to ({high}).", "Exchange them."))
    if interval.log and low <= 0:
        found.append(Finding(raw.at("from"), "A range on the scale log must begin above 0."))
    if interval.whole and any(end != end.to_integral_value() for end in (low, high)):
        found.append(Finding(raw.path, "With whole, from and to must be whole numbers."))
    if step is not None and interval.count is not None:
        found.append(Finding(raw.path, "A range has step or count, not both.", "Remove one of them."))
    if step is not None and interval.log:
        found.append(Finding(raw.at("step"), "On the scale log there are no even steps.", "Use count."))
    elif step is not None and step <= 0:
        found.append(Finding(raw.at("step"), "step must be larger than 0."))
    elif step is not None and not found and steps_in(interval) >= MOST_RUNS:
        found.append(Finding(raw.at("step"), f"The range has more than {MOST_RUNS:,} values."))
    if not random and step is None and interval.count is None:
        message = f"{raw.path[-1]} has neither step nor count: a grid needs to know which values it has."
        found.append(Finding(raw.path, message, "Give one of them, or have random runs."))
    return found


def _bound(raw: Raw, key: str, faults: list[Finding]) -> Decimal | None:
    value = raw.value.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        missing = "is missing" if value is None else "must be a number below 1e15"
        at = raw.path if value is None else raw.at(key)
        faults.append(Finding(at, f"{key} {missing}.", _FORMS))
        return None
    return Decimal(repr(value))


def _count(raw: Raw, faults: list[Finding]) -> int | None:
    if "count" not in raw:
        return None
    count = raw.whole("count")
    if count is None or not 1 <= count <= MOST_RUNS:
        faults.append(Finding(raw.at("count"), f"count must be a whole number from 1 to {MOST_RUNS:,}."))
        return None
    return count
