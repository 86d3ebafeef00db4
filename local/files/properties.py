"""Properties that files and directories share: times, attributes, permission, metadata, lease, ETag."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from local.files import leases, wire
from local.files.errors import FilesError
from local.files.records import Record
from local.files.state import Call
from local.files.targets import Target
from local.files.tree import DIRECTORY, Entry

_DEFAULT_ATTRIBUTES = {DIRECTORY: "Directory", "file": "Archive"}
#: What a resource gets whose permission was never set: the share's own.
INHERITED_PERMISSION = (
    "O:S-1-5-21-2127521184-1604012920-1887927527-21560751"
    "G:S-1-5-21-2127521184-1604012920-1887927527-513D:AI(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)"
)
_MOST_PERMISSION_BYTES = 8 * 1024


def stamp(entry: Entry, record: Record) -> dict[str, str]:
    """ETag and Last-Modified."""
    return {"ETag": entry.etag(record.version), "Last-Modified": wire.http_date(entry.changed)}


def smb_headers(entry: Entry, record: Record) -> dict[str, str]:
    """The x-ms-file-* headers of a file or directory."""
    return {
        "x-ms-file-attributes": attributes(entry, record),
        "x-ms-file-creation-time": created(entry, record),
        "x-ms-file-last-write-time": wire.file_time(entry.written),
        "x-ms-file-change-time": wire.file_time(entry.changed),
        "x-ms-file-permission-key": permission_key(record),
        "x-ms-file-id": str(entry.inode),
        "x-ms-file-parent-id": str(Path(entry.where).parent.stat().st_ino),
    }


def written(entry: Entry, record: Record) -> dict[str, str]:
    """Headers of the answer to a successful change."""
    return {**stamp(entry, record), **smb_headers(entry, record), "x-ms-request-server-encrypted": "false"}


def attributes(entry: Entry, record: Record) -> str:
    return record.smb.get("attributes", _DEFAULT_ATTRIBUTES[entry.kind])


def created(entry: Entry, record: Record) -> str:
    # Linux has no birth time to Python 3.11: for files of other processes the oldest time known must do.
    return record.smb.get("created") or wire.file_time(min(entry.written, entry.changed))


def permission_key(record: Record) -> str:
    return record.smb.get("permission-key") or key_of(INHERITED_PERMISSION)


def key_of(permission: str) -> str:
    """The key of a security descriptor, NUMBER*NUMBER as the service has it; unlike for unlike ones."""
    digest = hashlib.sha256(permission.encode("utf-8")).digest()
    return f"{int.from_bytes(digest[:8], 'big') >> 1}*{int.from_bytes(digest[8:16], 'big') >> 1}"


def keep_permission(call: Call, permission: str) -> str:
    """Remembers a security descriptor and returns its key."""
    if len(permission.encode("utf-8")) > _MOST_PERMISSION_BYTES:
        raise FilesError(
            "InvalidHeaderValue", "a permission has at most 8 KiB: create it first and give its key"
        )
    key = key_of(permission)
    call.emulator.records.keep("permission", f"{call.target.share}/{key}", permission)
    return key


def find_permission(call: Call, key: str) -> str | None:
    if key == key_of(INHERITED_PERMISSION):
        return INHERITED_PERMISSION
    return call.emulator.records.text("permission", f"{call.target.share}/{key}")


def smb_of(call: Call, before: Mapping[str, str]) -> dict[str, str]:
    """Attributes, creation time and permission as the request sets them, over those there were `before`."""
    smb = dict(before)
    given = call.headers.get("x-ms-file-attributes", "preserve")
    if given.lower() not in ("preserve", "none"):
        smb["attributes"] = given
    elif given.lower() == "none":
        smb.pop("attributes", None)
    moment = wire.parse_file_time(call.headers.get("x-ms-file-creation-time", ""), call.now)
    if moment is not None:
        smb["created"] = wire.file_time(moment)
    key = call.headers.get("x-ms-file-permission-key", "")
    permission = call.headers.get("x-ms-file-permission", "inherit")
    if key and find_permission(call, key) is None:
        raise FilesError("InvalidHeaderValue", f"the share has no permission with the key {key[:60]!r}")
    if permission.lower() not in ("inherit", "preserve"):
        key = keep_permission(call, permission)
    return {**smb, "permission-key": key} if key else smb


def touch(where: str | int, entry: Entry, last_write: int | None) -> None:
    """Sets the last write time (None: leaves it); either way the change time becomes now.

    Explicit nanoseconds: the kernel's own clock ticks in milliseconds, too coarse for an ETag.
    """
    os.utime(where, ns=(entry.accessed, entry.written if last_write is None else last_write))


def store(call: Call, target: Target, record: Record, last_write: int | None = None) -> tuple[Entry, Record]:
    """Keeps the record of an existing resource and returns both as they are now."""
    entry = existing(call, target)
    touch(entry.where, entry, last_write)
    return existing(call, target), call.emulator.keep(target, entry, record)


def existing(call: Call, target: Target) -> Entry:
    entry = call.emulator.tree.find(target)
    if entry is None:
        raise FilesError("ResourceNotFound")
    return entry


def check_writer(call: Call, entry: Entry, record: Record) -> None:
    """The lease and the conditions in the headers, for a change of `entry`."""
    leases.check_write(record.lease, call.lease_id, call.seconds)
    wire.check_conditions(call.headers, entry.etag(record.version), entry.changed, reading=False)


def set_metadata(call: Call, target: Target, entry: Entry) -> dict[str, str]:
    """Replaces the metadata of a resource whose lock the caller holds; the headers of the answer."""
    record = call.emulator.record(target, entry)
    check_writer(call, entry, record)
    now, kept = store(call, target, replace(record, metadata=wire.metadata(call.headers)))
    return {**stamp(now, kept), "x-ms-request-server-encrypted": "false"}


def lease_headers(lease: leases.Lease | None, now: float, known: bool) -> dict[str, str]:
    """How a lease stands; nothing to clients whose version knows no leases (azure-storage-file 1.4.0 fails on
    such an answer)."""
    if not known:
        return {}
    state = lease.state(now) if lease else "available"
    locked = state in ("leased", "breaking")
    found = {"x-ms-lease-state": state, "x-ms-lease-status": "locked" if locked else "unlocked"}
    if lease and state == "leased":
        found["x-ms-lease-duration"] = "infinite" if lease.duration == leases.INFINITE else "fixed"
    return found
