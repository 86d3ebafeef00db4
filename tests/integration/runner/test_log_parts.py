"""Logs in a container beyond what one append blob takes: they go on in further blobs."""

import functools
import hashlib
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from local.azurite import Endpoints
from runner.logs.shipper import LogShipper
from shared.environment.layout import attempt_name, part_name
from shared.jobs.model import StreamSeal
from shared.stores.volumes import blob_containers
from shared.stores.volumes.blob_containers import ContainerAddress, ContainerFolder
from tests.support.waiting import eventually
from tests.support.wire import Wire

FOLDER, NAME, RUN = "a/b/stdouterr", "stdout.txt", "4b24a36b-e8aa-44d9-a068-7374ffa63a90"
FULL = (409, "BlockCountExceedsLimit")


class Container:
    """A container behind a wire: as an attempt's runner sees it, and as a reader does."""

    def __init__(self, azurite: Endpoints, wire: Wire, client: ContainerClient) -> None:
        self.wire, self._client, self._key = wire, client, azurite.key
        through = Endpoints(wire.port, azurite.queue_port, azurite.table_port)
        self._address, self._direct = (
            ContainerAddress(azurite.account, client.container_name, azurite.key, where.blob_endpoint)
            for where in (through, azurite)
        )
        self._made: list[ContainerFolder] = []

    def folder(self, attempt: int = 1, wired: bool = True) -> ContainerFolder:
        address = self._address if wired else self._direct
        self._made.append(ContainerFolder(address, FOLDER, None, RUN, attempt))
        return self._made[-1]

    def names(self) -> set[str]:
        return {blob.name.rpartition("/")[2] for blob in self._client.list_blobs(FOLDER)}

    def data(self, name: str = NAME) -> bytes:
        return self._client.download_blob(f"{FOLDER}/{name}").readall()

    def joined(self, attempt: int = 1, name: str = NAME) -> bytes:
        """A file with its further parts."""
        parts = (part_name(NAME, attempt, number) for number in range(2, 100))
        return self.data(name) + b"".join(self.data(part) for part in parts if part in self.names())

    def close(self) -> None:
        for folder in self._made:
            folder.close()


@pytest.fixture
def container(azurite: Endpoints, installation: str) -> Iterator[Container]:
    name = f"logs-{os.urandom(6).hex()}"
    with (
        Wire(azurite.blob_port) as wire,
        ContainerClient(azurite.blob_endpoint, name, credential=azurite.key) as client,
    ):
        client.create_container()
        made = Container(azurite, wire, client)
        yield made
        made.close()


def appends_to(name: str) -> Callable[[str, str], bool]:
    return lambda method, path: f"/{name}?comp=appendblock" in path


def write(folder: ContainerFolder, pieces: list[bytes], offset: int = 0) -> int:
    """Append the pieces; where the file ends then."""
    for piece in pieces:
        folder.append(NAME, offset, piece)
        offset += len(piece)
    return offset


PIECES = [f"line {number}\n".encode() for number in range(8)]


def test_a_full_file_continues_in_a_next_part(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_containers, "MOST_BLOCKS", 3)
    folder = container.folder()
    folder.start_file(NAME, "")
    write(folder, PIECES)
    assert container.names() == {NAME, "stdout.attempt-1.part-2.txt", "stdout.attempt-1.part-3.txt"}
    assert container.data() == b"".join(PIECES[:3])
    assert container.joined() == b"".join(PIECES)


def test_the_service_says_unexpectedly_that_it_is_full(container: Container) -> None:
    folder = container.folder()
    folder.start_file(NAME, "")
    end = write(folder, PIECES[:2])
    container.wire.refusals.append((appends_to(NAME), *FULL))
    write(folder, PIECES[2:], end)
    assert container.data("stdout.attempt-1.part-2.txt") == b"".join(PIECES[2:])
    assert container.joined() == b"".join(PIECES)


def test_the_last_block_arrives_and_its_answer_does_not(container: Container) -> None:
    """The repetition hears that the blob is full: of what it brings."""
    folder = container.folder()
    folder.start_file(NAME, "")
    seen: list[str] = []

    def second(method: str, path: str) -> bool:
        if appends_to(NAME)(method, path):
            seen.append(path)
        return len(seen) > 1 and appends_to(NAME)(method, path)

    container.wire.refusals.append((second, *FULL))
    container.wire.lose_answer(appends_to(NAME))
    end = write(folder, PIECES[:1])
    assert len(seen) == 2 and container.joined() == PIECES[0]
    write(folder, PIECES[1:], end)
    assert container.joined() == b"".join(PIECES)


@pytest.mark.parametrize("lost", ["comp=appendblock", "part-2.txt"])
def test_answers_are_lost_at_the_beginning_of_a_part(
    container: Container, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setattr(blob_containers, "MOST_BLOCKS", 2)
    folder = container.folder()
    folder.start_file(NAME, "")
    end = write(folder, PIECES[:2])
    container.wire.lose_answer(lambda method, path: "part-2" in path and path.endswith(lost))
    write(folder, PIECES[2:4], end)
    assert container.wire.lost and container.joined() == b"".join(PIECES[:4])


def test_the_parts_of_an_earlier_attempt_stay_its_own(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stalled runner may still begin one: it belongs to its attempt."""
    monkeypatch.setattr(blob_containers, "MOST_BLOCKS", 2)
    first, second = container.folder(1), container.folder(2)
    first.start_file(NAME, "")
    end = write(first, PIECES[:4])
    second.start_file(NAME, attempt_name(NAME, 1))
    write(second, [b"a", b"b", b"c"])
    write(first, PIECES[4:5], end)
    assert container.joined(2) == b"abc"
    assert container.joined(1, attempt_name(NAME, 1)) == b"".join(PIECES[:5])


def test_the_seal_is_of_the_whole_file(
    container: Container, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(blob_containers, "MOST_BLOCKS", 2)
    shipper = LogShipper(tmp_path, container.folder(), 1)
    path = shipper.add(NAME)

    def has_lines(number: int) -> bool:
        found = shipper.progress()
        return bool(found) and found[0].lines == number

    shipper.start()
    for number, piece in enumerate(PIECES, 1):
        with path.open("ab") as file:
            file.write(piece)
        eventually(functools.partial(has_lines, number))
    text = b"".join(PIECES)
    assert shipper.finish(lambda begun: begun + 10) == (
        StreamSeal(NAME, len(text), hashlib.sha256(text).hexdigest(), True, len(PIECES)),
    )
    assert len(container.names()) == 4 and container.joined() == text


def test_lines_are_gathered_once_a_blob_has_many_blocks(
    container: Container, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Full pieces and the end of the job are not waited with."""
    monkeypatch.setattr(blob_containers, "gathering_seconds", lambda blocks: 600.0 if blocks else 0.0)
    shipper = LogShipper(tmp_path, container.folder(), 1)
    path = shipper.add(NAME)
    appends = appends_to(NAME)

    def sent() -> int:
        return sum(appends(*request) for request in container.wire.seen)

    with path.open("ab", buffering=0) as file:
        file.write(b"first\n")
        shipper.start()
        eventually(lambda: container.wire.seen and sent() == 1)
        file.write(b"gathered\n")
        file.write(bytes(blob_containers.MOST_BYTES))
        eventually(lambda: sent() == 2)
        file.write(b"last\n")
    (seal,) = shipper.finish(lambda begun: begun + 10)
    text = b"first\ngathered\n" + bytes(blob_containers.MOST_BYTES) + b"last\n"
    assert (seal.complete, sent(), container.data() == text) == (True, 3, True)


def test_lines_that_follow_a_lost_answer_arrive(container: Container, tmp_path: Path) -> None:
    """Nobody learns that a piece arrived; when the service answers again there is more to send."""
    shipper = LogShipper(tmp_path, container.folder(), 1)
    path = shipper.add(NAME)
    shipper.start()
    eventually(lambda: NAME in container.names())

    def arrived(method: str, path: str) -> bool:
        container.wire.refusing = appends_to(NAME)(method, path)
        return container.wire.refusing

    container.wire.lose_answer(arrived)
    path.write_bytes(PIECES[0])
    eventually(lambda: shipper.fault, 20)
    with path.open("ab") as file:
        file.write(PIECES[1])
    container.wire.refusing = False
    (seal,) = shipper.finish(lambda begun: begun + 20)
    assert seal.complete and container.data() == PIECES[0] + PIECES[1]


def test_a_large_file_of_an_earlier_attempt_is_kept_in_pieces(container: Container) -> None:
    """Logs of weeks do not go through the runner's memory."""
    first, second = (container.folder(attempt, wired=False) for attempt in (1, 2))
    first.start_file(NAME, "")
    piece = os.urandom(blob_containers.MOST_BYTES)
    offset = 0
    for _ in range(18):
        first.append(NAME, offset, piece)
        offset += len(piece)
    tracemalloc.start()
    second.start_file(NAME, attempt_name(NAME, 1))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert container.data(attempt_name(NAME, 1)) == piece * 18
    assert most < 14 * len(piece)
