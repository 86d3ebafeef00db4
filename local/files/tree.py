"""The shares as directories: resolving names safely, looking at what is there. All data lives here.

Nothing is cached: other processes write into the same directories, and what they do is seen at once.
"""

# Paths are strings here, several looked up per request: plain calls of os.
# ruff: noqa: PTH114, PTH116, PTH208

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.files.errors import FilesError
from local.files.targets import Target, is_share_name

FILE, DIRECTORY = "file", "directory"


@dataclass(frozen=True)
class Entry:
    """A file or directory as it is on disk now. Times in nanoseconds since the epoch."""

    where: str  #: absolute path, symbolic links resolved
    kind: str  #: FILE or DIRECTORY
    size: int
    inode: int
    written: int  #: st_mtime: when the content was last written
    changed: int  #: st_ctime: when anything about it last changed
    accessed: int

    def etag(self, version: int) -> str:
        """Quoted ETag: another one after every write, by whomever, and after every change of the record."""
        seen = f"{self.inode}.{self.size}.{self.written}.{self.changed}.{version}"
        return f'"0x{hashlib.blake2b(seen.encode(), digest_size=8).hexdigest().upper()}"'


def entry_of(where: str, status: os.stat_result) -> Entry | None:
    """None for what a share cannot hold: devices, pipes, sockets."""
    if stat.S_ISREG(status.st_mode):
        kind, size = FILE, status.st_size
    elif stat.S_ISDIR(status.st_mode):
        kind, size = DIRECTORY, 0
    else:
        return None
    times = (status.st_mtime_ns, status.st_ctime_ns, status.st_atime_ns)
    return Entry(where, kind, size, status.st_ino, *times)


class Tree:
    """The directory that holds one directory per share; names beginning with a dot are the emulator's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.own = root / ".meta"
        self._drafts = self.own / "drafts"
        self._drafts.mkdir(parents=True, exist_ok=True)

    def draft(self, name: str) -> Path:
        """A place outside every share, usually on their file system: moved from here, data appears whole."""
        return self._drafts / name

    def shares(self) -> list[str]:
        """Names of all shares, sorted; any directory with a share's name is one."""
        with os.scandir(self.root) as found:
            return sorted(e.name for e in found if is_share_name(e.name) and e.is_dir())

    def share(self, name: str) -> Entry:
        """The share's root directory. It may be a symbolic link: that is the operator's decision."""
        where = os.path.realpath(self.root / name)
        found = _look(where)
        if found is None or found.kind != DIRECTORY:
            raise FilesError("ShareNotFound", f"there is no share {name!r}")
        return found

    def find(self, target: Target) -> Entry | None:
        """The file or directory `target`, or None; ShareNotFound where even the share is not there."""
        root = self.share(target.share)
        return (
            self._inside(root.where, os.path.realpath(f"{root.where}/{target.path}")) if target.path else root
        )

    def file(self, target: Target) -> Entry:
        """The file `target`; ResourceNotFound also where it is a directory (as the service answers)."""
        return self._of_kind(target, FILE)

    def directory(self, target: Target) -> Entry:
        return self._of_kind(target, DIRECTORY)

    def place(self, target: Target) -> str:
        """Absolute path at which `target` is or may be created; a symbolic link at its end is not followed.

        Raises FilesError(ParentNotFound) unless its parent is a directory inside the share.
        """
        if not target.path:
            raise FilesError("InvalidUri", "the URL names the share itself, not something in it")
        root = self.share(target.share)
        parent = os.path.realpath(f"{root.where}/{target.parent}")
        found = self._inside(root.where, parent)
        if found is None or found.kind != DIRECTORY:
            raise FilesError("ParentNotFound")
        return f"{parent}/{target.name}"

    def children(self, directory: Target) -> Iterator[str]:
        """Names in a directory, sorted; those that are not UTF-8 cannot be written in XML and are left
        out."""
        where = self.directory(directory).where
        return iter(sorted(name for name in os.listdir(where) if _is_utf8(name)))

    def child(self, directory: Entry, target: Target) -> Entry | None:
        """What `target`, a name in `directory`, is; cheaper than `find`, for listings."""
        where = f"{directory.where}/{target.name}"
        found = _look(where, follow=False)
        return found if found or not os.path.islink(where) else self.find(target)

    def usage(self, share: str) -> int:
        """Bytes in all files of a share."""
        total = 0
        for folder, _, names in os.walk(self.share(share).where):
            for name in names:
                found = _look(f"{folder}/{name}", follow=False)
                total += found.size if found else 0
        return total

    def _of_kind(self, target: Target, kind: str) -> Entry:
        found = self.find(target)
        if found is None or found.kind != kind:
            raise FilesError("ResourceNotFound", f"there is no {kind} {target.path!r} in the share")
        return found

    def _inside(self, root: str, where: str) -> Entry | None:
        """What is at `where`, unless symbolic links lead out of the share."""
        return _look(where) if where == root or where.startswith(f"{root}/") else None


def _look(where: str, *, follow: bool = True) -> Entry | None:
    try:
        return entry_of(where, os.stat(where, follow_symlinks=follow))
    except OSError:  # gone, behind a loop of links, a name too long: for a client it is not there
        return None


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # undecodable bytes arrive as lone surrogates
        return False
    return True
