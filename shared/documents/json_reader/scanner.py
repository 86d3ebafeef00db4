"""A reader of JSON that continues after a fault, keeps the place of every value, and never recurses. PURE.

Strict JSON (RFC 8259) is what is accepted; what people and other languages write instead (comments, trailing
commas, single quotes, NaN, True) is understood just far enough to name it and to find the next fault.
"""

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from shared.documents.findings import Path, json_path
from shared.documents.json_reader.decode import Lines
from shared.documents.json_reader.scalars import STRINGS, Flaw, string_value, word_value
from shared.errors import Problem
from shared.names.ids import printable

MAX_DEPTH = 64
#: A real document has some hundred values; more than this is an attack or a mistake.
MAX_VALUES = 50_000
#: Faults of the text after which reading stops.
MAX_PROBLEMS = 1_000

_SPACE = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"[A-Za-z0-9_$+.\-]+")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/|#[^\r\n]*", re.DOTALL)
_CLOSER = {"{": "}", "[": "]"}
_DOCUMENT = 'It must hold { "properties": { ... } }.'
_MEMBER = 'Write "name": value.'


class _GiveUpError(Exception):
    """The text cannot be followed any further; the problem has been noted."""


@dataclass
class _Frame:
    """An object or list being read."""

    holder: dict[str, Any] | list[Any]
    path: Path
    closer: str
    start: int
    key: str = ""
    seen: dict[str, int] = field(default_factory=dict)

    def child(self) -> Path:
        return (*self.path, self.key if isinstance(self.holder, dict) else len(self.holder))

    def add(self, value: Any) -> None:
        if isinstance(self.holder, dict):
            self.holder[self.key] = value
        else:
            self.holder.append(value)


class Scanner:
    """Reads one text once. After `read`, `offsets` holds for each path where its name and its value begin."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._text = lines.text
        self._at = 0
        self._frames: list[_Frame] = []
        self.problems: list[Problem] = []
        self.offsets: dict[Path, tuple[int, int]] = {}
        self.complete = False

    def read(self) -> Any:
        """The value of the text; None and not `complete` where it could not be followed to its end."""
        try:
            value = self._document()
        except _GiveUpError:
            return None
        self.complete = True
        return value

    def _document(self) -> Any:
        self._skip()
        if self._at >= len(self._text):
            self._fatal(self._at, "The file is empty.", 'It must hold { "properties": { ... } }.')
        name_at = self._at
        while True:
            done, value = self._value(name_at)
            while done:
                if not self._frames:
                    self._end()
                    return value
                self._frames[-1].add(value)
                done, value = self._after_value()
            name_at = self._name()

    def _value(self, name_at: int) -> tuple[bool, Any]:
        """Read a scalar (done) or open an object or list (done only if it is empty)."""
        path = self._frames[-1].child() if self._frames else ()
        if len(self.offsets) >= MAX_VALUES:
            self._fatal(
                self._at, f"The file holds more than {MAX_VALUES:,} values.", "No document needs so many."
            )
        self.offsets[path] = (name_at, self._at)
        opener = self._peek()
        if opener not in _CLOSER:
            return True, self._scalar(path)
        if len(self._frames) >= MAX_DEPTH:
            self._fatal(
                self._at, f"The file is nested more than {MAX_DEPTH} levels deep.", "No document needs that."
            )
        holder: dict[str, Any] | list[Any] = {} if opener == "{" else []
        self._frames.append(_Frame(holder, path, _CLOSER[opener], self._at))
        self._at += 1
        self._skip()
        return self._closed()

    def _closed(self) -> tuple[bool, Any]:
        """Close the innermost frame if its bracket is next."""
        frame = self._frames[-1]
        if self._peek() != frame.closer:
            return False, None
        self._at += 1
        self._frames.pop()
        return True, frame.holder

    def _after_value(self) -> tuple[bool, Any]:
        """After a value inside a frame: a comma and more (not done), or the end of the frame (done)."""
        self._skip()
        frame, here = self._frames[-1], self._at
        character = self._peek()
        if character == ",":
            self._comma(frame)
        elif character == "":
            self._cut_off()
        elif character in "]}:=" and character != frame.closer:
            self._fatal(
                here, f"Here is {character} where a comma or {frame.closer} should be.", self._opened(frame)
            )
        elif character != frame.closer:
            self._problem(
                here, "A comma is missing before this.", "Put a comma between two values.", frame.path
            )
        return self._closed()

    def _comma(self, frame: _Frame) -> None:
        """Read a comma, and complain of more commas or of the end of the frame after it."""
        here = self._at
        self._at += 1
        self._skip()
        while self._peek() == ",":
            self._problem(self._at, "Here is one comma too many.", "Take it out.", frame.path)
            self._at += 1
            self._skip()
        if self._peek() == frame.closer:
            self._problem(
                here, f"A comma stands before {frame.closer}; JSON allows none.", "Take it out.", frame.path
            )

    def _name(self) -> int:
        """Read name and colon, if the innermost frame is an object. Returns where the member begins."""
        frame, start = self._frames[-1], self._at
        if not isinstance(frame.holder, dict):
            return start
        character = self._peek()
        if character == "":
            self._cut_off()
        if character in STRINGS:
            frame.key = self._string(character, frame.path)
        elif word := _WORD.match(self._text, self._at):
            self._at = word.end()
            frame.key = word[0]
            self._problem(start, "The name of a member must stand in double quotes.", _MEMBER, frame.path)
        else:
            self._fatal(start, "The name of a member should begin here.", _MEMBER)
        self._report_twin(frame, start)
        self._colon()
        return start

    def _colon(self) -> None:
        self._skip()
        if self._peek() == "":
            self._cut_off()
        if self._peek() != ":":
            self._fatal(self._at, "A colon should stand here, between name and value.", _MEMBER)
        self._at += 1
        self._skip()

    def _report_twin(self, frame: _Frame, start: int) -> None:
        first = frame.seen.setdefault(frame.key, start)
        if first != start:
            line, _ = self._lines.position(first)
            message = f"{printable(frame.key)} stands in this object for the second time."
            self._problem(start, message, f"Keep one of the two; the other is in line {line}.", frame.child())

    def _end(self) -> None:
        self._skip()
        if self._at < len(self._text):
            self._problem(self._at, "The document has ended, but more text follows.", "Take it out.", ())

    def _scalar(self, path: Path) -> Any:
        start, character = self._at, self._peek()
        if character in STRINGS:
            return self._string(character, path)
        if character == "":
            self._cut_off()
        word = _WORD.match(self._text, start)
        if word is None:
            self._fatal(start, "A value should begin here.", "")
        self._at = word.end()
        value, flaw = word_value(word[0])
        if flaw:
            self._flaw(start, flaw, path)
        return value

    def _string(self, quote: str, path: Path) -> str:
        start = self._at
        match = STRINGS[quote].match(self._text, start)
        if match is None:
            hint = f"Close it with {quote}, or write a line break inside it as \\n."
            self._fatal(start, "The text that begins here does not end in its line.", hint)
        self._at = match.end()
        value, flaws = string_value(match[1], quote)
        for flaw in flaws:
            self._flaw(start, flaw, path)
        return value

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        """Skip white space, and comments with a problem each."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            comment = _COMMENT.match(self._text, self._at)
            if comment is None:
                return
            self._problem(
                self._at, "JSON has no comments.", 'Take it out, or make it a member: "comment": "...".'
            )
            self._at = comment.end()

    def _opened(self, frame: _Frame) -> str:
        line, column = self._lines.position(frame.start)
        return f"Its beginning is in line {line}, column {column}."

    def _cut_off(self) -> NoReturn:
        frame = self._frames[-1]
        self._fatal(self._at, f"The file ends before the {frame.closer} of this.", self._opened(frame))

    def _flaw(self, start: int, flaw: Flaw, path: Path) -> None:
        self._problem(start + flaw.offset, flaw.message, flaw.hint, path)

    def _problem(self, at: int, message: str, hint: str, path: Path | None = None) -> None:
        if path is None:
            path = self._frames[-1].path if self._frames else ()
        if len(self.problems) >= MAX_PROBLEMS:
            raise _GiveUpError
        self.problems.append(Problem(*self._lines.position(at), json_path(path), message, hint))

    def _fatal(self, at: int, message: str, hint: str) -> NoReturn:
        self._problem(at, message, hint)
        raise _GiveUpError
