"""Headers and their values: reading what clients send, writing what they expect. PURE."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime

from local.files.errors import FilesError

#: x-ms-* request header -> response header of the content properties of a file.
CONTENT_HEADERS = {
    "x-ms-content-type": "Content-Type",
    "x-ms-content-encoding": "Content-Encoding",
    "x-ms-content-language": "Content-Language",
    "x-ms-cache-control": "Cache-Control",
    "x-ms-content-disposition": "Content-Disposition",
    "x-ms-content-md5": "Content-MD5",
}
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_METADATA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_METADATA_PREFIX = "x-ms-meta-"
_SECOND = 10**9


@dataclass(frozen=True)
class Span:
    """Bytes `start` to `end`, both included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start + 1


def metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """The metadata in a request. The bare header x-ms-meta that the Python SDK adds is no metadata."""
    found = {
        name[len(_METADATA_PREFIX) :]: value
        for name, value in headers.items()
        if name.startswith(_METADATA_PREFIX)
    }
    for name in found:
        if not _METADATA_NAME.fullmatch(name):
            raise FilesError(
                "InvalidHeaderValue", f"metadata name {name!r}: letters, digits and _ only, no digit first"
            )
    return found


def metadata_headers(values: Mapping[str, str]) -> dict[str, str]:
    return {f"{_METADATA_PREFIX}{name}": value for name, value in values.items()}


def content_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The content properties a request sets, under the names they are answered with."""
    return {answer: headers[sent] for sent, answer in CONTENT_HEADERS.items() if headers.get(sent)}


def span(headers: Mapping[str, str], size: int) -> Span | None:
    """The range asked for, cut to the file's size; None for the whole file.

    x-ms-range wins over Range. Raises FilesError(InvalidRange) where it begins at or behind the end.
    """
    text = headers.get("x-ms-range") or headers.get("range")
    if text is None:
        return None
    match = _RANGE.fullmatch(text)
    if match is None:
        raise FilesError(
            "InvalidHeaderValue", f"the range {text[:60]!r} is not of the form bytes=START-[END]"
        )
    start, end = int(match[1]), int(match[2]) if match[2] else size - 1
    if start >= size or end < start:
        raise FilesError("InvalidRange", headers={"Content-Range": f"bytes */{size}"})
    return Span(start, min(end, size - 1))


def exact_span(headers: Mapping[str, str], name: str = "") -> Span:
    """The closed range a write must give, in header `name` (default: x-ms-range or Range)."""
    text = headers.get(name, "") if name else headers.get("x-ms-range") or headers.get("range", "")
    match = _RANGE.fullmatch(text)
    if match is None or not match[2] or int(match[2]) < int(match[1]):
        raise FilesError(
            "InvalidHeaderValue", f"{name or 'x-ms-range'} must be bytes=START-END, not {text[:60]!r}"
        )
    return Span(int(match[1]), int(match[2]))


def number(headers: Mapping[str, str], name: str, low: int, high: int) -> int:
    """The whole number in a header. Raises FilesError where it is missing or outside low..high."""
    text = headers.get(name)
    if text is None:
        raise FilesError("MissingRequiredHeader", f"{name} is missing")
    if not re.fullmatch(r"-?\d{1,18}", text) or not low <= int(text) <= high:
        raise FilesError(
            "InvalidHeaderValue", f"{name} must be a whole number from {low} to {high}, not {text[:60]!r}"
        )
    return int(text)


def http_date(nanoseconds: int) -> str:
    return formatdate(nanoseconds / _SECOND, usegmt=True)


def file_time(nanoseconds: int) -> str:
    """ISO 8601 with seven digits of a second, as x-ms-file-*-time has it."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 100:07d}Z"


def parse_file_time(text: str, now: int) -> int | None:
    """Nanoseconds for an x-ms-file-*-time header; None for "preserve" and for a missing one ("")."""
    if text.lower() in ("", "preserve"):
        return None
    if text.lower() == "now":
        return now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise FilesError(
            "InvalidHeaderValue", f"{text[:60]!r} is not a time of the form 2026-01-31T12:00:00Z"
        ) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    fraction = re.search(r"\.(\d{1,9})", text)
    nanoseconds = int(fraction[1].ljust(9, "0")) if fraction else 0
    return int(moment.replace(microsecond=0).timestamp()) * _SECOND + nanoseconds


def check_conditions(headers: Mapping[str, str], etag: str | None, changed: int, *, reading: bool) -> bool:
    """Whether a reader already has what it asks for (304). `etag` is None where the resource does not exist.

    Raises FilesError(ConditionNotMet) where If-Match, If-Unmodified-Since or (writers) If-None-Match fails.
    """
    if "if-match" in headers and not _names(headers["if-match"], etag):
        raise FilesError("ConditionNotMet")
    if (
        etag is not None
        and "if-unmodified-since" in headers
        and changed // _SECOND > _date(headers, "if-unmodified-since")
    ):
        raise FilesError("ConditionNotMet")
    if "if-none-match" in headers:
        known = _names(headers["if-none-match"], etag)
        if known and not reading:
            raise FilesError("ConditionNotMet")
        return known
    if reading and "if-modified-since" in headers:
        return changed // _SECOND <= _date(headers, "if-modified-since")
    return False


def _names(header: str, etag: str | None) -> bool:
    if etag is None:
        return False
    wanted = [part.strip().removeprefix("W/").strip('"') for part in header.split(",")]
    return "*" in wanted or etag.strip('"') in wanted


def _date(headers: Mapping[str, str], name: str) -> int:
    try:
        return int(parsedate_to_datetime(headers[name]).timestamp())
    except ValueError as error:
        raise FilesError("InvalidHeaderValue", f"{name} is not an RFC 1123 date") from error
