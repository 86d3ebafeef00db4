"""Slots: numbers that runners of one machine take, so that no two of them share a user for their jobs.

A slot is a file that its runner holds locked. The kernel lets the lock go with the runner, however that ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = Path("/run/batchai/slots")
_MOST = 64


class NoSlotError(Exception):
    """Every slot is taken, or there can be none here."""


@contextmanager
def taken(root: Path, folder: Path = _FOLDER) -> Iterator[int]:
    """The lowest free slot, until left; `root`: the runner's own, for `other_roots`. Raises NoSlotError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    except OSError as error:
        raise NoSlotError(f"{folder} cannot be made: {error.strerror}") from error
    for number in range(_MOST):
        file = os.open(folder / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, os.fsencode(root), 0)
            yield number
            return
        finally:
            os.close(file)
    raise NoSlotError(f"all {_MOST} slots of {folder} are taken by other runners")


def other_roots(own: int, folder: Path = _FOLDER) -> tuple[str, ...]:
    """Roots of the runners that hold or held other slots."""
    found = []
    for path in sorted(folder.glob("[0-9]*")):
        if path.name != str(own) and (root := _read(path)):
            found.append(root)
    return tuple(found)


def _read(path: Path) -> str:
    try:
        return os.fsdecode(path.read_bytes())
    except OSError:
        return ""


@contextmanager
def alone(folder: Path = _FOLDER) -> Iterator[None]:
    """One runner at a time: for changes of the machine's list of users."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    file = os.open(folder.parent / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
