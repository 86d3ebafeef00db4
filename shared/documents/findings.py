"""What is wrong with a document and where: findings, JSON paths, and `Raw`, what rules look at. PURE."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.errors import Severity
from shared.names.ids import printable

#: Place of a value in a JSON tree: object keys and list indexes from the root.
Path = tuple[str | int, ...]
_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,79}")


@dataclass(frozen=True)
class Finding:
    """One fault at `path`; `at_key` points at the member's name, not its value. Never holds a secret."""

    path: Path
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    at_key: bool = False
    missing: str = ""  #: the member that `path` lacks, where that is the fault


#: What rules are: generators over the raw document.
Findings = Iterator[Finding]


def json_path(path: Path) -> str:
    """`$.properties.inputDirectories[0].id`; odd keys are quoted, escaped and cut."""
    out = "$"
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            out += f".{step}"
        else:
            out += f"[{printable(step)}]"
    return out


def warning(path: Path, message: str, hint: str = "", *, at_key: bool = False) -> Finding:
    """A finding that does not stop the document."""
    return Finding(path, message, hint, Severity.WARNING, at_key)


def note(path: Path, message: str, hint: str = "", *, at_key: bool = False) -> Finding:
    """A finding to know about, nothing to mend."""
    return Finding(path, message, hint, Severity.NOTE, at_key)


@dataclass(frozen=True)
class Raw:
    """An object of the document; empty where the document has none at `path`.

    Rules run on documents that may be wrong in every way; a member of the wrong type is validation's to
    say, so here it is simply not there.
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
