"""A metric in what a run wrote. PURE.

Patterns are such as `metric_patterns` lets through, and are matched against lines that are cut: so a hostile
one keeps nobody busy for long (docs/adr/0344).
"""

import json
import math
import re
from collections.abc import Iterator

#: Characters of a line that a pattern is matched against.
_MOST_LINE = 500


def last_value(text: str, key: str) -> float | None:
    """The last number under `key` in lines of JSON; lines that are none are passed over."""
    for line in _backwards(text):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        value = found.get(key) if isinstance(found, dict) else None
        if (number := _number(value)) is not None:
            return number
    return None


def last_match(text: str, pattern: str) -> float | None:
    """The number that the match of `pattern` in the last line that has one holds: its group, or the whole
    where it has none."""
    compiled = re.compile(pattern)
    for line in _backwards(text):
        found = compiled.search(line[:_MOST_LINE])
        if found is None:
            continue
        words = found.group(1) if compiled.groups else found.group(0)
        if (number := _number(_parsed(words))) is not None:
            return number
    return None


def _backwards(text: str) -> Iterator[str]:
    return (line for line in reversed(text.splitlines()) if line.strip())


def _parsed(words: str | None) -> float | None:
    try:
        return float(words or "")
    except ValueError:
        return None


def _number(value: object) -> float | None:
    """A finite number, None for anything else: NaN compares with nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
