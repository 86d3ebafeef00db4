"""The sidecar: what a directory cannot hold (metadata, content type, leases), in one SQLite file.

A record belongs to a path and to the inode it was made for: when another process replaces a file, the new one
starts with an empty record, as it would on a real share. SQLite because a rename moves many records at once,
and a crash must leave all of it or nothing.
"""

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from local.files.leases import Lease, from_json

_SCHEMA = """
create table if not exists records (
    share text not null, path text not null, parent text not null, inode integer not null, body text not null,
    primary key (share, path)) without rowid;
create index if not exists records_by_parent on records (share, parent);
create table if not exists texts (kind text not null, name text not null, body text not null,
    primary key (kind, name)) without rowid;
"""
#: Path of a share's own record; no path in a share begins with a slash ("" is its root directory).
SHARE = "/"


@dataclass(frozen=True)
class Record:
    """What is remembered of one file, directory or share. Empty for what was never touched over REST."""

    version: int = 0  #: counts changes of the record; part of the ETag
    metadata: dict[str, str] = field(default_factory=dict)
    content: dict[str, str] = field(default_factory=dict)  #: response header -> value, e.g. Content-Type
    smb: dict[str, str] = field(default_factory=dict)  #: attributes, creation time, permission key
    copy: dict[str, str] = field(default_factory=dict)  #: x-ms-copy-* headers of the last copy
    share: dict[str, str] = field(default_factory=dict)  #: x-ms-* headers of a share: quota, tier, ...
    lease: Lease | None = None


class RecordStore:
    """Records by share and path. Safe to use from many threads; every method is one transaction."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute(
            "pragma synchronous=normal"
        )  # survives a killed process; a power cut may lose seconds
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def get(self, share: str, path: str, inode: int) -> Record:
        rows = self._all("select inode, body from records where share=? and path=?", share, path)
        return _record(rows[0][1]) if rows and rows[0][0] == inode else Record()

    def put(self, share: str, path: str, inode: int, record: Record) -> Record:
        """Stores the record, its version raised by one, and returns it."""
        raised = replace(record, version=record.version + 1)
        body = json.dumps({k: v for k, v in asdict(raised).items() if v}, ensure_ascii=False)
        self._all(
            "insert or replace into records values (?,?,?,?,?)", share, path, _parent(path), inode, body
        )
        return raised

    def children(self, share: str, parent: str) -> dict[str, tuple[int, Record]]:
        """Path -> (inode, record) of what lies directly in the directory `parent`."""
        rows = self._all("select path, inode, body from records where share=? and parent=?", share, parent)
        return {path: (inode, _record(body)) for path, inode, body in rows}

    def move(self, share: str, source: str, target: str) -> None:
        """Moves the record of `source` and all below it; what was recorded for `target` is dropped."""
        with self._lock, self._db:
            self._db.execute("begin immediate")
            self._drop(share, target)
            below = self._db.execute(
                "select path from records where share=? and (path=? or (path>? and path<?))",
                (share, source, f"{source}/", f"{source}0"),
            ).fetchall()
            for (path,) in below:
                moved = target + path[len(source) :]
                self._db.execute(
                    "update records set path=?, parent=? where share=? and path=?",
                    (moved, _parent(moved), share, path),
                )

    def drop(self, share: str, path: str) -> None:
        """Forgets `path` and all below it."""
        with self._lock, self._db:
            self._db.execute("begin immediate")
            self._drop(share, path)

    def drop_share(self, share: str) -> None:
        self._all("delete from records where share=?", share)

    def sweep(self, inode_of: Callable[[str, str], int | None]) -> int:
        """Forgets records whose resource is gone, given the inode of a (share, path); returns how many."""
        rows = self._all("select share, path, inode from records")
        gone = [(share, path) for share, path, inode in rows if inode_of(share, path) != inode]
        for share, path in gone:
            self._all("delete from records where share=? and path=?", share, path)
        return len(gone)

    def text(self, kind: str, name: str) -> str | None:
        """A text kept by `keep`: access policies, permissions, service properties."""
        rows = self._all("select body from texts where kind=? and name=?", kind, name)
        return str(rows[0][0]) if rows else None

    def keep(self, kind: str, name: str, body: str) -> None:
        self._all("insert or replace into texts values (?,?,?)", kind, name, body)

    def forget(self, kind: str, name: str) -> None:
        self._all("delete from texts where kind=? and name=?", kind, name)

    def _all(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def _drop(self, share: str, path: str) -> None:
        self._db.execute(
            "delete from records where share=? and (path=? or (path>? and path<?))",
            (share, path, f"{path}/", f"{path}0"),  # "0" is the character after "/"
        )


def _record(body: str) -> Record:
    data = json.loads(body)
    return Record(**{**data, "lease": from_json(data.get("lease"))})


def _parent(path: str) -> str:
    """The directory of `path`; no directory is the parent of a root or of a share."""
    return SHARE if path in ("", SHARE) else path.rpartition("/")[0]
