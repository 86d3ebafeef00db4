"""Copies within the emulator: where the source is, whether the request may read it, and the copy itself."""

import errno
import os
import shutil
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from local.files import files, properties, sas, shares, targets, wire
from local.files.errors import FilesError
from local.files.records import Record
from local.files.state import Answer, Call
from local.files.targets import Target, check_new_name
from local.files.tree import Entry

_READ = sas.Need("o", "r", "sf")


def copy(call: Call) -> Answer:
    """Copy File: finished when answered (the service may take its time), so always with status success."""
    source = source_of(call)
    check_new_name(call.target)
    with call.emulator.locks.hold(source, call.target):
        found = call.emulator.tree.file(source)
        old = call.emulator.record(source, found)
        lease = files.before(call).lease
        place = files.open_place(call)
        if place != found.where:
            _copy_bytes(call, found, place)
        record = _record(call, old, found)
        entry, kept = properties.store(
            call, call.target, replace(record, lease=lease), _last_write(call, found)
        )
    headers = {name: kept.copy[name] for name in ("x-ms-copy-id", "x-ms-copy-status")}
    return Answer(202, {**properties.stamp(entry, kept), **headers})


def abort(call: Call) -> Answer:
    raise FilesError("NoPendingCopyOperation")


def source_of(call: Call) -> Target:
    """The file x-ms-copy-source names, readable with the authorization at hand.

    A SAS in the URL is checked. Without one the request itself must be signed with the account key.
    """
    url = urlsplit(call.headers["x-ms-copy-source"])
    emulator = call.emulator
    path = url.path
    host, _, domain = (url.hostname or "").partition(".")
    if host in emulator.accounts and domain == "file.core.windows.net":  # the az command knows no other form
        path = f"/{host}{path}"
    elif url.netloc != urlsplit(call.endpoint).netloc:
        raise FilesError("CannotVerifyCopySource", "only files of this emulator can be copied, no other URL")
    keep = call.flag("x-ms-source-allow-trailing-dot")
    source = targets.parse(path, emulator.accounts, keep_trailing_dots=keep)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    if sas.is_sas(query):
        _check_sas(call, query, source, targets.account_of(path, emulator.accounts))
    elif sas.is_sas(call.query):
        raise FilesError("CannotVerifyCopySource", "with SAS, x-ms-copy-source must carry a SAS of its own")
    return source


def _check_sas(call: Call, query: dict[str, str], source: Target, account: str) -> None:
    emulator = call.emulator
    sas.check(
        query,
        source,
        _READ,
        account=account,
        key=emulator.key,
        now=datetime.now(UTC),
        client="",
        policy=lambda name: shares.policy(emulator, source.share, name),
    )


def _copy_bytes(call: Call, source: Entry, place: str) -> None:
    """The copy appears at once; where it cannot (a share on another file system) it is written in place."""
    draft = call.emulator.tree.draft(uuid.uuid4().hex)
    try:
        shutil.copyfile(source.where, draft)
        try:
            draft.replace(place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with draft.open("rb") as old, os.fdopen(files.open_for_writing(place), "wb") as new:
                new.truncate(0)
                shutil.copyfileobj(old, new)
    finally:
        draft.unlink(missing_ok=True)


def _record(call: Call, old: Record, found: Entry) -> Record:
    now = call.now
    keeps_times = call.headers.get("x-ms-file-creation-time", "").lower() == "source"
    smb = dict(old.smb) if keeps_times else {**old.smb, "created": wire.file_time(now)}
    attributes = call.headers.get("x-ms-file-attributes", "source")
    if attributes.lower() not in ("source", "none", "preserve"):
        smb["attributes"] = attributes
    copied = {
        "x-ms-copy-id": str(uuid.uuid4()),
        "x-ms-copy-status": "success",
        "x-ms-copy-source": call.headers["x-ms-copy-source"].partition("?")[0],
        "x-ms-copy-progress": f"{found.size}/{found.size}",
        "x-ms-copy-completion-time": wire.http_date(now),
    }
    return Record(
        metadata=wire.metadata(call.headers) or old.metadata, content=old.content, smb=smb, copy=copied
    )


def _last_write(call: Call, source: Entry) -> int | None:
    given = call.headers.get("x-ms-file-last-write-time", "now")
    return source.written if given.lower() == "source" else wire.parse_file_time(given, call.now)
