"""A host per test, Azurite for the session, names of one's own instead of cleaning."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite import Endpoints
from tests.support.functions_host import HostUnderTest

MakeHost = Callable[[str], HostUnderTest]


@pytest.fixture
def name() -> str:
    """A container's or queue's name nobody else uses."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def blobs(azurite: Endpoints) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(azurite.connection_string) as client:
        yield client


@pytest.fixture
def queues(azurite: Endpoints) -> Iterator[QueueServiceClient]:
    with QueueServiceClient.from_connection_string(azurite.connection_string) as client:
        yield client


@pytest.fixture
def make_host(tmp_path: Path, azurite: Endpoints, name: str) -> Iterator[MakeHost]:
    """Makes the host of a test (not started); %NAME% in the app's bindings is the test's own name."""
    made: list[HostUnderTest] = []

    def make(app: str) -> HostUnderTest:
        environment = {"AzureWebJobsStorage": azurite.connection_string, "NAME": name}
        made.append(HostUnderTest(tmp_path / f"app{len(made)}", environment, app))
        return made[-1]

    yield make
    for host in made:
        if host.running:
            host.kill()
