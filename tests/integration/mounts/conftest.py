"""What mount tests need: FUSE, a container of their own, a context that remembers what was said."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from local.azurite import Endpoints
from runner.mounts import mountinfo
from runner.mounts.rclone import fuse_fault
from runner.mounts.types import BLOB_CONTAINER, MountContext, Volume
from runner.mounts.unmounting import unmount
from tests.support.container_files import SdkContainerFiles


def need(fault: str | None) -> None:
    """Skip on a laptop, fail where CI is set: there, a missing tool is a broken installation."""
    if fault and os.environ.get("CI"):
        pytest.fail(f"CI must have this: {fault}")
    if fault:
        pytest.skip(fault)


@pytest.fixture
def fuse() -> None:
    need(fuse_fault())


@dataclass
class Machine:
    """A runner's directories and what it said and was told."""

    root: Path
    context: MountContext
    said: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    @property
    def log(self) -> str:
        return "\n".join(self.said)

    def having(self, **changes: object) -> "Machine":
        """The same machine with other settings."""
        return replace(self, context=replace(self.context, **changes))  # type: ignore[arg-type]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine whose mounts are gone at the end of the test, and which had cleaned up after itself."""
    said: list[str] = []
    failures: list[Exception] = []
    work = tmp_path / "work"
    work.mkdir(mode=0o700)
    context = MountContext(say=said.append, work=work, timeout_seconds=20, on_undo_failure=failures.append)
    yield Machine(tmp_path / "mounts", context, said, failures)
    left = mountinfo.mounted_under(tmp_path)
    for mount in left:
        unmount(Path(mount.target), said.append, 5)
    assert not left, f"mounts left behind: {left}"


@pytest.fixture
def container(azurite: Endpoints) -> Iterator[ContainerClient]:
    name = f"c{uuid.uuid4().hex[:12]}"
    with ContainerClient(azurite.blob_endpoint, name, credential=azurite.key, retry_total=0) as client:
        client.create_container()
        yield client


@pytest.fixture
def volume(azurite: Endpoints, container: ContainerClient) -> Volume:
    return Volume(
        BLOB_CONTAINER,
        "data",
        account=azurite.account,
        key=azurite.key,
        container=container.container_name,
        endpoint=azurite.blob_endpoint,
    )


@pytest.fixture
def copying(machine: Machine, container: ContainerClient) -> Callable[..., Machine]:
    """The machine with nothing but the copy driver; `refused` blobs cannot be written."""

    def build(refused: frozenset[str] = frozenset()) -> Machine:
        return machine.having(
            containers=lambda _: SdkContainerFiles(container, refused),
            drivers={BLOB_CONTAINER: ("copy",)},
        )

    return build
