"""Directories: create, delete, properties, metadata, open handles (there are none). Listing: listing.py."""

import errno
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from local.files import properties, wire, xmltext
from local.files.errors import FilesError
from local.files.records import Record
from local.files.state import Answer, Call, xml
from local.files.targets import check_new_name


def create(call: Call) -> Answer:
    """Create Directory: one level; the parent must exist."""
    check_new_name(call.target)
    with call.emulator.locks.hold(call.target):
        smb = {"created": wire.file_time(call.now), **properties.smb_of(call, {})}
        record = Record(metadata=wire.metadata(call.headers), smb=smb)
        last_write = wire.parse_file_time(call.headers.get("x-ms-file-last-write-time", "now"), call.now)
        try:
            Path(call.emulator.tree.place(call.target)).mkdir()
        except FileExistsError as error:
            raise FilesError("ResourceAlreadyExists") from error
        entry, kept = properties.store(call, call.target, record, last_write)
    return Answer(201, properties.written(entry, kept))


def get_properties(call: Call) -> Answer:
    entry = call.emulator.tree.directory(call.target)
    record = call.emulator.record(call.target, entry)
    headers = properties.stamp(entry, record) | properties.smb_headers(entry, record)
    return Answer(
        200, {**headers, **wire.metadata_headers(record.metadata), "x-ms-server-encrypted": "false"}
    )


def delete(call: Call) -> Answer:
    with call.emulator.locks.hold(call.target):
        entry = call.emulator.tree.directory(call.target)
        properties.check_writer(call, entry, call.emulator.record(call.target, entry))
        place = Path(call.emulator.tree.place(call.target))
        try:
            if place.is_symlink():
                place.unlink()
            else:
                place.rmdir()
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise FilesError("DirectoryNotEmpty") from error
            raise
        call.emulator.records.drop(call.target.share, call.target.path)
    return Answer(202)


def set_properties(call: Call) -> Answer:
    with call.emulator.locks.hold(call.target):
        entry = call.emulator.tree.directory(call.target)
        record = call.emulator.record(call.target, entry)
        properties.check_writer(call, entry, record)
        last_write = wire.parse_file_time(call.headers.get("x-ms-file-last-write-time", ""), call.now)
        changed = replace(record, smb=properties.smb_of(call, record.smb))
        entry, kept = properties.store(call, call.target, changed, last_write)
    return Answer(200, properties.written(entry, kept))


def set_metadata(call: Call) -> Answer:
    with call.emulator.locks.hold(call.target):
        return Answer(
            200, properties.set_metadata(call, call.target, call.emulator.tree.directory(call.target))
        )


def list_handles(call: Call) -> Answer:
    """List Handles, for files too: REST opens none, and what other processes hold open is not looked at."""
    properties.existing(call, call.target)
    root = Element("EnumerationResults")
    SubElement(root, "Entries")
    xmltext.add(root, "NextMarker")
    return xml(xmltext.document(root))


def close_handles(call: Call) -> Answer:
    properties.existing(call, call.target)
    return Answer(200, {"x-ms-number-of-handles-closed": "0", "x-ms-number-of-handles-failed": "0"})
