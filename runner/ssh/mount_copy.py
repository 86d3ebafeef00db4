"""A program of its own: put a copy of the mount at a path into the mount namespace of another process.

Of its own, because the namespace of a process with threads cannot be changed. Usage: PID PATH.
"""

import ctypes
import os
import sys

#: This file, to be run as a program.
SCRIPT = __file__
# Numbers that are the same on every architecture (asm-generic/unistd.h), and flags of linux/mount.h.
_OPEN_TREE, _MOVE_MOUNT = 428, 429
_AT_FDCWD, _CLONE_TREE, _EMPTY_PATH = -100, 1, 4
_NEW_MOUNTS = 0x00020000  # CLONE_NEWNS


def put(pid: int, target: str) -> None:
    """Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    path = os.fsencode(target)
    tree = _checked(libc.syscall(_OPEN_TREE, _AT_FDCWD, path, _CLONE_TREE | os.O_CLOEXEC))
    space = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    _checked(libc.setns(space, _NEW_MOUNTS))
    _checked(libc.syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, path, _EMPTY_PATH))


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


if __name__ == "__main__":
    try:
        put(int(sys.argv[1]), sys.argv[2])
    except OSError as error:
        sys.exit(str(error.strerror))
