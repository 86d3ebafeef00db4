"""runner.machine.network: ports nobody else has, held."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runner.machine import network
from shared.errors import LaunchError

FIRST = 23222


@contextmanager
def _listens(number: int) -> Iterator[None]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", number))
        server.listen()
        yield


def test_ports_count_from_the_first_over_those_that_are_free() -> None:
    with _listens(FIRST + 1), network.held(3, FIRST) as offered:
        assert offered.numbers == (FIRST, FIRST + 2, FIRST + 3)
        with network.held(1, FIRST) as neighbours:
            assert neighbours.numbers == (FIRST + 4,)


def test_a_held_port_is_closed_to_others_until_it_is_released() -> None:
    with network.held(1, FIRST) as offered:
        (number,) = offered.numbers
        with pytest.raises(OSError, match="in use"), _listens(number):
            pass
        offered.release()
        with _listens(number):
            pass


def test_a_port_that_was_let_go_for_its_server_is_not_offered_by_another_runner() -> None:
    with network.held(1, FIRST) as offered:
        offered.release()
        with network.held(1, FIRST) as neighbours:
            assert neighbours.numbers != offered.numbers
    with network.held(1, FIRST) as later:
        assert later.numbers == offered.numbers


def test_a_machine_without_free_ports_says_so() -> None:
    with network.held(1, 32767), pytest.raises(LaunchError, match="no 1 free ports from 32767"):
        network.hold(1, 32767)
