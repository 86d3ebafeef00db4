"""Ranges of a file: write, clear, write from another file, list."""

import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from local.files import copying, leases, properties, wire, xmltext
from local.files.errors import FilesError
from local.files.files import LARGEST_RANGE, check_body, write_at
from local.files.paging import Page, pack
from local.files.records import Record
from local.files.state import Answer, Call, xml
from local.files.tree import Entry

_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # linux/falloc.h
_ZEROS = 1024**2


def put(call: Call) -> Answer:
    """Put Range and Put Range from URL. Never makes a file longer: that is the resize before it."""
    span = wire.exact_span(call.headers)
    mode = call.headers.get("x-ms-write", "").lower()
    if mode not in ("update", "clear"):
        raise FilesError("MissingRequiredHeader", "x-ms-write must be update or clear")
    if mode == "clear":
        return _change(call, span, None)
    if span.length > LARGEST_RANGE:
        raise FilesError("RequestBodyTooLarge")
    if "x-ms-copy-source" in call.headers:
        return _change(call, span, _from_source(call, span))
    if len(call.body) != span.length:
        raise FilesError(
            "InvalidHeaderValue", f"the range has {span.length} bytes, the body {len(call.body)}"
        )
    check_body(call)
    return _change(call, span, call.body)


def _change(call: Call, span: wire.Span, data: bytes | None) -> Answer:
    """Writes `data` over the range, or zeros it (None), as one step for every reader of the emulator."""
    with call.emulator.locks.hold(call.target):
        entry = call.emulator.tree.file(call.target)
        record = call.emulator.record(call.target, entry)
        properties.check_writer(call, entry, record)
        if span.end >= entry.size:
            raise FilesError(
                "InvalidRange", f"the file has {entry.size} bytes: resize it before writing behind its end"
            )
        descriptor = os.open(entry.where, os.O_RDWR | os.O_CLOEXEC)
        try:
            if data is None:
                _clear(descriptor, span)
            else:
                write_at(descriptor, data, span.start)
        finally:
            os.close(descriptor)
        entry, record = _written(call, entry, record)
    headers = {**properties.stamp(entry, record), "x-ms-request-server-encrypted": "false"}
    if call.headers.get("content-md5"):
        headers["Content-MD5"] = call.headers["content-md5"]
    return Answer(201, {**headers, "x-ms-file-last-write-time": wire.file_time(entry.written)})


def _written(call: Call, entry: Entry, record: Record) -> tuple[Entry, Record]:
    """The file after a write, its ETag changed: by the time or, where that is preserved, by the record."""
    if call.headers.get("x-ms-file-last-write-time", "").lower() == "preserve":
        return properties.store(call, call.target, record, entry.written)
    properties.touch(entry.where, entry, call.now)
    return properties.existing(call, call.target), record


def _from_source(call: Call, span: wire.Span) -> bytes:
    source = copying.source_of(call)
    wanted = wire.exact_span(call.headers, "x-ms-source-range")
    if wanted.length != span.length:
        raise FilesError("InvalidHeaderValue", "x-ms-source-range and x-ms-range must have the same length")
    entry = call.emulator.tree.file(source)
    if wanted.end >= entry.size:
        raise FilesError("InvalidRange", "the source range lies beyond the end of the source")
    with Path(entry.where).open("rb") as stream:
        return os.pread(stream.fileno(), wanted.length, wanted.start)


def _clear(descriptor: int, span: wire.Span) -> None:
    """Zeros the range, as a hole where the file system can: it then vanishes from the range list."""
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (
        descriptor,
        _PUNCH_HOLE | _KEEP_SIZE,
        ctypes.c_int64(span.start),
        ctypes.c_int64(span.length),
    )
    if hasattr(libc, "fallocate") and libc.fallocate(*arguments) == 0:
        return
    for offset in range(span.start, span.end + 1, _ZEROS):
        write_at(descriptor, bytes(min(_ZEROS, span.end + 1 - offset)), offset)


def list_ranges(call: Call) -> Answer:
    """Get Range List: the parts of the file that hold data, in the blocks of the file system below."""
    with call.emulator.locks.hold(call.target):
        entry = call.emulator.tree.file(call.target)
        record = call.emulator.record(call.target, entry)
        leases.check_read(record.lease, call.lease_id, call.seconds)
        wanted = wire.span(call.headers, entry.size) or wire.Span(0, entry.size - 1)
        with Path(entry.where).open("rb") as stream:
            found = list(_data(stream.fileno(), wanted))
    root, page = Element("Ranges"), Page.of(call)
    if page.marker and not page.marker.isdecimal():
        raise FilesError("InvalidQueryParameterValue", "the marker is not one of this service")
    behind = [span for span in found if span.start > int(page.marker or -1)]
    for span in behind[: page.limit]:
        xmltext.add_all(xmltext.add(root, "Range"), {"Start": span.start, "End": span.end})
    xmltext.add(
        root, "NextMarker", pack(str(behind[page.limit - 1].start)) if len(behind) > page.limit else ""
    )
    headers = {**properties.stamp(entry, record), "x-ms-content-length": str(entry.size)}
    return xml(xmltext.document(root), headers)


def _data(descriptor: int, wanted: wire.Span) -> Iterator[wire.Span]:
    position = wanted.start
    while position <= wanted.end:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            raise
        if start > wanted.end:
            return
        position = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield wire.Span(start, min(position - 1, wanted.end))
