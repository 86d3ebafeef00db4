"""A network of this thread's own, of which only loopback is there: every port of it is free.

Threads and processes that are started inside are in it as well. Whoever was started before, a session's
Azurite for one, cannot be reached from it, nor can other machines. Linux, and root only.
"""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

_CLONE_NEWNET = 0x40000000  # sched.h
_SIOCSIFFLAGS = 0x8914  # netdevice(7)
_IFF_UP = 1


@contextmanager
def own_network() -> Iterator[bool]:
    """Whether it is another one: not where this is not root. Raises OSError where the kernel refuses it."""
    if os.geteuid() != 0:
        yield False
        return
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(libc.unshare(_CLONE_NEWNET))
        try:
            _loopback_up()
            yield True
        finally:
            _check(libc.setns(before, _CLONE_NEWNET))
    finally:
        os.close(before)


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
