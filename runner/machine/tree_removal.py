"""Folders removed with everything in them, however deep, long-named or closed: jobs have made them.

A removal does not recurse, follows no symbolic link, spells out no path longer than one name and holds three
files open at most. Whatever is mounted stays.
"""

import errno
import fcntl
import itertools
import logging
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_ENTRY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: How many names of a folder are read at once: it may have millions.
_AT_ONCE = 512
_FULL = 0o700
#: chattr(1)'s attributes (linux/fs.h): what has one of these cannot be removed, nor what lies in it.
_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20


def remove(path: Path) -> None:
    """Remove whatever is at `path`, if anything is. The way there is trusted, and nothing beyond it.

    Raises OSError: what cannot be removed, something mounted among it, or somebody moves things meanwhile.
    """
    try:
        walk = _Walk(os.open(path.parent, _FOLDER))
    except FileNotFoundError:
        return
    try:
        walk.remove(path.name)
    finally:
        os.close(walk.here)


def discard(path: Path) -> None:
    """`remove` what is of no use any more; where that cannot be, a line in the log will do."""
    try:
        remove(path)
    except OSError as error:
        log.warning("%s is left behind: %s", path, error, extra={"action": "discard"})


def files(root: Path) -> Iterator[Path]:
    """Every file below `root`, links and what cannot be read left out. `root` is trusted."""
    waiting = [root]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        yield Path(entry.path)
        except OSError:
            continue


class _Walk:
    """Where a removal is: an open folder, and how it came there."""

    def __init__(self, here: int) -> None:
        self.here = here
        #: The folders on the way: name, identity of the folder it lies in, whether that holds more to remove.
        self._way: list[tuple[str, tuple[int, int], bool]] = []

    def remove(self, name: str) -> None:
        """Remove an entry of the folder where the walk begins."""
        entries = [(name, False)]
        while True:
            if below := self._first_left(entries):
                self._down(below, others=bool(entries))
                entries = self._some()
            elif not self._way:
                return
            else:
                # Nothing was left here. Where that has changed, the way leads down again.
                left, others = self._up()
                entries = self._some() if others else [(left, True)]

    def _first_left(self, entries: list[tuple[str, bool]]) -> str:
        """Remove entries until one is a folder with something in it: its name, or "" where none is."""
        while entries:
            name, is_folder = entries.pop()
            if not self._gone(name, is_folder):
                return name
        return ""

    def _some(self) -> list[tuple[str, bool]]:
        """Names in this folder, each with whether it was a folder's."""
        with os.scandir(self.here) as entries:
            some = itertools.islice(entries, _AT_ONCE)
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in some]

    def _gone(self, name: str, is_folder: bool) -> bool:
        """Remove an entry; False where it is a folder with something in it."""
        remove = _removed_folder if is_folder else _removed
        try:
            return remove(name, self.here)
        except NotADirectoryError:
            return _removed(name, self.here)
        except PermissionError:
            _loosen(name, self.here)
            return _removed(name, self.here)

    def _down(self, name: str, *, others: bool) -> None:
        """`others`: whether the folder that is left holds more than `name`, as far as was seen."""
        try:
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self.here)
        except PermissionError:
            _open_up(name, self.here)
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self.here)
        self._way.append((name, _identity(self.here), others and bool(self._way)))
        self._go(below)

    def _up(self) -> tuple[str, bool]:
        """Back; the name of the folder that was left, and whether others were seen beside it."""
        above = os.open("..", _FOLDER, dir_fd=self.here)
        name, identity, others = self._way.pop()
        self._go(above)
        if _identity(above) != identity:
            raise OSError(errno.ESTALE, f"somebody moved '{name}' while it was removed")
        return name, others

    def _go(self, folder: int) -> None:
        os.close(self.here)
        self.here = folder


def _removed(name: str, folder: int) -> bool:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        return _removed_folder(name, folder)
    return True


def _removed_folder(name: str, folder: int) -> bool:
    try:
        os.rmdir(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        if error.errno == errno.EBUSY:  # reported before whether it is empty: no mount is ever entered
            raise OSError(errno.EBUSY, f"something is mounted at '{name}'") from None
        raise
    return True


def _open_up(name: str, folder: int) -> None:
    """Let the owner into a closed folder."""
    entry = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        Path(f"/proc/self/fd/{entry}").chmod(_FULL)
    finally:
        os.close(entry)


def _loosen(name: str, folder: int) -> None:
    """Take away what keeps an entry from being removed, as far as this user may."""
    if os.fstat(folder).st_mode & _FULL != _FULL:
        os.fchmod(folder, _FULL)
    _clear_flags(folder)
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):  # opening a device would do something
        try:
            entry = os.open(name, _ENTRY, dir_fd=folder)
        except OSError:
            return  # the next try says why
        try:
            _clear_flags(entry)
        finally:
            os.close(entry)


def _clear_flags(file: int) -> None:
    try:
        (flags,) = struct.unpack("l", fcntl.ioctl(file, _GET_FLAGS, struct.pack("l", 0)))
        if flags & (_IMMUTABLE | _APPEND_ONLY):
            fcntl.ioctl(file, _SET_FLAGS, struct.pack("l", flags & ~(_IMMUTABLE | _APPEND_ONLY)))
    except OSError:
        return  # a file system without them, or they are not ours to change


def _identity(folder: int) -> tuple[int, int]:
    found = os.fstat(folder)
    return found.st_dev, found.st_ino
