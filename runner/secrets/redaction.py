"""Striking known secret values out of what the runner says, in every spelling they are likely to appear in.

What the user's own programs print is left alone; this is for execution.log, the runner's own log, status,
errors and events. Values shorter than LEAST characters are not struck out: a one-letter secret would blank
every line, and the gaps would spell it.
"""

import base64
import html
import json
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote, quote_plus

MASK = "***"
LEAST = 4  #: characters; shorter values are not struck out
#: A line of a value of several lines (a PEM key) is struck out by itself from this length on.
_LEAST_OF_LINE = 8
#: What different URL encoders leave as it is: Python's two, encodeURIComponent, encodeURI.
_URL_SAFE = ("", "/", "-_.!~*'()", ";,/?:@&=+$-_.!~*'()#")
_PARAMETERS = re.compile(r"(?i)\b(sig|AccountKey|password)=[^&;,\s'\"]+")

Span = tuple[int, int]


def forms(value: str) -> frozenset[bytes]:
    """The spellings of a value: plain, without blanks around it, line by line; each as JSON, Python, XML, the
    shell and URLs write it, and in base64 wherever it may stand in the encoded text."""
    lines = [line for line in value.splitlines() if len(line.strip()) >= _LEAST_OF_LINE]
    texts = {text for text in (value, value.strip(), *lines, *map(str.strip, lines)) if len(text) >= LEAST}
    return frozenset(form for text in texts for form in _spellings(text) if len(form) >= LEAST)


def _spellings(text: str) -> Iterable[bytes]:
    raw = _bytes(text)
    yield raw
    for written in (
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        html.escape(text),
        html.escape(text, quote=False),
        text.replace("'", "'\"'\"'"),  # shlex.quote
    ):
        yield _bytes(written)
    for encoded in (quote_plus(raw), *(quote(raw, safe=safe) for safe in _URL_SAFE)):
        yield encoded.encode()
        yield re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), encoded).encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw)
        yield from (_core(encode, raw, shift) for shift in range(3))


def _core(encode: Callable[[bytes], bytes], raw: bytes, shift: int) -> bytes:
    """What `raw` alone decides in the base64 of `shift` unknown bytes, `raw` and whatever follows."""
    return encode(b"\0" * shift + raw)[-(-8 * shift // 6) : 8 * (shift + len(raw)) // 6]


class Redactor:
    """Strikes out the secrets it was made with. Immutable; safe to use from several threads."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms = sorted({form for value in set(values) for form in forms(value)})

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def text(self, text: str) -> str:
        """`text` with *** for every secret; overlapping ones become one ***."""
        return self.data(_bytes(text)).decode("utf-8", "surrogatepass")

    def data(self, data: bytes) -> bytes:
        """The same for UTF-8 text."""
        return _struck(data, self.spans(data))

    def spans(self, data: bytes) -> list[Span]:
        """Where secrets stand, from left to right, overlapping ones as one."""
        found: list[Span] = []
        for form in self._forms:
            start = data.find(form)
            while start >= 0:
                found.append((start, start + len(form)))
                start = data.find(form, start + 1)
        merged: list[Span] = []
        for start, end in sorted(found):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged


class KnownSecrets:
    """The secrets this process knows at the moment, by whose they are. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, frozenset[str]] = {}
        self._redactor = Redactor()

    def know(self, whose: str, values: Iterable[str]) -> None:
        """Take `values` instead of those known under `whose` before."""
        new = frozenset(values)
        with self._lock:
            if self._values.get(whose) == new:
                return  # job after job without secrets
            self._values[whose] = new
            self._redactor = Redactor(value for known in self._values.values() for value in known)

    def text(self, text: str) -> str:
        """`text` without what is known now."""
        return self._redactor.text(text)


def masked(text: str, secrets: Sequence[str]) -> str:
    """What a tool or the SDK said, without the secrets and without any SAS signature, account key or password
    written as `name=value`."""
    return without_parameters(Redactor(secrets).text(text))


def without_parameters(text: str) -> str:
    """`text` without the values of sig=, AccountKey= and password=."""
    return _PARAMETERS.sub(rf"\1={MASK}", text)


def _struck(data: bytes, spans: Sequence[Span]) -> bytes:
    if not spans:
        return data
    out, done = bytearray(), 0
    for start, end in spans:
        out += data[done:start] + MASK.encode()
        done = end
    return bytes(out + data[done:])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
