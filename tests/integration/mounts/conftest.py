"""What mount tests need: FUSE, a container of their own, a context that remembers what was said."""

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest
from azure.storage.blob import ContainerClient

from local import processes
from local.azurite import ACCOUNT, KEY, Endpoints
from runner.machine import mountinfo
from runner.machine.commands import find_program
from runner.mounts.drivers.fuse_process import fuse_fault
from runner.mounts.types import BLOB_CONTAINER, MountContext, Volume
from runner.mounts.unmounting import unmount
from tests.support.container_files import SdkContainerFiles
from tests.support.needs import need


def words_of(process: psutil.Process) -> list[str]:
    """A process's command line; of one that has just ended, nothing."""
    try:
        return [] if process.status() == psutil.STATUS_ZOMBIE else process.cmdline()
    except psutil.NoSuchProcess:
        return []


def slow_to_end(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program of this name on PATH that does what the one there does, and ends 0.8 s later, alike."""
    program = folder / "slow" / name
    program.parent.mkdir()
    # A shell reports an end by signal n as 128 + n.
    program.write_text(
        f'#!/bin/bash\n{find_program(name)} "$@"\ncode=$?\nsleep 0.8\n'
        "[ $code -lt 128 ] || kill -$((code - 128)) $$\nexit $code\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def fuse() -> None:
    need(fuse_fault())


@dataclass
class Machine:
    """A runner's directories and what it said and was given."""

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


@dataclass(frozen=True)
class FileService:
    """A running emulator of Azure Files: a share is a directory in `root`."""

    root: Path
    port: int
    account: str
    key: str

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.account}"

    def new_share(self) -> str:
        name = f"s{uuid.uuid4().hex[:12]}"
        (self.root / name).mkdir()
        return name


@pytest.fixture(scope="session")
def file_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileService]:
    root, port = tmp_path_factory.mktemp("shares"), processes.free_port()
    command = [sys.executable, "-m", "local.files", "--root", str(root), "--port", str(port)]
    child = processes.start("files", command, tmp_path_factory.mktemp("files") / "log")
    child.wait_ready(lambda: processes.port_open(port), 20)
    yield FileService(root, port, ACCOUNT, KEY)
    child.stop()


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
