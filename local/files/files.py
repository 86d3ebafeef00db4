"""Files: create, read, properties, metadata, resize, delete. Ranges: ranges.py; leases: leasing.py."""

import base64
import hashlib
import os
from dataclasses import replace
from pathlib import Path

from local.files import leases, properties, wire
from local.files.errors import FilesError
from local.files.records import Record
from local.files.state import Answer, Call, Slice
from local.files.targets import check_new_name
from local.files.tree import DIRECTORY, Entry

LARGEST_FILE = 4 * 1024**4
LARGEST_RANGE = 4 * 1024**2
_DEFAULT_TYPE = "application/octet-stream"
_SAS_OVERRIDES = {
    "rscc": "Cache-Control",
    "rscd": "Content-Disposition",
    "rsce": "Content-Encoding",
    "rscl": "Content-Language",
    "rsct": "Content-Type",
}


def create(call: Call) -> Answer:
    """Create File: a new file of x-ms-content-length zeros, in place of whatever file was there."""
    if call.headers.get("x-ms-type", "").lower() != "file":
        raise FilesError(
            "MissingRequiredHeader", "a PUT without comp creates a file and needs x-ms-type: file"
        )
    size = wire.number(call.headers, "x-ms-content-length", 0, LARGEST_FILE)
    if len(call.body) > size:
        raise FilesError("InvalidRange", "the body is longer than x-ms-content-length")
    check_body(call)
    check_new_name(call.target)
    with call.emulator.locks.hold(call.target):
        place, smb = open_place(call), properties.smb_of(call, {})
        record = Record(
            metadata=wire.metadata(call.headers),
            content=wire.content_headers(call.headers),
            smb={"created": wire.file_time(call.now), **smb},
            lease=before(call).lease,
        )
        descriptor = open_for_writing(place)
        try:
            os.ftruncate(descriptor, 0)
            os.ftruncate(descriptor, size)
            write_at(descriptor, call.body, 0)
        finally:
            os.close(descriptor)
        last_write = wire.parse_file_time(call.headers.get("x-ms-file-last-write-time", "now"), call.now)
        entry, kept = properties.store(call, call.target, record, last_write)
    return Answer(201, properties.written(entry, kept))


def get(call: Call) -> Answer:
    """Get File and Get File Properties (HEAD): the size, the ETag and the bytes belong to one moment."""
    with call.emulator.locks.hold(call.target):
        entry = call.emulator.tree.file(call.target)
        record = call.emulator.record(call.target, entry)
        leases.check_read(record.lease, call.lease_id, call.seconds)
        headers = _read_headers(call, entry, record)
        if wire.check_conditions(call.headers, headers["ETag"], entry.changed, reading=True):
            return Answer(304, headers)
        if call.method == "HEAD":
            return Answer(200, {**headers, "Content-Length": str(entry.size), "x-ms-type": "File"})
        span = wire.span(call.headers, entry.size)
        return _content(call, entry, headers, span)


def _content(call: Call, entry: Entry, headers: dict[str, str], span: wire.Span | None) -> Answer:
    """The bytes asked for. Small answers are read under the lock: no half-written range is ever seen."""
    whole = span or wire.Span(0, entry.size - 1)
    wants_md5 = call.flag("x-ms-range-get-content-md5")
    if wants_md5 and (span is None or whole.length > LARGEST_RANGE):
        raise FilesError("OutOfRangeInput", "x-ms-range-get-content-md5 needs a range of at most 4 MiB")
    if span:
        headers["Content-Range"] = f"bytes {span.start}-{span.end}/{entry.size}"
        stored = headers.pop("Content-MD5", "")
        headers |= {"x-ms-content-md5": stored} if stored else {}
    status = 206 if span else 200
    descriptor = os.open(entry.where, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if whole.length > LARGEST_RANGE:
        return Answer(status, headers, Slice(descriptor, whole))
    try:
        body = os.pread(descriptor, whole.length, whole.start)
    finally:
        os.close(descriptor)
    if len(body) < whole.length:  # another process cut the file short a moment ago: the client asks again
        raise FilesError("ConditionNotMet", "the file became shorter while it was read")
    if wants_md5:
        headers["Content-MD5"] = md5(body)
    return Answer(status, headers, body)


def _read_headers(call: Call, entry: Entry, record: Record) -> dict[str, str]:
    overrides = {h: call.query[q] for q, h in _SAS_OVERRIDES.items() if q in call.query}
    return {
        **properties.stamp(entry, record),
        **properties.smb_headers(entry, record),
        **properties.lease_headers(record.lease, call.seconds, call.knows_file_leases),
        **wire.metadata_headers(record.metadata),
        **record.copy,
        "Content-Type": _DEFAULT_TYPE,
        **record.content,
        **overrides,
        "Accept-Ranges": "bytes",
        "x-ms-server-encrypted": "false",
    }


def delete(call: Call) -> Answer:
    """Delete File."""
    with call.emulator.locks.hold(call.target):
        entry = call.emulator.tree.file(call.target)
        properties.check_writer(call, entry, call.emulator.record(call.target, entry))
        Path(call.emulator.tree.place(call.target)).unlink()
        call.emulator.records.drop(call.target.share, call.target.path)
    return Answer(202)


def set_properties(call: Call) -> Answer:
    """Set File Properties: size, SMB properties, content headers (those not given are cleared)."""
    with call.emulator.locks.hold(call.target):
        entry = call.emulator.tree.file(call.target)
        record = call.emulator.record(call.target, entry)
        properties.check_writer(call, entry, record)
        smb = properties.smb_of(call, record.smb)
        last_write = wire.parse_file_time(call.headers.get("x-ms-file-last-write-time", ""), call.now)
        if "x-ms-content-length" in call.headers:
            os.truncate(entry.where, wire.number(call.headers, "x-ms-content-length", 0, LARGEST_FILE))
            last_write = call.now if last_write is None else last_write
        changed = replace(record, smb=smb, content=wire.content_headers(call.headers))
        entry, kept = properties.store(call, call.target, changed, last_write)
    return Answer(200, properties.written(entry, kept))


def set_metadata(call: Call) -> Answer:
    with call.emulator.locks.hold(call.target):
        return Answer(200, properties.set_metadata(call, call.target, call.emulator.tree.file(call.target)))


def get_metadata(call: Call) -> Answer:
    entry = call.emulator.tree.file(call.target)
    record = call.emulator.record(call.target, entry)
    return Answer(200, {**properties.stamp(entry, record), **wire.metadata_headers(record.metadata)})


def before(call: Call) -> Record:
    """The record of the file a request may replace (this is checked here); an empty one if there is none."""
    entry = call.emulator.tree.find(call.target)
    if entry is None:
        leases.check_write(None, call.lease_id, call.seconds)
        wire.check_conditions(call.headers, None, 0, reading=False)
        return Record()
    if entry.kind == DIRECTORY:
        raise FilesError("ResourceTypeMismatch", "there is a directory under this name")
    record = call.emulator.record(call.target, entry)
    properties.check_writer(call, entry, record)
    return record


def open_place(call: Call) -> str:
    """Where to write `call.target`: what a symbolic link in the share leads to, else the place itself."""
    place = call.emulator.tree.place(call.target)
    entry = call.emulator.tree.find(call.target)
    return entry.where if entry else place


def open_for_writing(where: str) -> int:
    """A descriptor; never one outside the share: where a symbolic link would lead there, FilesError."""
    try:
        return os.open(where, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
    except OSError as error:
        raise FilesError("ResourceTypeMismatch", f"the file cannot be written: {error.strerror}") from error


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view, offset = view[count:], offset + count


def check_body(call: Call) -> None:
    """Content-MD5, where the client sent one."""
    given = call.headers.get("content-md5")
    if given and call.body and given != md5(call.body):
        raise FilesError("Md5Mismatch")


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode("ascii")
