"""What fits a column, a row and a transaction of the table service, measured as the service measures. PURE.

Text is counted in UTF-16 units: 32 Ki of them in a column, 1 MiB in a row with all its columns (Azure Table
storage, "Understanding the Table service data model"). A request has 4 MiB at most, and the client writes
what is not ASCII as an escape of six bytes a unit. The emulator measures a row by its request, at 1 MiB too.

Shares of a job's row, which is written up to four times in one transaction (row, run, two lists):

    properties                        MOST_DOCUMENT_BYTES, checked on submission (`size_fault`)
    errors, events, seals, problems   the constants below
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_UNITS = 32 * 1024
#: Of the columns that hold several values.
MOST_ERRORS, MOST_EVENTS, MOST_SEALS, MOST_PROBLEMS = 16 * 1024, 24 * 1024, 28 * 1024, 30_000
#: Of a document as it is kept: UTF-16 units, and bytes of a request.
MOST_DOCUMENT_UNITS, MOST_DOCUMENT_BYTES = 350_000, 700_000
#: A piece of a long text; below the limit, so that nothing depends on the last unit.
_PIECE = 30_000
#: A single text of a list is not cut below this: times, words and node ids stay whole.
_LEAST = 80
_CUT = "…"
_HALF = re.compile("[\ud800-\udfff]")


def units(text: str) -> int:
    """The length of `text` as the service counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """`text` without what no request can carry: halves of surrogate pairs become U+FFFD."""
    return _HALF.sub("\ufffd", text)


def cut(text: str, most: int = MOST_UNITS) -> str:
    """`text` as far as it fits `most` units, whole characters only; what is cut ends in …"""
    text = clean(text)
    if units(text) <= most:
        return text
    return next(_pieces(text, most - len(_CUT)), "") + _CUT


def fitted(entity: Mapping[str, Any]) -> dict[str, Any]:
    """`entity` without empty columns, every text of it cut to what fits."""
    return {
        name: cut(value) if isinstance(value, str) else value
        for name, value in entity.items()
        if value is not None
    }


def escaped(text: str, most: int) -> str:
    """`text` as far as it takes no more than `most` units as JSON writes it."""
    text = clean(text)
    while (size := units(_json(text)) - 2) > most:
        # Control characters take six units, most others one: cut by what they take on average.
        text = cut(text, min(units(text) - 1, max(1, units(text) * most // size)))
    return text


def listed(values: Sequence[Any], most: int) -> str | None:
    """JSON of a list of values (texts, numbers, lists of them) in `most` units, None for an empty one.

    Long texts in it are cut first, the longest most; if that is not enough the first values are left out.
    """
    kept = list(values)
    while kept:
        longest = most
        while longest >= _LEAST:
            kept = _shortened(kept, longest)
            text = _json(kept)
            if units(text) <= most:
                return text
            longest //= 2
        kept = kept[1:]
    return None


def newest(values: Sequence[Any], most: int) -> str | None:
    """As `listed` for values that must stay whole: the last ones that fit."""
    kept = list(values)
    while kept:
        text = _json(kept)
        if units(text) <= most:
            return clean(text)
        kept = kept[max(1, len(kept) // 8) :]
    return None


def written(value: Any) -> str:
    """JSON of a document, as it is kept: readable, with nothing that no request can carry."""
    return clean(_json(value))


def spread(name: str, text: str, first: str = "") -> dict[str, str]:
    """A text of any length as columns: `first` (default: `name`), `name`1, `name`2, ..."""
    pieces = enumerate(_pieces(clean(text), _PIECE))
    return {(first or name) if number == 0 else f"{name}{number}": piece for number, piece in pieces}


def joined(entity: Mapping[str, Any], name: str, first: str = "") -> str:
    """The text that `spread` has spread, "" where there is none."""
    pieces = [str(entity.get(first or name, ""))]
    while (piece := entity.get(f"{name}{len(pieces)}")) is not None:
        pieces.append(str(piece))
    return "".join(pieces)


def size_fault(document: str) -> str | None:
    """What is wrong with keeping a document (as `written`), or None."""
    found = units(document)
    if found > MOST_DOCUMENT_UNITS:
        return f"What is to be kept of it has {found:,} characters; the most is {MOST_DOCUMENT_UNITS:,}"
    if (size := len(json.dumps(document))) > MOST_DOCUMENT_BYTES:
        return f"What is to be kept of it takes {size:,} bytes; the most is {MOST_DOCUMENT_BYTES:,}"
    return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shortened(value: Any, longest: int) -> Any:
    """`value` with every text in it cut so that it takes no more than `longest` units as JSON."""
    if isinstance(value, str):
        return escaped(value, longest)
    if isinstance(value, list | tuple):
        return [_shortened(item, longest) for item in value]
    return value


def _pieces(text: str, most: int) -> Iterator[str]:
    """`text` in pieces of `most` units, no character cut in two."""
    data, start = text.encode("utf-16-le"), 0
    while start < len(data):
        end = min(start + 2 * most, len(data))
        if end < len(data) and 0xDC <= data[end + 1] <= 0xDF:
            end -= 2  # the second half of a pair
        yield data[start:end].decode("utf-16-le")
        start = end
