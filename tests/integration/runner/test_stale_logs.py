"""What a runner of an earlier attempt still sends, however late, does not reach a later one's log files."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from azure.storage.blob import ContainerClient
from azure.storage.fileshare import ShareServiceClient

from local.azurite import Endpoints
from runner.isolation.job_user import own
from runner.logs.path_folder import PathFolder
from runner.logs.shipper import LogFolder, LogShipper
from runner.machine.trusted_path import TrustedPath
from shared.errors import StoreError
from shared.stores.volumes.blob_containers import ContainerAddress, ContainerFolder
from shared.stores.volumes.file_shares import ShareAddress, ShareFolder
from tests.integration.runner.conftest import Shares
from tests.support.needs import need
from tests.support.waiting import eventually
from tests.support.wire import Wire

FOLDER, NAME, RUN = "a/b/stdouterr", "stdout.txt", "4b24a36b-e8aa-44d9-a068-7374ffa63a90"


class Place:
    """A folder of log files on one kind of volume: as a runner's attempt sees it, and as a reader does."""

    def __init__(self, attempt: Callable[[int], LogFolder], text: Callable[[str], str]) -> None:
        self._make, self.text = attempt, text
        self._made: list[LogFolder] = []

    def attempt(self, number: int) -> LogFolder:
        folder = self._make(number)
        folder.create()
        self._made.append(folder)
        return folder

    def begin(self, number: int, text: bytes) -> LogFolder:
        """An attempt that has begun its file and written `text`."""
        folder = self.attempt(number)
        folder.start_file(NAME, previous(number))
        folder.append(NAME, 0, text)
        return folder

    def close(self) -> None:
        for folder in self._made:
            folder.close()


def previous(attempt: int) -> str:
    return f"stdout.attempt-{attempt - 1}.txt" if attempt > 1 else ""


@pytest.fixture
def on_a_share(shares: Shares) -> Place:
    root, server = shares.create("logs"), shares.server
    address = ShareAddress(server.account, "logs", server.key, server.url)
    return Place(
        lambda attempt: ShareFolder(address, FOLDER, None, RUN, attempt),
        lambda name: (root / FOLDER / name).read_text(),
    )


@pytest.fixture
def in_a_container(azurite: Endpoints, installation: str, tmp_path: Path) -> Iterator[Place]:
    name = f"logs-{os.urandom(6).hex()}"
    address = ContainerAddress(azurite.account, name, azurite.key, azurite.blob_endpoint)
    with ContainerClient(azurite.blob_endpoint, name, credential=azurite.key) as client:
        client.create_container()
        yield Place(
            lambda attempt: ContainerFolder(address, FOLDER, None, RUN, attempt),
            lambda blob: client.download_blob(f"{FOLDER}/{blob}").readall().decode(),
        )


@pytest.fixture
def on_a_server(tmp_path: Path) -> Iterator[Place]:
    need("mount needs root" if os.geteuid() else None)
    target = tmp_path / "mounted"
    target.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", target], check=True)

    def attempt(number: int) -> LogFolder:
        folder = PathFolder(TrustedPath(str(target), FOLDER), own(), volume=True)
        folder.open()
        return folder

    yield Place(attempt, lambda name: (target / FOLDER / name).read_text())
    subprocess.run(["umount", "-q", target], check=False)


@pytest.fixture(params=["on_a_share", "in_a_container", "on_a_server"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    made: Place = request.getfixturevalue(request.param)
    yield made
    made.close()


def late(write: Callable[[], None]) -> None:
    """A write that comes too late: it is refused, or is written where it does no harm."""
    try:
        write()
    except StoreError:
        pass


def test_a_late_append(place: Place) -> None:
    first = place.begin(1, b"first\n")
    second = place.begin(2, b"second\n")
    late(lambda: first.append(NAME, 6, b"late\n"))
    second.append(NAME, 7, b"more\n")
    late(lambda: first.append(NAME, 12, b"late\n"))
    assert place.text(NAME) == "second\nmore\n"
    assert place.text(previous(2)).startswith("first\n")


def test_a_late_append_of_the_same_length(place: Place) -> None:
    """The earlier file was as long as the later one is: positions show nothing."""
    first = place.begin(1, b"1234567")
    second = place.begin(2, b"abcdefg")
    late(lambda: first.append(NAME, 7, b"89"))
    second.append(NAME, 7, b"hi")
    assert place.text(NAME) == "abcdefghi"


def test_a_late_beginning(place: Place) -> None:
    """The earlier runner was stalled before its very first write."""
    first = place.attempt(1)
    second = place.begin(2, b"second\n")
    late(lambda: first.start_file(NAME, ""))
    late(lambda: first.start_file(NAME, ""))
    second.append(NAME, 7, b"more\n")
    assert place.text(NAME) == "second\nmore\n"


def test_a_late_second_attempt(place: Place) -> None:
    place.begin(1, b"first\n")
    second, third = place.begin(2, b"second\n"), place.begin(3, b"third\n")
    late(lambda: second.append(NAME, 7, b"late\n"))
    third.append(NAME, 6, b"more\n")
    assert (place.text(NAME), place.text(previous(2))) == ("third\nmore\n", "first\n")
    assert place.text(previous(3)).startswith("second\n")


@pytest.mark.parametrize("kind", ["on_a_share", "in_a_container"])
def test_a_second_attempt_that_begins_after_the_third(kind: str, request: pytest.FixtureRequest) -> None:
    place: Place = request.getfixturevalue(kind)
    second = place.attempt(2)
    third = place.begin(3, b"third\n")
    if kind == "on_a_share":
        late(lambda: second.start_file(NAME, previous(2)))
        late(lambda: second.start_file(NAME, previous(2)))
    third.append(NAME, 6, b"more\n")
    assert place.text(NAME) == "third\nmore\n"
    place.close()


def test_what_is_written_between_making_a_file_and_leasing_it_is_gone(shares: Shares) -> None:
    root, server = shares.create("logs"), shares.server
    port = urlsplit(server.url).port or 0
    first = ShareFolder(ShareAddress(server.account, "logs", server.key, server.url), FOLDER, None, RUN, 1)
    first.create()
    first.start_file(NAME, "")
    written: list[str] = []

    def meanwhile(method: str, path: str) -> bool:
        if path.endswith(NAME) and not written:
            written.append(path)
            first.append(NAME, 0, b"late and long\n")
        return False

    with Wire(port) as wire:
        through = server.url.replace(str(port), str(wire.port))
        second = ShareFolder(ShareAddress(server.account, "logs", server.key, through), FOLDER, None, RUN, 2)
        wire.lose_answer(meanwhile)
        second.start_file(NAME, previous(2))
        assert written and (root / FOLDER / NAME).read_bytes() == b""
        second.append(NAME, 0, b"second\n")
        second.close()
    first.close()
    assert (root / FOLDER / NAME).read_bytes() == b"second\n"


def test_who_is_done_lets_go_of_its_files(shares: Shares) -> None:
    shares.create("logs")
    server = shares.server
    folder = ShareFolder(ShareAddress(server.account, "logs", server.key, server.url), FOLDER, None, RUN, 2)
    folder.create()
    folder.start_file(NAME, previous(2))
    with ShareServiceClient.from_connection_string(server.connection_string) as service:
        file = service.get_share_client("logs").get_file_client(f"{FOLDER}/{NAME}")
        assert file.get_file_properties().lease.state == "leased"
        folder.let_go()
        folder.close()
        assert file.get_file_properties().lease.state == "available"
        file.delete_file()


def test_a_runner_that_lost_its_lease_does_not_even_try(on_a_share: Place, tmp_path: Path) -> None:
    held = True
    shipper = LogShipper(tmp_path, on_a_share.attempt(1), 1, lambda: held)
    with shipper.add(NAME).open("a") as file:
        shipper.start()
        file.write("before\n")
        file.flush()
        eventually(lambda: shipper.progress() and shipper.progress()[0].size == 7)
        held = False
        file.write("after\n")
    eventually(lambda: "lease has run out" in shipper.fault)
    shipper.finish(lambda begun: begun + 0)
    assert on_a_share.text(NAME) == "before\n"
