"""How fast a series grows, and what that means: the least-squares line through its samples. Pure.

A slope is said with how sure it is: two standard errors to each side. A series *grows* when all of that lies
above the bar, is *steady* when all of it lies below, and is *undecided* otherwise: it was measured too
shortly for its noise. A series shorter than `least_seconds` after its warm-up is not judged.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf, sqrt

from tests.soak.samples import OF_PROCESSES, Sample

_HOUR = 3600.0
#: what -> the most it may grow in an hour, in its unit. Half a file or thread is less than one in two hours.
BARS = {
    "memory": 1.0,
    "files": 0.5,
    "threads": 0.5,
    "rows": 20.0,
    "blobs": 20.0,
    "messages": 5.0,
    "age": 30.0,
    "left": 20.0,
    "outputs": 200.0,
}


class Growth(StrEnum):
    STEADY = "steady"
    GROWS = "grows"
    UNDECIDED = "undecided"
    SHORT = "too short"


@dataclass(frozen=True)
class Slope:
    """Of one series: units an hour, give or take `error` (two standard errors)."""

    series: str
    per_hour: float
    error: float
    first: float  #: the line at its beginning and its end, in the series' unit
    last: float
    seconds: float  #: that it was measured, without the warm-up
    growth: Growth


def what(series: str) -> str:
    """The first word of a series' name."""
    return series.partition("/")[0]


def series_of(samples: Iterable[Sample]) -> dict[str, list[tuple[float, float]]]:
    """(seconds, value) by series, in the order of the samples."""
    found: dict[str, list[tuple[float, float]]] = {}
    for sample in samples:
        for name, value in sample.values.items():
            found.setdefault(name, []).append((sample.seconds, value))
    return found


def slopes(
    samples: Iterable[Sample], warm_up_seconds: float, least_seconds: float, bars: Mapping[str, float] = BARS
) -> list[Slope]:
    """The slope of every series with a bar; of processes, the runners': the emulator is not ours.

    The warm-up is cut from the start of each process' own series, and from the start of the whole for others.
    """
    found = []
    for name, points in series_of(samples).items():
        bar = bars.get(what(name))
        if bar is None or (what(name) in OF_PROCESSES and "/runner" not in name):
            continue
        begun = points[0][0] if what(name) in OF_PROCESSES else 0.0
        kept = [point for point in points if point[0] >= begun + warm_up_seconds]
        found.append(slope(name, kept, bar, least_seconds))
    return found


def slope(name: str, points: Sequence[tuple[float, float]], bar: float, least_seconds: float) -> Slope:
    """The slope of `points` (seconds, value), judged by `bar` (units an hour)."""
    seconds = points[-1][0] - points[0][0] if points else 0.0
    if len(points) < 3 or seconds < least_seconds:
        values = [value for _, value in points] or [0.0]
        return Slope(name, 0.0, inf, values[0], values[-1], seconds, Growth.SHORT)
    hours = [at / _HOUR for at, _ in points]
    line = statistics.linear_regression(hours, [value for _, value in points])
    error = 2 * _standard_error(hours, [value for _, value in points], line.slope, line.intercept)
    first, last = (line.intercept + line.slope * at for at in (hours[0], hours[-1]))
    return Slope(name, line.slope, error, first, last, seconds, _growth(line.slope, error, bar))


def _growth(per_hour: float, error: float, bar: float) -> Growth:
    if per_hour - error > bar:
        return Growth.GROWS
    return Growth.STEADY if per_hour + error < bar else Growth.UNDECIDED


def _standard_error(
    hours: Sequence[float], values: Sequence[float], factor: float, intercept: float
) -> float:
    """Of the slope of a least-squares line."""
    rest = sum((value - intercept - factor * hour) ** 2 for hour, value in zip(hours, values, strict=True))
    middle = statistics.fmean(hours)
    spread = sum((hour - middle) ** 2 for hour in hours)
    return sqrt(rest / (len(hours) - 2) / spread)
