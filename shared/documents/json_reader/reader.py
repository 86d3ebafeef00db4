"""A dropped document's text as a JSON value with the line and column of everything in it. PURE."""

from dataclasses import dataclass, field
from typing import Any

from shared.documents.findings import Path, json_path
from shared.documents.json_reader.decode import Lines, decode
from shared.documents.json_reader.scanner import Scanner
from shared.errors import Problem


@dataclass(frozen=True)
class JsonText:
    """What could be read of a text.

    `readable` is False where the text could not be followed to its end: `value` is then None and the problems
    say why. Where it is True there may still be problems (a comment, a duplicate name) beside the value.
    """

    value: Any = field(repr=False)
    readable: bool
    problems: tuple[Problem, ...]
    _offsets: dict[Path, tuple[int, int]] = field(repr=False)
    _lines: Lines = field(repr=False)

    def position(self, path: Path, at_key: bool = False) -> tuple[int, int]:
        """(line, column) of the value at `path`, or of the nearest thing around it; `at_key`: of its name."""
        for length in range(len(path), -1, -1):
            found = self._offsets.get(path[:length])
            if found is not None:
                return self._lines.position(found[0] if at_key and length == len(path) else found[1])
        return 0, 0

    def positions(self) -> dict[str, tuple[int, int]]:
        """(line, column) of every value, by its JSON path."""
        return {json_path(path): self._lines.position(at[1]) for path, at in self._offsets.items()}


def read_json(data: bytes | str, max_bytes: int) -> JsonText:
    """Read `data`; every fault becomes a Problem, nothing is raised."""
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
    if size > max_bytes:
        message = f"The file has {size:,} bytes; at most {max_bytes:,} are read."
        problem = Problem(0, 0, "$", message, "Keep data on a volume, not in the document.")
        return JsonText(None, False, (problem,), {}, Lines(""))
    text, problems = decode(data)
    lines = Lines(text)
    scanner = Scanner(lines)
    value = scanner.read()
    return JsonText(value, scanner.complete, (*problems, *scanner.problems), scanner.offsets, lines)
