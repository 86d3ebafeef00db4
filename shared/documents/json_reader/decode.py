"""Bytes of a dropped file to text, and where its lines begin. PURE."""

import codecs
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from shared.errors import Problem, Severity

#: Longer marks first: the mark of UTF-32-LE begins with that of UTF-16-LE.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_SAVE = "Save the file as UTF-8 (in PowerShell: Out-File -Encoding utf8)."


@dataclass(frozen=True)
class Lines:
    """A text and the places of its line breaks; CR LF, LF and CR each end a line."""

    text: str

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], 0
        for line in self.text.replace("\r\n", "\n\n").replace("\r", "\n").split("\n")[:-1]:
            at += len(line) + 1
            starts.append(at)
        return starts if "\r\n" not in self.text else self._without_crlf_twins(starts)

    def _without_crlf_twins(self, starts: list[int]) -> list[int]:
        """Drop the start that lies between CR and LF: the pair is one line break."""
        return [at for at in starts if not (at and self.text[at - 1 : at + 1] == "\r\n")]

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of `offset`, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def decode(data: bytes | str) -> tuple[str, tuple[Problem, ...]]:
    """The text of `data` without a byte order mark, and what is wrong with its encoding.

    Never raises: what cannot be decoded is replaced, so that the rest can still be read.
    """
    if isinstance(data, str):
        return _without_mark(data)
    for mark, encoding, name in _MARKS:
        if data.startswith(mark):
            return _foreign(data[len(mark) :], encoding, name)
    head = data[:4]
    if b"\0" in head and len(head) >= 2:
        # JSON begins with an ASCII character, so the zero bytes show width and order (RFC 4627, section 3).
        wide = head.count(0) >= 3
        little = head[0] != 0
        encoding = f"utf-{32 if wide else 16}-{'le' if little else 'be'}"
        return _foreign(data, encoding, "UTF-32" if wide else "UTF-16")
    try:
        return _without_mark(data.decode("utf-8"))
    except UnicodeDecodeError as fault:
        return _broken(data, fault)


def _without_mark(text: str) -> tuple[str, tuple[Problem, ...]]:
    if not text.startswith("\ufeff"):
        return text, ()
    found = Problem(
        1, 1, "$", "The file begins with a byte order mark; it was read without it.", "", Severity.NOTE
    )
    return text[1:], (found,)


def _foreign(data: bytes, encoding: str, name: str) -> tuple[str, tuple[Problem, ...]]:
    return data.decode(encoding, "replace"), (
        Problem(1, 1, "$", f"The file is written in {name}; JSON must be UTF-8.", _SAVE),
    )


def _broken(data: bytes, fault: UnicodeDecodeError) -> tuple[str, tuple[Problem, ...]]:
    text, marks = _without_mark(data.decode("utf-8", "replace"))
    before = data[: fault.start].decode("utf-8").removeprefix("\ufeff")
    line, column = Lines(before).position(len(before))
    return text, (
        *marks,
        Problem(
            line, column, "$", f"The byte 0x{data[fault.start]:02X} is not UTF-8; JSON must be UTF-8.", _SAVE
        ),
    )
