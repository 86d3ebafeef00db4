"""Times as the original service wrote them. PURE."""

from datetime import datetime


def timestamp(moment: datetime) -> str:
    """A UTC time as the original wrote it: 2018-06-06T20:26:23.925Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
