"""Pages of sorted listings: prefix, marker, maxresults."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from local.files.errors import FilesError
from local.files.state import Call

_LARGEST_PAGE = 5000


@dataclass(frozen=True)
class Page:
    """The part of a sorted listing that a request asked for."""

    prefix: str
    marker: str
    limit: int

    @classmethod
    def of(cls, call: Call) -> "Page":
        text = call.query.get("maxresults", str(_LARGEST_PAGE))
        if not text.isdecimal() or int(text) == 0:
            raise FilesError("OutOfRangeInput", "maxresults must be a whole number from 1 to 5000")
        return cls(
            call.query.get("prefix", ""), _unpack(call.query.get("marker", "")), min(int(text), _LARGEST_PAGE)
        )

    def given(self, call: Call) -> tuple[tuple[str, str], ...]:
        return (
            ("Prefix", self.prefix),
            ("Marker", call.query.get("marker", "")),
            ("MaxResults", call.query.get("maxresults", "")),
        )

    def of_names(self, names: Iterable[str]) -> Iterator[str]:
        """Those of the sorted `names` that belong to this page or a later one."""
        return (name for name in names if name.startswith(self.prefix) and name > self.marker)


def pack(name: str) -> str:
    """A marker: the last name of a page. The next page begins behind it, whatever has changed since."""
    return base64.urlsafe_b64encode(name.encode("utf-8")).decode("ascii")


def _unpack(marker: str) -> str:
    try:
        return base64.urlsafe_b64decode(marker.encode("ascii")).decode("utf-8")
    except ValueError as error:
        raise FilesError("InvalidQueryParameterValue", "the marker is not one of this service") from error
