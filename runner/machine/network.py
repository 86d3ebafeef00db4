"""Ports of this machine that are free, kept free until the job's own servers open them.

A port is held twice: bound, so that no other program gets it, and by a name, which other runners of this
machine heed. The port is let go a moment before the job's server opens it; the name is kept until the job
ends, or a second runner would offer the same port in that moment. The name is an abstract Unix socket: it
belongs to a network namespace, as ports do, and is gone with its process.
"""

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
    """Ports that nobody else on this machine can bind until `release`, and no other runner offers until
    `close`."""

    sockets: list[socket.socket] = field(default_factory=list)
    names: list[socket.socket] = field(default_factory=list)
    numbers: tuple[int, ...] = ()

    def release(self) -> None:
        """Let the job's server bind them. Quick, and harmless when done twice."""
        while self.sockets:
            self.sockets.pop().close()

    def close(self) -> None:
        """Let other runners offer them too. Harmless when done twice."""
        self.release()
        while self.names:
            self.names.pop().close()


@contextmanager
def held(count: int, first: int = JOB_PORTS) -> Iterator[HeldPorts]:
    """`hold`, closed at the end."""
    ports = hold(count, first)
    try:
        yield ports
    finally:
        ports.close()


def hold(count: int, first: int = JOB_PORTS) -> HeldPorts:
    """The first `count` ports from `first` on that are free on every address of this machine.

    On every address, because servers of toolkits listen on all of them: runners that share a machine must
    not offer the same port twice. Raises LaunchError where there are not so many.
    """
    ports = HeldPorts()
    for number in range(first, _LAST_PORT + 1):
        if named := _named(number):
            if taken := _bound(number):
                ports.sockets.append(taken)
                ports.names.append(named)
                ports.numbers += (number,)
            else:
                named.close()
        if len(ports.numbers) == count:
            return ports
    ports.close()
    raise LaunchError(f"this machine has no {count} free ports from {first} to {_LAST_PORT}")


def _named(number: int) -> socket.socket | None:
    """The name of the port; None where another runner has it, or it cannot be had."""
    try:
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    except OSError:
        return None
    try:
        name.bind(f"\0batchai-port-{number}")
    except OSError:
        name.close()
        return None
    return name


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
