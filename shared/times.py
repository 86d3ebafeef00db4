"""Durations (ISO-8601, and the .NET spelling of the original's documentation) and time stamps. PURE."""

import re
from datetime import datetime, timedelta

#: The longest time a job may ask for. The original promised seven days and reported up to P150D.
LONGEST = timedelta(days=3650)
_ISO = re.compile(
    r"P(?=[0-9T])(?:(?P<weeks>[0-9.]+)W)?(?:(?P<days>[0-9.]+)D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9.]+)H)?(?:(?P<minutes>[0-9.]+)M)?(?:(?P<seconds>[0-9.]+)S)?)?",
    re.IGNORECASE | re.ASCII,
)
_DOT_NET = re.compile(
    r"(?:(?P<days>\d{1,8})\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2}):(?P<seconds>\d{1,2}(?:\.\d{1,7})?)",
    re.ASCII,
)


def is_dot_net(text: str) -> bool:
    """Whether `text` is written `[days.]hours:minutes:seconds`."""
    return _DOT_NET.fullmatch(text.strip()) is not None


def parse_duration(text: str) -> timedelta:
    """The duration that `text` names, in ISO-8601 (P7D, PT1H30M) or as [days.]hh:mm:ss.

    Raises ValueError with a message for people; months and years are refused because their length varies.
    """
    match = _ISO.fullmatch(text.strip()) or _DOT_NET.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be an ISO-8601 duration in weeks, days, hours, minutes and seconds")
    try:
        span = timedelta(**{unit: float(amount) for unit, amount in match.groupdict().items() if amount})
    except (ValueError, OverflowError):
        raise ValueError("is not a duration that can be counted") from None
    if not timedelta(0) < span <= LONGEST:
        raise ValueError(f"must be more than nothing and at most P{LONGEST.days}D")
    return span


def iso_duration(span: timedelta) -> str:
    """`span` in ISO-8601, as the service reported it: P7D, PT1H, P1DT30M, PT0.5S."""
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{span.microseconds:06d}".rstrip("0") if span.microseconds else ""
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M")) if n)
    clock += f"{seconds}{fraction}S" if seconds or fraction else ""
    days = f"{span.days}D" if span.days else ""
    return f"P{days}{f'T{clock}' if clock else ''}" if days or clock else "PT0S"


def timestamp(moment: datetime) -> str:
    """A UTC time as the original wrote it: 2018-06-06T20:26:23.925Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def spelled(seconds: float) -> str:
    """A time for people: 95 s, 4 min 10 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")
