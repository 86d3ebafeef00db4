"""Parameters of a sweep: the values that one can have, in a grid and at random. PURE."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from shared.sweeps.draws import EXACT, between

#: What a run can get: JSON's texts, numbers and truth values.
Value = str | int | float | bool
#: Runs of one sweep.
MOST_RUNS = 10_000


@dataclass(frozen=True)
class Choices:
    """A list of values."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both inclusive: every `step`, or `count` points; at random anywhere where neither
    is given. `log`: evenly by logarithm. `whole`: whole numbers only."""

    low: Decimal
    high: Decimal
    step: Decimal | None = None
    count: int | None = None
    log: bool = False
    whole: bool = False


Parameter = Choices | Interval


def points(parameter: Parameter) -> tuple[Value, ...]:
    """The values of a grid, in order, none twice; () for an interval that has neither step nor count."""
    if isinstance(parameter, Choices):
        return parameter.values
    if parameter.step is not None:
        steps = range(steps_in(parameter) + 1)
        found = [EXACT.add(parameter.low, EXACT.multiply(parameter.step, Decimal(n))) for n in steps]
    elif parameter.count is not None:
        found = [_point(parameter, n, parameter.count) for n in range(parameter.count)]
    else:
        return ()
    return tuple(dict.fromkeys(number(value, parameter.whole) for value in found))


def steps_in(interval: Interval) -> int:
    """How many steps fit between the ends."""
    width = EXACT.subtract(interval.high, interval.low)
    return int(EXACT.divide(width, interval.step or width or Decimal(1)))


def drawn(parameter: Parameter, part: Decimal) -> Value:
    """The value that `part` (0 to 1, exclusive) stands for: those of a list or a grid are all as likely."""
    if some := points(parameter):
        return some[int(EXACT.multiply(part, Decimal(len(some))))]
    assert isinstance(parameter, Interval), "a list has values"
    if parameter.whole and not parameter.log:
        width = EXACT.add(EXACT.subtract(parameter.high, parameter.low), Decimal(1))
        step = EXACT.multiply(width, part).to_integral_value(ROUND_FLOOR)
        return int(EXACT.add(parameter.low, step))
    return number(between(parameter.low, parameter.high, part, parameter.log), parameter.whole)


def number(value: Decimal, whole: bool = False) -> int | float:
    """A JSON number: one without a fraction is a whole number."""
    if whole:
        value = value.to_integral_value(ROUND_HALF_EVEN)
    return int(value) if value == value.to_integral_value() else float(value)


def text(value: Value) -> str:
    """A value as it stands in texts and environment variables: as JSON writes it, texts without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def _point(interval: Interval, place: int, count: int) -> Decimal:
    if count == 1 or place == 0:
        return interval.low
    if place == count - 1:
        return interval.high
    part = EXACT.divide(Decimal(place), Decimal(count - 1))
    return between(interval.low, interval.high, part, interval.log)
