"""How other nodes reach this machine, where nobody says."""

import socket


def primary_address() -> str:
    """The IPv4 address this machine uses towards others; the loopback one where it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: the kernel only chooses a route (192.0.2.0/24 is nobody's, RFC 5737).
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
