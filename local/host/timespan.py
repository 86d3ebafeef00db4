""".NET's TimeSpan text, the form of every duration in host.json: `[d.]hh:mm:ss[.fraction]`."""

import datetime as dt
import re

_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(\.\d{1,7})?)?")


def parse_timespan(text: str) -> dt.timedelta:
    """Read a TimeSpan. Raises ValueError with a message for people."""
    found = _TIMESPAN.fullmatch(text.strip())
    if not found:
        raise ValueError(f"'{text}' is not a duration of the form hh:mm:ss")
    days, hours, minutes, seconds, fraction = found.groups()
    if int(hours) > 23 or int(minutes) > 59 or int(seconds or 0) > 59:
        raise ValueError(f"'{text}' is not a duration: hours go to 23, minutes and seconds to 59")
    return dt.timedelta(
        days=int(days or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds or 0) + float(fraction or 0),
    )
