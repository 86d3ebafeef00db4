"""A finding: a fault at a place of the document's tree, before line and column are known. PURE."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.errors import Severity
from shared.names import printable

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
