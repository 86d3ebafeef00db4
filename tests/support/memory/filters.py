"""OData filters as the stores write them: comparisons, `and`, `or`, brackets that stand apart, @values."""

import operator
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_KEYS = re.compile(r"(PartitionKey eq|RowKey eq|RowKey ge|RowKey lt) @(\w+)")
_LAST = chr(0x10FFFF)  # sorts after every key
_COMPARE = {
    "eq": operator.eq,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
    "ne": operator.ne,
}


def key_range(text: str, parameters: Mapping[str, Any]) -> tuple[str, str, str]:
    """The partition ("": any), the first row key and the one after the last that a filter can mean: so many
    entities need no look."""
    # Stores write an `or` within the brackets at the end, or between brackets.
    outside = text.partition(" and ( ")[0]
    if " or " in outside:
        return "", "", _LAST
    found = dict(_KEYS.findall(outside))
    partition = parameters[found["PartitionKey eq"]] if "PartitionKey eq" in found else ""
    if "RowKey eq" in found:
        row = parameters[found["RowKey eq"]]
        return partition, row, row + chr(0)
    first = parameters[found["RowKey ge"]] if "RowKey ge" in found else ""
    return partition, first, parameters[found["RowKey lt"]] if "RowKey lt" in found else _LAST


def matches(
    text: str, parameters: Mapping[str, Any], columns: Mapping[str, Any], timestamp: datetime
) -> bool:
    """Whether an entity is meant; one that lacks a column never is. ValueError for what is no filter."""
    words = text.split()
    if not words:
        return True
    parsed = _Filter(words, parameters, dict(columns) | {"Timestamp": timestamp})
    answer = parsed.either()
    if parsed.words:
        raise ValueError(f"no filter: {text}")
    return answer


class _Filter:
    def __init__(self, words: list[str], parameters: Mapping[str, Any], columns: dict[str, Any]) -> None:
        self.words, self._parameters, self._columns = words, parameters, columns

    def either(self) -> bool:
        answer = self._both()
        while self.words[:1] == ["or"]:
            self.words.pop(0)
            answer = self._both() or answer
        return answer

    def _both(self) -> bool:
        answer = self._single()
        while self.words[:1] == ["and"]:
            self.words.pop(0)
            answer = self._single() and answer
        return answer

    def _single(self) -> bool:
        first = self.words.pop(0)
        if first == "(":
            answer = self.either()
            if self.words.pop(0) != ")":
                raise ValueError("a bracket is not closed")
            return answer
        compare, value = _COMPARE[self.words.pop(0)], self._parameters[self.words.pop(0).removeprefix("@")]
        return first in self._columns and bool(compare(self._columns[first], value))
