"""tests.support.own_network: what an arena's nodes have to themselves."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local import processes
from tests.support.closed_machine import lacking
from tests.support.own_network import own_network


def test_a_port_that_is_taken_is_free_in_a_network_of_ones_own() -> None:
    if os.geteuid() != 0:
        lacking("this takes root")
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = outside.getsockname()[1]
        assert processes.port_open(port)
        with own_network():
            assert not processes.port_open(port)
            with socket.create_server(("127.0.0.2", port)):
                child = f"import socket; socket.create_connection(('127.0.0.2', {port}), 5)"
                subprocess.run([sys.executable, "-c", child], check=True)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port))
        assert processes.port_open(port), "and afterwards it is as it was"


def test_after_a_fault_inside_it_is_as_it_was() -> None:
    before = Path("/proc/thread-self/ns/net").stat().st_ino
    with pytest.raises(ZeroDivisionError), own_network():
        _ = 1 // 0
    assert Path("/proc/thread-self/ns/net").stat().st_ino == before
