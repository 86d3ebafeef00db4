"""A running emulator over a fresh directory, and SDK clients that do not wait long before they give up."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.fileshare import ShareClient, ShareServiceClient

from local.files.server import FilesServer


@pytest.fixture(scope="session")
def emulator_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shares")


@pytest.fixture(scope="session")
def emulator(emulator_root: Path) -> Iterator[FilesServer]:
    with FilesServer(emulator_root) as server:
        yield server


@pytest.fixture
def service(emulator: FilesServer) -> Iterator[ShareServiceClient]:
    # The SDK's own default is three retries, the first after 15 seconds.
    with ShareServiceClient.from_connection_string(emulator.connection_string, retry_total=0) as client:
        yield client


@pytest.fixture
def share(service: ShareServiceClient) -> ShareClient:
    """A share of its own for each test."""
    return service.create_share(f"test-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def folder(emulator_root: Path, share: ShareClient) -> Path:
    """The directory behind `share`."""
    return emulator_root / share.share_name
