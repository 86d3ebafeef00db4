"""What a sweep.json says: which runs there are, with which values, and how they are held together. PURE.

A run has a *number*, counted from 0, and an *index*, which its job is named after and which its processes
see: the number, or for an array the index that was asked for.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.documents.findings import Path
from shared.documents.models.shape import Kind
from shared.sweeps.draws import draw
from shared.sweeps.parameters import Parameter, Value, drawn, points
from shared.sweeps.substitution import member_places

#: The name under which a document gets the index of a run.
INDEX = "index"


@dataclass(frozen=True)
class RandomRuns:
    """`count` runs whose values are drawn."""

    seed: int
    count: int


@dataclass(frozen=True)
class Metric:
    """What runs are compared by: the last value of `key` in the metrics file, or the last match of `pattern`
    (its first group) in the log stream `log`."""

    maximize: bool
    key: str = ""
    pattern: str = ""
    log: str = "stdout"

    @property
    def name(self) -> str:
        """The word for it in tables."""
        return self.key or "metric"


@dataclass(frozen=True)
class SweepPlan:
    """One sweep. `job`: the `properties` of its job document, with placeholders."""

    job: Mapping[str, Any] = field(repr=False)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    rows: tuple[Mapping[str, Value], ...] = ()
    random: RandomRuns | None = None
    first_index: int = 0
    array_count: int | None = None  #: of an array: runs that differ by their index only
    max_concurrent: int | None = None
    max_failures: int | None = None
    metric: Metric | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, in the order of the document."""
        if self.rows:
            return tuple(dict.fromkeys(name for row in self.rows for name in row))
        return tuple(self.parameters)

    @property
    def count(self) -> int:
        """How many runs there are."""
        if self.array_count is not None:
            return self.array_count
        if self.rows:
            return len(self.rows)
        if self.random:
            return self.random.count
        total = 1
        for some in self._points.values():
            total *= len(some)
        return total

    @functools.cached_property
    def text_places(self) -> frozenset[Path]:
        """Where the job document wants texts: a number becomes one there."""
        return frozenset(member_places(dict(self.job), (Kind.TEXT, Kind.SECRET)))

    @functools.cached_property
    def _points(self) -> Mapping[str, tuple[Value, ...]]:
        return {name: points(parameter) for name, parameter in self.parameters.items()}

    def index(self, number: int) -> int:
        """The index of a run."""
        return self.first_index + number

    def values(self, number: int) -> dict[str, Value]:
        """The parameters of a run. In a grid the last parameter varies fastest."""
        if self.array_count is not None:
            return {}
        if self.rows:
            return dict(self.rows[number])
        if self.random:
            seed = self.random.seed
            return {name: drawn(p, draw(seed, name, number)) for name, p in self.parameters.items()}
        found: dict[str, Value] = {}
        for name in reversed(tuple(self.parameters)):
            some = self._points[name]
            number, place = divmod(number, len(some))
            found[name] = some[place]
        return {name: found[name] for name in self.parameters}

    def distinctive(self) -> Iterator[int]:
        """Numbers of runs that together have every value of every parameter: what a document can be wrong in,
        one of them shows, as far as one value alone makes it so."""
        seen: set[tuple[str, type, Value]] = set()
        for number in range(self.count):
            pairs = {(name, type(value), value) for name, value in self.values(number).items()}
            if number == 0 or not pairs <= seen:
                seen |= pairs
                yield number
