"""local.ports with a connection that has been: tests/unit/local/test_ports.py has the rest."""

import socket
from pathlib import Path

import pytest

from local import azurite, processes
from local.ports import Ports, choose


def test_a_port_whose_last_connection_still_lingers_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # who closes first lingers in TIME_WAIT
    assert choose(Ports(), Ports(http=port)).http == port


def test_azurite_takes_other_ports_where_one_was_taken_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        offered, free = [server.getsockname()[1]], processes.free_port
        monkeypatch.setattr(processes, "free_port", lambda: offered.pop() if offered else free())
        child, endpoints = azurite.start(tmp_path / "log")
        child.stop()
        assert server.getsockname()[1] not in (
            endpoints.blob_port,
            endpoints.queue_port,
            endpoints.table_port,
        )
