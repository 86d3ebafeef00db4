"""The clock of this machine."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Used for what people read, never to compare machines."""
    return datetime.now(UTC)
