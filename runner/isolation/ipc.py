"""IPC namespaces: in one, System V memory, queues and semaphores and POSIX queues are a job's own."""

import os

from runner.isolation.kernel_objects import NEW_IPC, checked, libc

_OF_THIS_THREAD = "/proc/thread-self/ns/ipc"


def make_space() -> int:
    """A namespace with nothing in it, as an open file that keeps it. Raises OSError: only root may.

    The calling thread is back in its own when this returns or raises.
    """
    own = os.open(_OF_THIS_THREAD, os.O_RDONLY | os.O_CLOEXEC)
    try:
        checked(libc().unshare(NEW_IPC))
        try:
            return os.open(_OF_THIS_THREAD, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            checked(libc().setns(own, NEW_IPC))
    finally:
        os.close(own)
