"""Timer schedules: NCRONTAB with seconds (six fields; five mean "at second 0") and TimeSpan.

The syntax is NCrontab's, which the host uses, and is checked here: names of months and days of three letters
or more, days of the week 0 (Sunday) to 6, nothing of what other crons understand. When a schedule fires is
croniter's to say, which is set so that day of month AND day of week must both match (unlike Unix cron).
"""

import datetime as dt
import re
from dataclasses import dataclass

from croniter import CroniterBadDateError, croniter

from local.host.errors import HostError
from local.host.timespan import parse_timespan

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_ADVICE = (
    "Write six fields: second minute hour day month weekday, for instance '0 */5 * * * *' for every five "
    "minutes, or a TimeSpan such as '00:05:00'."
)


@dataclass(frozen=True)
class CronSchedule:
    """`expression`: six fields of numbers, in croniter's syntax."""

    expression: str

    def next_after(self, moment: dt.datetime) -> dt.datetime:
        """The first matching second after `moment` (same time zone). Raises ValueError where there is none
        within 50 years (40 lie between a 29 February on a Monday and the next, over a century that is no leap
        year)."""
        times = croniter(self.expression, moment, day_or=False, second_at_beginning=True)
        try:
            found: dt.datetime = times.get_next(dt.datetime)
        except CroniterBadDateError:
            raise ValueError("it never fires") from None
        return found


@dataclass(frozen=True)
class ConstantSchedule:
    """A fixed distance, counted from the last run."""

    interval: dt.timedelta

    def next_after(self, moment: dt.datetime) -> dt.datetime:
        return moment + self.interval


Schedule = CronSchedule | ConstantSchedule


def parse_schedule(text: str) -> Schedule:
    """Read an NCRONTAB expression or a TimeSpan. Raises HostError."""
    fields = text.split()
    try:
        if len(fields) == 1 and ":" in text:
            return _constant(text)
        if len(fields) == 5:
            fields = ["0", *fields]
        if len(fields) != 6:
            raise ValueError(f"it has {len(fields)} fields")
        return _cron(fields)
    except ValueError as error:
        raise HostError(f"The timer schedule '{text}' is not valid: {error}.", _ADVICE) from error


def _constant(text: str) -> ConstantSchedule:
    interval = parse_timespan(text)
    if interval <= dt.timedelta(0):
        raise ValueError("the interval must be longer than nothing")
    return ConstantSchedule(interval)


def _cron(fields: list[str]) -> CronSchedule:
    schedule = CronSchedule(
        " ".join(
            _field(text, name, low, high, words)
            for text, (name, low, high, words) in zip(fields, _FIELDS, strict=True)
        )
    )
    schedule.next_after(dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    return schedule


def _field(text: str, name: str, low: int, high: int, words: tuple[str, ...]) -> str:
    """The field as a list of numbers. Raises ValueError."""
    values = {value for part in text.split(",") for value in _part(part, name, low, high, words)}
    return ",".join(map(str, sorted(values)))


def _part(part: str, name: str, low: int, high: int, words: tuple[str, ...]) -> range:
    span, slash, step_text = part.partition("/")
    if slash and (not step_text.isdecimal() or int(step_text) == 0):
        raise ValueError(f"the step '{step_text}' of the {name} must be a number above 0")
    step = int(step_text) if slash else 1
    if span == "*":
        return range(low, high + 1, step)
    first, dash, last = span.partition("-")
    start = _number(first, name, low, high, words)
    unbounded = high if slash else start
    end = _number(last, name, low, high, words) if dash else unbounded
    if end < start:
        raise ValueError(f"the {name} '{part}' runs backwards")
    return range(start, end + 1, step)


def _number(text: str, name: str, low: int, high: int, words: tuple[str, ...]) -> int:
    word = text.upper()
    if re.fullmatch(r"[A-Z]{3,}", word) and word[:3] in words:
        return words.index(word[:3]) + low
    if not text.isdecimal() or not low <= int(text) <= high:
        raise ValueError(f"the {name} '{text}' must be {low} to {high}")
    return int(text)
