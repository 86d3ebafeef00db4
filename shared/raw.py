"""A raw object of a document and its place: what rules look at. Wrong types read as absent. PURE."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.findings import Path


@dataclass(frozen=True)
class Raw:
    """An object of the document; empty where the document has none at `path`.

    Rules run on documents that may be wrong in every way; a member of the wrong type is validation's to
    tell, so here it is simply not there.
    """

    value: dict[str, Any]
    path: Path

    def __contains__(self, key: str) -> bool:
        return key in self.value

    def at(self, key: str) -> Path:
        """The path of the member `key`."""
        return (*self.path, key)

    def text(self, key: str) -> str | None:
        """The member `key` if it is text."""
        value = self.value.get(key)
        return value if isinstance(value, str) else None

    def whole(self, key: str) -> int | None:
        """The member `key` if it is a whole number."""
        value = self.value.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def child(self, key: str) -> "Raw":
        """The member `key` if it is an object, else an empty one."""
        value = self.value.get(key)
        return Raw(value if isinstance(value, dict) else {}, self.at(key))

    def children(self, key: str) -> Iterator["Raw"]:
        """The objects in the list `key`."""
        value = self.value.get(key)
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, dict):
                yield Raw(item, (*self.at(key), index))
