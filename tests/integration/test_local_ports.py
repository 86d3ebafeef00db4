"""local.ports with a connection that has been: tests/unit/local/test_ports.py has the rest."""

import socket

from local.ports import Ports, choose


def test_a_port_whose_last_connection_still_lingers_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # who closes first lingers in TIME_WAIT
    assert choose(Ports(), Ports(http=port)).http == port
