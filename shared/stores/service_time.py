"""The table service's own clock: `Date` of its answers against `Timestamp` of its rows. Clocks of different
machines are never compared."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any


class ServiceTime:
    """Give `hook` to a query as raw_response_hook; then `now` is when its latest answer was given."""

    def __init__(self) -> None:
        self._date = ""

    def hook(self, answer: Any) -> None:
        # A refusal of something between us and the service need not have one.
        self._date = answer.http_response.headers.get("Date") or self._date

    @property
    def now(self) -> datetime:
        """UTC, whole seconds, cut off: what happened within the same second seems to lie ahead of it."""
        return parsedate_to_datetime(self._date)

    def age(self, entity: Any) -> float:
        """Seconds since `entity`, read by this query, was last written; at least 0."""
        written: datetime = entity.metadata["timestamp"]
        return max(0.0, (self.now - written).total_seconds())
