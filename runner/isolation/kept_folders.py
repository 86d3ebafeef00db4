"""Folders of the last job that the next one will have, too: kept, emptied and renamed.

A job whose logs lie on the node has eighteen folders, one in the other. To remove one costs up to 2 ms where
the disk forgets freed blocks at once (ext4 with `discard`), and both jobs have the same but for three names.
Only where jobs run as the runner's own user: there may be more about another user's folders than is seen.
"""

import itertools
import os
import stat
from pathlib import Path, PurePosixPath

from runner.machine import tree_removal

#: How many names of a folder are read at once: it may have millions.
_AT_ONCE = 512
_FULL, _OTHERS_MAY = 0o700, 0o055


def keep(root: Path, folder: str) -> None:
    """Leave at `root` nothing but empty folders on the way to `folder`, which lies below it, those as the
    runner makes them. `root` is trusted, and nothing is mounted there. Raises OSError."""
    here, names = str(root), list(PurePosixPath(folder).relative_to(root).parts)
    while _is_as_made(here):
        name = names.pop(0) if names else ""
        _leave_one(here, name)
        if not name:
            return
        here = f"{here}/{name}"
    tree_removal.remove(Path(here))


def _leave_one(folder: str, name: str) -> None:
    """Leave nothing in a folder but what is called `name`, or a single other thing under that name."""
    while names := _some(folder):
        if names == [name]:
            return
        if name and len(names) == 1:
            # Strings: a path object for each would cost as much as the call.
            os.rename(f"{folder}/{names[0]}", f"{folder}/{name}")  # noqa: PTH104
            return
        for other in names:
            if other != name:
                tree_removal.remove(Path(folder, other))


def _some(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in itertools.islice(entries, _AT_ONCE)]


def _is_as_made(path: str) -> bool:
    """Whether a folder of this user's is there that nobody else may write to."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    mode = stat.S_IMODE(found.st_mode)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and mode & ~_OTHERS_MAY == _FULL
