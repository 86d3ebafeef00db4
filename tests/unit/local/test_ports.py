"""local.ports: chosen by hand, else those of last time, else free ones."""

import random
import socket
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from local import processes
from local.ports import Ports, choose, remember, remembered
from local.processes import StartError


def test_free_ports_all_different() -> None:
    chosen = astuple(choose(Ports(), Ports()))
    assert len(set(chosen)) == 6 and all(chosen)


def test_free_ports_are_none_that_connections_get() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(astuple(choose(Ports(), Ports()))) < lowest


def quiet_ports() -> Ports:
    """Free ports that the kernel gives to nobody who asks for any, so that no other process gets them."""
    found: set[int] = set()
    while len(found) < 6:
        found.add(processes.free_port())
    return Ports(*found)


def test_the_ports_of_last_time_while_they_are_free(tmp_path: Path) -> None:
    first = quiet_ports()
    remember(tmp_path / "ports.json", first)
    assert choose(Ports(), remembered(tmp_path / "ports.json")) == first
    with socket.create_server(("127.0.0.1", first.blob)):
        again = choose(Ports(), first)
    assert again.blob not in (0, first.blob)
    assert replace(again, blob=0) == replace(first, blob=0)


def test_a_chosen_port_comes_before_the_one_of_last_time() -> None:
    before = choose(Ports(), Ports())
    chosen = choose(Ports(http=before.blob), before)
    assert chosen.http == before.blob
    assert chosen.blob != before.blob


def test_a_chosen_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StartError, match=rf"port {port} \(TABLE_PORT\) is taken, or"):
            choose(Ports(table=port), Ports())
    with pytest.raises(StartError, match="QUEUE_PORT"):
        choose(Ports(blob=port, queue=port), Ports())


def test_a_service_that_was_added_since_gets_a_port_and_the_others_keep_theirs(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"http": 7071}')
    assert remembered(tmp_path / "ports.json") == Ports(http=7071)


@pytest.mark.parametrize("text", ["", "[]", '{"http": "x"}', '"7071"'])
def test_what_cannot_be_read_is_as_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    assert remembered(tmp_path / "ports.json") == Ports()


def test_a_port_that_somebody_has_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    free = astuple(quiet_ports())
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        offered = [taken, free[0]]
        monkeypatch.setattr(random, "randrange", lambda *_: offered.pop(0))
        assert processes.free_port() == free[0]
        late = [taken, *free]
        monkeypatch.setattr(processes, "free_port", lambda: late.pop(0))
        assert set(astuple(choose(Ports(), Ports()))) == set(free)


def test_connections_get_linuxs_ports_where_nothing_else_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", refused)
    assert processes.free_port() < 32768
