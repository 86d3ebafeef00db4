"""How fast each volume driver is against the plain SDK: `python -m bench.volumes [MiB]` from the checkout.

Prints the table of docs/reference/volumes.md. All is on this machine: Azurite, the Files emulator, and,
where they are installed and we are root, Samba and Ganesha for a guest kernel. So the figures compare the
drivers with one another; in Azure the network decides.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from azure.storage.blob import ContainerClient

from local import azurite, processes
from runner.mounts.mount import mount_volume
from runner.mounts.types import BLOB_CONTAINER, FILE_SERVER, FILE_SHARE, MountContext, Volume
from tests.support import file_servers, guest
from tests.support.container_files import SdkContainerFiles

_SMALL_FILES = 1000
_MIB = 1024 * 1024


@dataclass
class Row:
    """One line of the table; seconds and MiB/s."""

    name: str
    mount: float = 0.0
    undo: float = 0.0
    write: float = 0.0
    read: float = 0.0
    small: float = 0.0  #: files of 4 KiB written per second, until they are in the volume

    def __str__(self) -> str:
        small = f"{self.small:.0f}" if self.small else "-"
        return (
            f"| {self.name} | {self.mount:.2f} s | {self.undo:.2f} s | {self.write:.0f} | {self.read:.0f} "
            f"| {small} |"
        )


def main(mebibytes: int) -> None:
    """Measure and print."""
    print("| driver | mount | undo | write MiB/s | read MiB/s | small files/s |\n|---|---|---|---|---|---|")
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="volumes-")))
        child, endpoints = azurite.start(home / "azurite.log")
        stack.callback(child.stop)
        blobs = _blob_rows(home, endpoints, mebibytes)
        shares = _share_rows(home, stack, mebibytes)
        for row in chain(blobs, shares, _kernel_rows(home, stack, mebibytes)):
            print(row, flush=True)


def _blob_rows(home: Path, endpoints: azurite.Endpoints, mebibytes: int) -> Iterator[Row]:
    clients: list[ContainerClient] = []

    def container(name: str) -> ContainerClient:
        client = ContainerClient(endpoints.blob_endpoint, name, credential=endpoints.key)
        client.create_container()
        clients.append(client)
        return client

    yield _plain_sdk(container("plain"), home, mebibytes)
    for driver in ("copy", "rclone"):
        client = container(driver)
        volume = Volume(
            BLOB_CONTAINER, driver, account=endpoints.account, key=endpoints.key, container=driver,
            endpoint=endpoints.blob_endpoint,
        )  # fmt: skip
        context = MountContext(
            say=lambda _: None,
            work=home / "work",
            drivers={BLOB_CONTAINER: (driver,)},
            containers=lambda _, client=client: SdkContainerFiles(client),  # type: ignore[misc]
        )
        yield _driver(f"container, {driver}", volume, home / "mounts", context, mebibytes)
    for client in clients:
        client.close()


def _plain_sdk(client: ContainerClient, home: Path, mebibytes: int) -> Row:
    source, row = home / "source", Row("container, plain SDK")
    source.write_bytes(os.urandom(_MIB) * mebibytes)
    started = time.monotonic()
    with source.open("rb") as file:
        client.upload_blob("big", file, max_concurrency=4)
    row.write = mebibytes / (time.monotonic() - started)
    started = time.monotonic()
    with (home / "back").open("wb") as file:
        client.download_blob("big", max_concurrency=4).readinto(file)
    row.read = mebibytes / (time.monotonic() - started)
    started = time.monotonic()
    for number in range(_SMALL_FILES):
        client.upload_blob(f"small/{number}", bytes(4096))
    row.small = _SMALL_FILES / (time.monotonic() - started)
    return row


def _share_rows(home: Path, stack: ExitStack, mebibytes: int) -> Iterator[Row]:
    port, root = processes.free_port(), home / "shares"
    (root / "bench").mkdir(parents=True)
    command = [sys.executable, "-m", "local.files", "--root", str(root), "--port", str(port)]
    child = processes.start("files", command, home / "files.log")
    stack.callback(child.stop)
    child.wait_ready(lambda: processes.port_open(port), 20)
    endpoint = f"http://127.0.0.1:{port}/{azurite.ACCOUNT}"
    volume = Volume(
        FILE_SHARE, "s", account=azurite.ACCOUNT, key=azurite.KEY, share="bench", endpoint=endpoint
    )
    for driver in ("premounted", "rclone"):
        context = MountContext(
            say=lambda _: None,
            work=home / "work",
            premounted={f"{azurite.ACCOUNT}/bench": root / "bench"},
            drivers={FILE_SHARE: (driver,)},
        )
        yield _driver(f"share, {driver}", volume, home / "mounts", context, mebibytes)


def _driver(name: str, volume: Volume, root: Path, context: MountContext, mebibytes: int) -> Row:
    """Write in one mount, read in the next (so that nothing is cached by the driver), small files in a third.

    Writing counts until the undo is over: only then is the data where it belongs.
    """
    row, block = Row(name), os.urandom(_MIB)
    started = time.monotonic()
    with mount_volume(volume, root, context) as mounted:
        row.mount = time.monotonic() - started
        began = time.monotonic()
        with (mounted.target / "big").open("wb") as file:
            for _ in range(mebibytes):
                file.write(block)
        ended = time.monotonic()
    row.undo = time.monotonic() - ended
    row.write = mebibytes / (time.monotonic() - began)
    began = time.monotonic()
    with mount_volume(volume, root, context) as mounted:
        if mounted.driver != "copy":  # there the download is the mount
            began = time.monotonic()
        with (mounted.target / "big").open("rb", buffering=0) as file:
            while file.read(_MIB):
                pass
        row.read = mebibytes / (time.monotonic() - began)
    with mount_volume(volume, root, context) as mounted:
        began = time.monotonic()
        (mounted.target / "small").mkdir(exist_ok=True)
        for number in range(_SMALL_FILES):
            (mounted.target / "small" / str(number)).write_bytes(bytes(4096))
    row.small = _SMALL_FILES / (time.monotonic() - began)
    return row


def _kernel_rows(home: Path, stack: ExitStack, mebibytes: int) -> Iterator[Row]:
    absent = guest.missing() or file_servers.missing()
    if absent:
        print(f"(cifs and nfs left out: {absent})")
        return
    host, port = f"{azurite.ACCOUNT}.file.core.windows.net", processes.free_port()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="uml-")))
    machine = stack.enter_context(guest.boot(folder, names=(host,)))
    for name in ("smb-files", "nfs-files"):
        (home / name).mkdir()
    stack.enter_context(
        file_servers.samba(home / "smb", "bench", home / "smb-files", azurite.ACCOUNT, azurite.KEY)
    )
    stack.enter_context(file_servers.ganesha(home / "nfs", "/data", home / "nfs-files", port))
    share = Volume(FILE_SHARE, "s", account=azurite.ACCOUNT, key=azurite.KEY, share="bench")
    server = Volume(
        FILE_SERVER, "n", server="host.guest", source_directory="/data", mount_options=f"port={port}"
    )
    for name, volume in (("share, cifs (guest kernel)", share), ("file server, nfs (guest kernel)", server)):
        asked = {
            "volume": asdict(volume), "root": "/mnt/mounts", "work": "/run/work", "mebibytes": mebibytes,
        }  # fmt: skip
        (folder / "ask.json").write_text(json.dumps(asked))
        command = f"cd {Path.cwd()} && {sys.executable} -m tests.support.mount_and_work /run/host/ask.json"
        answer = json.loads(machine.run(command, 300).output.splitlines()[-1])
        yield Row(
            name,
            answer["mount_seconds"],
            answer["undo_seconds"],
            answer["write_mib_s"],
            answer["read_mib_s"],
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
