"""Numbers, words and strings of JSON: a token's text to its value, and what is wrong with it. PURE."""

import itertools
import json
import math
import re
from dataclasses import dataclass
from typing import Any

#: Digits of a number beyond which no field of a document can mean it.
MAX_DIGITS = 300
#: Control characters reported of one string; the others are of the same kind.
MAX_CONTROLS_REPORTED = 10

STRINGS = {
    '"': re.compile(r'"([^"\\\r\n]*(?:\\.[^"\\\r\n]*)*)"'),
    "'": re.compile(r"'([^'\\\r\n]*(?:\\.[^'\\\r\n]*)*)'"),
}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_CONTROL = re.compile(r"[\x00-\x1f]")
_UNFIT = re.compile("[\0\ud800-\udfff]")
_LENIENT = json.JSONDecoder(strict=False)
_NO_SUCH_NUMBER = "JSON has no such number; leave the member out or write a number."
_NO_SUCH_WORD = {
    "True": (True, "Write true."),
    "False": (False, "Write false."),
    "None": (None, "Write null, or leave the member out."),
    "undefined": (None, "Write null, or leave the member out."),
    "NaN": (None, _NO_SUCH_NUMBER),
    "Infinity": (None, _NO_SUCH_NUMBER),
    "-Infinity": (None, _NO_SUCH_NUMBER),
}
_ESCAPES = 'Write \\\\ for a backslash; JSON knows \\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX.'


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a token: `offset` counts from its first character."""

    offset: int
    message: str
    hint: str = ""


def word_value(word: str) -> tuple[Any, Flaw | None]:
    """The value of a bare word (true, 12.5, NaN, ...); a flaw repeats the word only if it is a known one."""
    if word in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[word], None
    if word in _NO_SUCH_WORD:
        value, hint = _NO_SUCH_WORD[word]
        return value, Flaw(0, f"{word} is not JSON.", hint)
    match = _NUMBER.fullmatch(word)
    if match is None and word[0] in "+-.0123456789":
        return None, Flaw(
            0, "This is not a number as JSON writes it.", 'If it is text (as "0777"), quote it.'
        )
    if match is None:
        return None, Flaw(0, "Text must stand in double quotes.", 'Write "text".')
    if len(word) > MAX_DIGITS:
        return None, Flaw(0, "This number has too many digits.")
    number = float(word) if match[1] or match[2] else int(word)
    return (number, None) if math.isfinite(number) else (None, Flaw(0, "This number is too large."))


def string_value(body: str, quote: str) -> tuple[str, list[Flaw]]:
    """The text between two quotes, its escapes resolved. What no document may hold is replaced by U+FFFD."""
    flaws = [
        _control_flaw(found) for found in itertools.islice(_CONTROL.finditer(body), MAX_CONTROLS_REPORTED)
    ]
    if quote == "'":
        flaws.append(Flaw(0, "Text must stand in double quotes, not single ones.", 'Write "text".'))
        body = body.replace("\\'", "'").replace('"', '\\"')
    if "\\" not in body and not _UNFIT.search(body):
        return body, flaws
    try:
        value = _LENIENT.decode(f'"{body}"')
    except ValueError:
        return body, [*flaws, Flaw(0, "The text holds a backslash that JSON does not know.", _ESCAPES)]
    if "\0" in value:
        flaws.append(Flaw(0, "The text holds a NUL character.", "Take it out; no program can be given one."))
    if _UNFIT.search(value.replace("\0", "")):
        flaws.append(Flaw(0, "The text holds half of a surrogate pair.", "Write the whole character."))
    return _UNFIT.sub("\ufffd", value), flaws


def _control_flaw(found: re.Match[str]) -> Flaw:
    code = f"{ord(found[0]):04x}"
    hint = "Write \\t for a tab." if found[0] == "\t" else f"Write \\u{code}, or take it out."
    return Flaw(1 + found.start(), f"A control character (U+{code.upper()}) stands in the text.", hint)
