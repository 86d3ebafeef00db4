"""The local files of a container that is copied: what can be one, which were touched, whose they are."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from runner.mounts.types import MountContext

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
#: Of a blob, in characters (learn.microsoft.com: "Naming and referencing containers, blobs, and metadata").
_LONGEST_NAME = 1024


@dataclass(frozen=True)
class Stamp:
    """What shows that a local file was not touched since it was downloaded (ctime cannot be set back)."""

    size: int
    changed_ns: int
    inode: int


def can_be_file(name: str) -> bool:
    """Whether a file below a directory can have the name of a blob, which may be anything."""
    parts = name.split("/")
    plain = not any(part in ("", ".", "..") or len(os.fsencode(part)) > 255 for part in parts)
    return plain and not _FORBIDDEN.search(name)


def walk(target: Path) -> tuple[dict[str, Stamp], list[str]]:
    """Regular files below target by relative name, and what cannot be blobs: neither file nor folder, or too
    deep for a blob's name. Follows no link."""
    files: dict[str, Stamp] = {}
    odd: list[str] = []
    for folder, folders, names in os.walk(target):
        passable: list[str] = []
        for name in (*names, *folders):
            path = Path(folder, name)
            mode, relative = _mode(path), str(path.relative_to(target))
            if stat.S_ISREG(mode) and len(relative) <= _LONGEST_NAME:
                files[relative] = stamp(path.lstat())
            elif stat.S_ISDIR(mode) and len(relative) < _LONGEST_NAME - 1:
                passable.append(name)
            else:
                odd.append(relative)
        folders[:] = passable  # os.walk calls itself for every level
    return files, odd


def _mode(path: Path) -> int:
    """0 where nothing can be learnt of it: its path may be too long."""
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def stamp(found: os.stat_result) -> Stamp:
    """The stamp of a file as it was found."""
    return Stamp(found.st_size, found.st_ctime_ns, found.st_ino)


def give_to_job_user(target: Path, context: MountContext) -> None:
    """A job that runs as another user must be able to write what was downloaded."""
    if context.user_id is None or os.geteuid() != 0:
        return
    group = -1 if context.group_id is None else context.group_id
    os.chown(target, context.user_id, group)
    for folder, folders, names in os.walk(target):
        for name in (*folders, *names):
            os.chown(Path(folder, name), context.user_id, group, follow_symlinks=False)
