"""IPC namespaces: in one, System V memory, queues and semaphores and POSIX queues are a job's own."""

import os
import threading

from runner.isolation.kernel_objects import NEW_IPC, checked, libc


def make_space() -> int:
    """A namespace with nothing in it, as an open file that keeps it. Raises OSError: only root may.

    The calling thread stays where it is.
    """
    made: list[int | OSError] = []

    def work() -> None:
        try:
            checked(libc().unshare(NEW_IPC))
            made.append(os.open("/proc/thread-self/ns/ipc", os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=work, name="ipc")
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]
