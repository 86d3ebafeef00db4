"""What the kernel keeps for processes beside files: System V memory, queues and semaphores, POSIX queues,
keys. It outlives them, and the next job of the same user could read it.

Run as a script, with nothing but the standard library: `enter` goes where a job's objects are its own and
becomes the job's next word; `clear` becomes a user and removes what that user has. The runner itself calls
`make_space`.
"""

import ctypes
import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

_NEW_IPC = 0x08000000  # CLONE_NEWIPC
_REMOVE = 0  # IPC_RMID
#: keyctl(2), whose number differs; the other architectures that runners may meet share one.
_KEYCTL = {"x86_64": 250, "i686": 288, "armv7l": 311, "ppc64le": 271, "s390x": 280}.get(
    os.uname().machine, 219
)
_JOIN_SESSION, _CLEAR, _INVALIDATE, _GET_PERSISTENT = 1, 7, 21, 22
_PROCESS_RING, _USER_RING, _USER_SESSION_RING = -2, -4, -5
#: Kernels and sandboxes (docker's) without keys: then jobs have none either. And where there is no such key.
_NO_KEYS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.ENOKEY)
_QUEUES = Path("/dev/mqueue")


def make_space() -> int:
    """An IPC namespace with nothing in it, as an open file that keeps it. Raises OSError: only root may.

    The calling thread stays where it is.
    """
    made: list[int | OSError] = []

    def work() -> None:
        try:
            _checked(_libc().unshare(_NEW_IPC))
            made.append(os.open("/proc/thread-self/ns/ipc", os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=work, name="ipc")
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def enter(space: str, words: list[str]) -> None:
    """Become `words`, in the namespace at the path `space` ("": in this one), with a session keyring that
    nobody else has. Raises OSError."""
    try:
        _keyctl(_JOIN_SESSION, 0)
    except OSError as error:
        if error.errno not in _NO_KEYS:
            raise
    if space:
        _checked(_libc().setns(os.open(space, os.O_RDONLY | os.O_CLOEXEC), _NEW_IPC))
    os.execvp(words[0], words)


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
        queue.unlink(missing_ok=True)
    for ring in (_USER_RING, _USER_SESSION_RING, _persistent_ring()):
        _clear_ring(ring)


def _removals() -> dict[str, Callable[[int], int]]:
    libc = _libc()
    return {
        "shm": lambda number: int(libc.shmctl(number, _REMOVE, None)),
        "msg": lambda number: int(libc.msgctl(number, _REMOVE, None)),
        "sem": lambda number: int(libc.semctl(number, 0, _REMOVE)),
    }


def of_user(kind: str, uid: int) -> Iterator[int]:
    """Ids of "shm", "msg" or "sem" in this process's namespace, by owner or maker.

    The first line of /proc/sysvipc names the columns (proc(5)).
    """
    try:
        names, *lines = Path("/proc/sysvipc", kind).read_text().splitlines()
    except OSError:
        return  # a kernel without
    for line in lines:
        row = dict(zip(names.split(), line.split(), strict=False))
        if str(uid) in (row["uid"], row["cuid"]):
            yield int(row[{"shm": "shmid", "msg": "msqid", "sem": "semid"}[kind]])


def _queues_of(uid: int) -> list[Path]:
    """Where that is mounted (mq_overview(7))."""
    try:
        return [path for path in _QUEUES.iterdir() if path.lstat().st_uid == uid]
    except OSError:
        return []


def _persistent_ring() -> int:
    try:
        return _keyctl(_GET_PERSISTENT, -1, _PROCESS_RING)
    except OSError:
        return 0


def _clear_ring(ring: int) -> None:
    """Empty it; one that its owner may not write to any more goes as a whole."""
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
    return _checked(_libc().syscall(_KEYCTL, ctypes.c_long(operation), *longs))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


if __name__ == "__main__":
    try:
        if sys.argv[1] == "enter":
            enter(sys.argv[2], sys.argv[3:])
        clear(int(sys.argv[2]), int(sys.argv[3]))
    except OSError as fault:
        sys.exit(f"{sys.argv[1]}: {fault.strerror or fault}")
