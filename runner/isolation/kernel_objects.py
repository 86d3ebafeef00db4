"""What the kernel keeps for processes beside files: System V memory, queues and semaphores, POSIX queues,
keys. It outlives them, and the next job of the same user could read it.

`apart` is for the thread that starts a job's processes. Run as a script, with nothing but the standard
library, it becomes a user and removes what that user has; pathlib, which takes longer to import than all
else, is not needed for it.
"""

import ctypes
import errno
import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: This file, to be run as a program.
SCRIPT = __file__
NEW_IPC = 0x08000000  # CLONE_NEWIPC
_REMOVE = 0  # IPC_RMID
#: keyctl(2), whose number differs; the other architectures that runners may meet share one.
_KEYCTL = {"x86_64": 250, "i686": 288, "armv7l": 311, "ppc64le": 271, "s390x": 280}.get(
    os.uname().machine, 219
)
_JOIN_SESSION, _CLEAR, _INVALIDATE, _GET_PERSISTENT = 1, 7, 21, 22
_PROCESS_RING, _USER_RING, _USER_SESSION_RING = -2, -4, -5
#: Kernels and sandboxes (docker's) without keys: then jobs have none either. And where there is no such key.
_NO_KEYS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.ENOKEY)
_QUEUES = "/dev/mqueue"


@contextmanager
def apart(space: str) -> Iterator[None]:
    """What this thread starts inside the block is in the IPC namespace at the path `space` ("": in this
    thread's own), with a session keyring that nobody else has. Raises OSError.

    Keyrings only as root, whose count on no job's account; a runner's own user sees all its keys anyway.
    """
    own = os.open("/proc/thread-self/ns/ipc", os.O_RDONLY | os.O_CLOEXEC) if space else None
    try:
        _join_new_session_ring()
        if space:
            _enter(space)
        yield
    finally:
        if own is not None:
            checked(libc().setns(own, NEW_IPC))
            os.close(own)
        _join_new_session_ring()  # the job's is left to the job


def _enter(space: str) -> None:
    target = os.open(space, os.O_RDONLY | os.O_CLOEXEC)
    try:
        checked(libc().setns(target, NEW_IPC))
    finally:
        os.close(target)


def _join_new_session_ring() -> None:
    try:
        if os.geteuid() == 0:
            _keyctl(_JOIN_SESSION, 0)
    except OSError as error:
        if error.errno not in _NO_KEYS:
            raise


def clear(uid: int, gid: int) -> None:
    """Become the user and remove what is this user's in the namespace of this process. Raises OSError."""
    if os.geteuid() != uid:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    for kind, remove in _removals().items():
        for number in of_user(kind, uid):
            if remove(number) < 0 and ctypes.get_errno() not in (errno.EINVAL, errno.EIDRM):
                raise OSError(ctypes.get_errno(), f"{kind} {number}: {os.strerror(ctypes.get_errno())}")
    for queue in _queues_of(uid):
        os.remove(queue)  # noqa: PTH107
    for ring in (_USER_RING, _USER_SESSION_RING, _persistent_ring()):
        _clear_ring(ring)


def _removals() -> dict[str, Callable[[int], int]]:
    c = libc()
    return {
        "shm": lambda number: int(c.shmctl(number, _REMOVE, None)),
        "msg": lambda number: int(c.msgctl(number, _REMOVE, None)),
        "sem": lambda number: int(c.semctl(number, 0, _REMOVE)),
    }


def of_user(kind: str, uid: int) -> Iterator[int]:
    """Ids of "shm", "msg" or "sem" in this process's namespace, by owner or maker.

    The first line of /proc/sysvipc names the columns (proc(5)).
    """
    try:
        with open(f"/proc/sysvipc/{kind}") as file:  # noqa: PTH123
            names, *lines = file.read().splitlines()
    except OSError:
        return  # a kernel without
    for line in lines:
        row = dict(zip(names.split(), line.split(), strict=False))
        if str(uid) in (row["uid"], row["cuid"]):
            yield int(row[{"shm": "shmid", "msg": "msqid", "sem": "semid"}[kind]])


def _queues_of(uid: int) -> list[str]:
    """Where that is mounted (mq_overview(7))."""
    try:
        with os.scandir(_QUEUES) as entries:
            return [entry.path for entry in entries if entry.stat(follow_symlinks=False).st_uid == uid]
    except OSError:
        return []


def _persistent_ring() -> int:
    try:
        return _keyctl(_GET_PERSISTENT, -1, _PROCESS_RING)
    except OSError:
        return 0


def _clear_ring(ring: int) -> None:
    """Empty it; one that its owner may not write to any more is removed as a whole."""
    for operation in (_CLEAR, _INVALIDATE):
        try:
            _keyctl(operation, ring)
        except OSError as error:
            if error.errno == errno.EACCES:
                continue
            if error.errno not in (*_NO_KEYS, errno.EINVAL):
                raise
        return


def _keyctl(operation: int, *arguments: int) -> int:
    longs = [ctypes.c_long(argument) for argument in arguments]
    return checked(libc().syscall(_KEYCTL, ctypes.c_long(operation), *longs))


@functools.cache
def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


if __name__ == "__main__":
    try:
        clear(int(sys.argv[2]), int(sys.argv[3]))
    except OSError as fault:
        sys.exit(f"{sys.argv[1]}: {fault.strerror or fault}")
