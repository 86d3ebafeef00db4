"""Ports of this machine that are free, kept free until the job's own servers open them."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.errors import LaunchError

#: The original's first port for the servers of a job.
JOB_PORTS = 2222
#: Below the range from which the kernel takes ports for outgoing connections.
_LAST_PORT = 32767
#: A machine on which IPv6 is switched off.
_NO_FAMILY = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


@dataclass
class HeldPorts:
    """Ports that nobody else on this machine can bind until `release`."""

    sockets: list[socket.socket] = field(default_factory=list)
    numbers: tuple[int, ...] = ()

    def release(self) -> None:
        """Let them go. Quick, and harmless when done twice."""
        while self.sockets:
            self.sockets.pop().close()


@contextmanager
def held(count: int, first: int = JOB_PORTS) -> Iterator[HeldPorts]:
    """`hold`, released at the end if not before."""
    ports = hold(count, first)
    try:
        yield ports
    finally:
        ports.release()


def hold(count: int, first: int = JOB_PORTS) -> HeldPorts:
    """The first `count` ports from `first` on that are free on every address of this machine.

    On every address, because servers of toolkits listen on all of them: runners that share a machine must
    not offer the same port twice. Raises LaunchError where there are not so many.
    """
    ports = HeldPorts()
    for number in range(first, _LAST_PORT + 1):
        if taken := _bound(number):
            ports.sockets.append(taken)
            ports.numbers += (number,)
        if len(ports.numbers) == count:
            return ports
    ports.release()
    raise LaunchError(f"this machine has no {count} free ports from {first} to {_LAST_PORT}")


def _bound(number: int) -> socket.socket | None:
    """A socket bound to the port on all addresses, of both families, that never listens; None: not free."""
    for family, address in ((socket.AF_INET6, "::"), (socket.AF_INET, "")):
        try:
            made = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            continue
        try:
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            made.bind((address, number))
        except OSError as error:
            made.close()
            if error.errno not in _NO_FAMILY:
                return None
            continue
        return made
    return None


def primary_address() -> str:
    """The IPv4 address this machine uses towards others; the loopback one where it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: the kernel only chooses a route (192.0.2.0/24 is nobody's, RFC 5737).
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
