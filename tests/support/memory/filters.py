"""OData filters as the stores write them: comparisons, `and`, `or`, brackets that stand apart, @values."""

import functools
import operator
import re
from collections.abc import Callable, Mapping
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
#: (columns, timestamp) of an entity.
Meant = Callable[[Mapping[str, Any], datetime], bool]
#: (values of the filter, columns, timestamp).
_Test = Callable[[Mapping[str, Any], Mapping[str, Any], datetime], bool]


def key_range(text: str, parameters: Mapping[str, Any]) -> tuple[str, str, str]:
    """The partition ("": any), the first row key and the one after the last that a filter can mean: so many
    entities need no look."""
    # Stores write an `or` within the brackets at the end, or between brackets.
    outside = text.partition(" and ( ")[0]
    if " or " in outside:
        return "", "", _LAST
    found = _keys_in(outside)
    partition = parameters[found["PartitionKey eq"]] if "PartitionKey eq" in found else ""
    if "RowKey eq" in found:
        row = parameters[found["RowKey eq"]]
        return partition, row, row + chr(0)
    first = parameters[found["RowKey ge"]] if "RowKey ge" in found else ""
    return partition, first, parameters[found["RowKey lt"]] if "RowKey lt" in found else _LAST


@functools.lru_cache(maxsize=256)
def _keys_in(text: str) -> dict[str, str]:
    return dict(_KEYS.findall(text))


def read_filter(text: str, parameters: Mapping[str, Any]) -> Meant:
    """Whether an entity is meant; one that lacks a column never is. Raises ValueError for what is no filter,
    KeyError where a value is not given."""
    test, names = _parsed(text)
    values = {name: parameters[name] for name in names}
    return lambda columns, timestamp: test(values, columns, timestamp)


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[_Test, frozenset[str]]:
    """What it asks of an entity, and the names of its values."""
    words = text.split()
    if not words:
        return (lambda *_: True), frozenset()
    parser = _Parser(words)
    test = parser.either()
    if parser.words:
        raise ValueError(f"no filter: {text}")
    return test, frozenset(parser.names)


class _Parser:
    def __init__(self, words: list[str]) -> None:
        self.words, self.names = words, set[str]()

    def either(self) -> _Test:
        tests = self._parted_by("or", self._both)
        return tests[0] if len(tests) == 1 else lambda *entity: any(test(*entity) for test in tests)

    def _both(self) -> _Test:
        tests = self._parted_by("and", self._single)
        return tests[0] if len(tests) == 1 else lambda *entity: all(test(*entity) for test in tests)

    def _parted_by(self, word: str, read: Callable[[], _Test]) -> list[_Test]:
        tests = [read()]
        while self.words[:1] == [word]:
            self.words.pop(0)
            tests.append(read())
        return tests

    def _single(self) -> _Test:
        first = self.words.pop(0)
        if first == "(":
            test = self.either()
            if self.words.pop(0) != ")":
                raise ValueError("a bracket is not closed")
            return test
        compare, name = _COMPARE[self.words.pop(0)], self.words.pop(0).removeprefix("@")
        self.names.add(name)
        if first == "Timestamp":
            return lambda values, _, timestamp: bool(compare(timestamp, values[name]))
        return lambda values, columns, _: first in columns and bool(compare(columns[first], values[name]))
