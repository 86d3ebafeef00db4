"""Rename File and Rename Directory: within one share, with everything recorded about what is moved."""

import errno
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from local.files import leases, properties, targets, wire
from local.files.errors import FilesError
from local.files.records import Record
from local.files.state import Answer, Call
from local.files.targets import Target, check_new_name
from local.files.tree import DIRECTORY, FILE, Entry


def rename_file(call: Call) -> Answer:
    return _rename(call, FILE)


def rename_directory(call: Call) -> Answer:
    return _rename(call, DIRECTORY)


def _rename(call: Call, kind: str) -> Answer:
    source = _source(call)
    check_new_name(call.target)
    with call.emulator.locks.hold(source, call.target):
        tree = call.emulator.tree
        entry = tree.file(source) if kind == FILE else tree.directory(source)
        record = call.emulator.record(source, entry)
        leases.check_write(record.lease, call.headers.get("x-ms-source-lease-id", ""), call.seconds)
        place, origin = tree.place(call.target), tree.place(source)
        _check_target(call, place)
        smb = properties.smb_of(call, record.smb)
        _move(origin, place)
        call.emulator.records.move(source.share, source.path, call.target.path)
        last_write = wire.parse_file_time(call.headers.get("x-ms-file-last-write-time", ""), call.now)
        entry, kept = properties.store(call, call.target, _changed(call, record, smb), last_write)
    return Answer(200, properties.written(entry, kept))


def _source(call: Call) -> Target:
    url = urlsplit(call.headers.get("x-ms-file-rename-source", ""))
    keep = call.flag("x-ms-source-allow-trailing-dot")
    source = targets.parse(url.path, call.emulator.accounts, keep_trailing_dots=keep)
    if source.share != call.target.share:
        raise FilesError(
            "InvalidHeaderValue", "a rename stays in one share: x-ms-file-rename-source names another"
        )
    if not source.path:
        raise FilesError("InvalidHeaderValue", "x-ms-file-rename-source must name a file or directory")
    if f"{call.target.path}/".startswith(f"{source.path}/") and source != call.target:
        raise FilesError("InvalidHeaderValue", "a directory cannot be moved into itself")
    if "sr" in call.query and call.query["sr"] == "f" and not _has_sas(url.query):
        raise FilesError(
            "CannotVerifyCopySource", "a file SAS covers one name only: use a share SAS to rename"
        )
    return source


def _has_sas(query: str) -> bool:
    return "sig" in dict(parse_qsl(query))


def _check_target(call: Call, place: str) -> None:
    """What already has the new name: nothing, or a file that the request says may be replaced."""
    there = call.emulator.tree.find(call.target)
    if there is None:
        if os.path.lexists(place):
            raise FilesError("ResourceAlreadyExists")
        return
    if there.kind == DIRECTORY or not call.flag("x-ms-file-rename-replace-if-exists"):
        raise FilesError("ResourceAlreadyExists", "the new name is taken (and a directory is never replaced)")
    _check_replaced(call, there)


def _check_replaced(call: Call, there: Entry) -> None:
    lease = call.emulator.record(call.target, there).lease
    leases.check_write(lease, call.headers.get("x-ms-destination-lease-id", ""), call.seconds)


def _move(origin: str, place: str) -> None:
    try:
        Path(origin).rename(place)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR):
            raise FilesError("ResourceAlreadyExists") from error
        raise


def _changed(call: Call, record: Record, smb: Mapping[str, str]) -> Record:
    """The record under the new name; what the request does not mention is kept."""
    metadata = wire.metadata(call.headers) or record.metadata
    content = {**record.content, **wire.content_headers(call.headers)}
    return replace(record, metadata=metadata, content=content, smb=dict(smb))
