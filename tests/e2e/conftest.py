"""One running stack for the tests that do not break it."""

from collections.abc import Iterator

import pytest

from local.layout import DataDirectory, StackState
from local.stack import Stack
from tests.support.stack_client import StackClient


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackState]:
    """Azurite, the Azure Files emulator, the functions host and one runner, as real processes."""
    running = Stack(DataDirectory(tmp_path_factory.mktemp("stack")), print)
    yield running.start()
    running.stop()


@pytest.fixture(scope="session")
def client(stack: StackState) -> Iterator[StackClient]:
    """A user of the stack, with the cluster `default` and the share `logs` there."""
    with StackClient(stack) as user:
        user.share("logs")
        assert user.drop_cluster()["state"] == "accepted"
        yield user
