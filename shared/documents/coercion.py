"""Fit a raw document to a model: drop what it does not know, coerce what the original client coerced. PURE.

The original client (msrest's deserializer) dropped unknown members and nulls silently, turned "2" into 2, 1.5
into 1 and 5 into "5", and ignored the case of enumerations. So do we, and we say so.
"""

import difflib
import itertools
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from shared.documents.findings import Finding, Path, note, warning
from shared.documents.models.base import Model
from shared.documents.models.shape import Kind, Member, shape_of
from shared.names.ids import printable

#: Members that carry a remark, wherever they stand; dropped without a word.
REMARKS = frozenset({"$schema", "$comment", "comment", "_comment", "//"})
#: Unknown members reported one by one of one object.
MOST_UNKNOWN = 1_000
_LONGEST_GUESSED_NAME = 64
_MOST_CANDIDATES = 200
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")

Report = Callable[[Finding], None]


def fit(raw: dict[str, Any], model: type[Model], report: Report, path: Path = ()) -> dict[str, Any]:
    """A copy of `raw` with the members of `model` only, coerced; what cannot be is left for validation."""
    shape, out = shape_of(model), dict[str, Any]()
    for key, value in raw.items():
        member = shape.get(key)
        if member is not None and value is not None:
            out[key] = _fit_member(value, member, report, (*path, key))
    report_unknown([key for key in raw if key not in shape], shape, report, path)
    return out


def report_unknown(names: list[str], known: Iterable[str], report: Report, path: Path) -> None:
    """Report the members `names` of the object at `path`, which no model has; remarks are passed over."""
    strange = [name for name in names if name not in REMARKS]
    for name in strange[:MOST_UNKNOWN]:
        report(unknown_member((*path, name), known))
    if len(strange) > MOST_UNKNOWN:
        report(
            warning(
                path, f"{len(strange) - MOST_UNKNOWN:,} more members here are not known and were dropped."
            )
        )


def _fit_member(value: Any, member: Member, report: Report, path: Path) -> Any:
    if member.is_list:
        items = value if isinstance(value, list) else None
        return (
            value if items is None else [_fit_one(v, member, report, (*path, i)) for i, v in enumerate(items)]
        )
    return _fit_one(value, member, report, path)


def _fit_one(value: Any, member: Member, report: Report, path: Path) -> Any:
    if member.model is not None:
        return fit(value, member.model, report, path) if isinstance(value, dict) else value
    if member.kind in (Kind.TEXT, Kind.SECRET):
        return _as_text(value, report, path)
    if member.kind is Kind.WHOLE:
        return _as_whole(value, report, path)
    if member.kind is Kind.CHOICE and isinstance(value, str):
        return next((c for c in member.choices if c.lower() == value.strip().lower()), value)
    return value


def _as_text(value: Any, report: Report, path: Path) -> Any:
    """The value itself is never repeated: it may be a secret."""
    if isinstance(value, bool):
        message = f'{str(value).lower()} was read as the text "{value}", as the original did.'
        report(warning(path, message, "Write it in double quotes the way the job expects it."))
        return str(value)
    if isinstance(value, int | float):
        report(note(path, "The number was read as text.", "Write it in double quotes."))
        return str(value)
    return value


def _as_whole(value: Any, report: Report, path: Path) -> Any:
    if (
        isinstance(value, str)
        and value.strip().lstrip("+-").isascii()
        and value.strip().lstrip("+-").isdigit()
    ):
        if len(value) > 20:
            return value
        report(note(path, "The text was read as a number.", "Write it without quotes."))
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        if value != int(value):
            message = f"{value:g} was cut to {int(value)}, as the original did."
            report(warning(path, message, "Write a whole number."))
        return int(value)
    return value


def unknown_member(path: Path, known: Iterable[str]) -> Finding:
    """The warning for a member that no model has."""
    name = str(path[-1])
    close = closest(name, known)
    hint = f"Did you mean {close}?" if close else "Batch AI has no such property here."
    return warning(
        path, f"{printable(name)} is not known and was dropped, as the original did.", hint, at_key=True
    )


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most likely stands for, or None. Case counts for nothing."""
    if len(name) > _LONGEST_GUESSED_NAME:
        return None
    folded = {k.lower(): k for k in itertools.islice(known, _MOST_CANDIDATES)}
    matches = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.75)
    return folded[matches[0]] if matches else None
