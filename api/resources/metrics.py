"""What jobs and runners have written as JSON lines, as series of samples. PURE.

The lines are a job's: whatever they hold, the answer is JSON that every reader reads, and not much larger.
"""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

#: Longer lines, and members beyond the first ones, are left out.
_MOST_LINE, _MOST_MEMBERS = 64 * 1024, 200
#: What a browser and most programs count exactly.
_EXACT = 2**53


def samples(pieces: Iterable[tuple[int, bytes]], size: int) -> list[dict[str, Any]]:
    """The objects in (offset, bytes) pieces of a file of `size` bytes, in their order. Lines that are cut by
    a piece's end, and such as hold no object, are left out; so is one that is still being written."""
    found = []
    for offset, data in pieces:
        lines = data.split(b"\n")
        begin = 1 if offset else 0
        end = len(lines) if offset + len(data) >= size else len(lines) - 1
        found += [sample for line in lines[begin:end] if (sample := _sample(line))]
    return found


def _sample(line: bytes) -> dict[str, Any] | None:
    if len(line) > _MOST_LINE or not line.strip():
        return None
    try:
        value = json.loads(line, parse_constant=lambda _: None, parse_float=_float, parse_int=_int)
    except (ValueError, RecursionError):
        return None
    return dict(list(value.items())[:_MOST_MEMBERS]) if isinstance(value, dict) else None


def _float(text: str) -> float | None:
    """NaN and infinities are no JSON; a loss that has become one is shown as a gap."""
    value = float(text)
    return value if math.isfinite(value) else None


def _int(text: str) -> int | float | None:
    value = int(text)
    return value if abs(value) <= _EXACT else _float(text)


def thinned(values: Sequence[T], most: int) -> list[T]:
    """At most `most` of the values, evenly over their length, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    if most == 1:
        return [values[-1]]
    step = (len(values) - 1) / (most - 1)
    return [values[round(number * step)] for number in range(most)]
