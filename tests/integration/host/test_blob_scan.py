"""local.host.blob_scan over real Azurite: what it costs, and the order of its effects."""

import functools
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob import BlobBlock, BlobClient, BlobServiceClient, ContainerClient

from local import azurite
from local.azurite import Endpoints
from local.host.blob_changes import BlobChanges
from local.host.blob_messages import BlobMessage
from local.host.blob_scan import ContainerScanner, Watch
from local.host.patterns import parse_pattern
from local.host.receipts import HOSTS_CONTAINER, Receipt, Receipts


class Calls:
    """Counts requests of a client."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, request: object) -> None:
        http: HttpRequest = request.http_request  # type: ignore[attr-defined]
        self.seen.append(f"{http.method} {http.url}")


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def service(azurite: Endpoints, calls: Calls) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(
        azurite.connection_string, raw_request_hook=calls
    ) as client:
        yield client


@pytest.fixture
def container(blobs: BlobServiceClient, name: str) -> ContainerClient:
    return blobs.create_container(name)


class Scanned:
    """A scanner whose messages are kept in a list; `again` is the same host after a restart."""

    def __init__(
        self, service: BlobServiceClient, name: str, *paths: str, changes: BlobChanges | None = None
    ) -> None:
        self._make = functools.partial(self._scanner, service, name, paths, changes)
        self.sent: list[BlobMessage] = []
        self.scanner = self._make()

    def _scanner(
        self, service: BlobServiceClient, name: str, paths: tuple[str, ...], changes: BlobChanges | None
    ) -> ContainerScanner:
        hosts = service.get_container_client(HOSTS_CONTAINER)
        watches = [
            Watch(f"f{i}", parse_pattern(f"{name}/{path}"), Receipts(hosts, name, f"f{i}", name))
            for i, path in enumerate(paths)
        ]
        container = service.get_container_client(name)
        return ContainerScanner(container, watches, self.sent.append, 1.0, changes)

    def again(self) -> None:
        self.scanner = self._make()

    def step(self) -> list[str]:
        """What one step sent."""
        before = len(self.sent)
        self.scanner.step()
        return [f"{message.function_id}:{message.name}" for message in self.sent[before:]]


def test_an_idle_poll_is_one_call(
    service: BlobServiceClient, container: ContainerClient, name: str, calls: Calls
) -> None:
    for index in range(5):
        container.upload_blob(f"in/{index}/job.json", b"")
    scanned = Scanned(service, name, "in/{p}/job.json", "in/{p}.json", "in/{other}")
    assert len(scanned.step()) == 15
    calls.seen.clear()
    assert scanned.step() == []
    (call,) = calls.seen
    assert "prefix=in" in call


def test_a_restart_costs_one_download_of_receipts_per_function(
    service: BlobServiceClient, container: ContainerClient, name: str, calls: Calls
) -> None:
    container.upload_blob("a", b"")
    scanned = Scanned(service, name, "{p}")
    assert scanned.step() == ["f0:a"]
    scanned.again()
    calls.seen.clear()
    assert scanned.step() == []
    assert len(calls.seen) == 2


def test_changed_deleted_and_restored(
    service: BlobServiceClient, container: ContainerClient, name: str
) -> None:
    scanned = Scanned(service, name, "{p}")
    container.upload_blob("a", b"1")
    assert scanned.step() == ["f0:a"]
    container.upload_blob("a", b"2", overwrite=True)
    assert scanned.step() == ["f0:a"]
    container.delete_blob("a")
    assert scanned.step() == []
    container.upload_blob("a", b"2")
    assert scanned.step() == ["f0:a"]
    assert len({message.etag for message in scanned.sent}) == 3


def test_a_message_without_receipt_is_sent_again(
    service: BlobServiceClient, container: ContainerClient, name: str
) -> None:
    """The order is message, then receipt: what dies between them is repeated, never lost."""
    container.upload_blob("a", b"")

    class Broken(Receipts):
        def write(self, handed: Iterable[Receipt]) -> None:
            raise RuntimeError("died here")

    hosts = service.get_container_client(HOSTS_CONTAINER)
    sent: list[BlobMessage] = []
    watch = Watch("f0", parse_pattern(f"{name}/{{p}}"), Broken(hosts, name, "f0", name))
    scanner = ContainerScanner(service.get_container_client(name), [watch], sent.append, 1.0)
    with pytest.raises(RuntimeError):
        scanner.step()
    assert len(sent) == 1
    assert Scanned(service, name, "{p}").step() == ["f0:a"]


def test_nothing_gets_a_receipt_that_could_not_be_sent(
    service: BlobServiceClient, container: ContainerClient, name: str
) -> None:
    container.upload_blob("a", b"")

    def refuse(message: BlobMessage) -> None:
        raise RuntimeError("queue away")

    hosts = service.get_container_client(HOSTS_CONTAINER)
    watch = Watch("f0", parse_pattern(f"{name}/{{p}}"), Receipts(hosts, name, "f0", name))
    scanner = ContainerScanner(service.get_container_client(name), [watch], refuse, 1.0)
    with pytest.raises(RuntimeError):
        scanner.step()
    assert Scanned(service, name, "{p}").step() == ["f0:a"]


@pytest.mark.parametrize("blob", ["x" * 1000, "ü ö%20#?&+", "a//b", "q'\"q", "semi;colon=1"])
def test_odd_and_long_names_have_receipts(
    service: BlobServiceClient, container: ContainerClient, name: str, blob: str
) -> None:
    container.upload_blob(blob, b"")
    scanned = Scanned(service, name, "{p}")
    assert scanned.step() == [f"f0:{blob}"]
    scanned.again()
    assert scanned.step() == []


def test_receipts_of_many_blobs_are_one_call(
    service: BlobServiceClient, container: ContainerClient, name: str, calls: Calls
) -> None:
    for index in range(40):
        container.upload_blob(f"{index:02}", b"")
    scanned = Scanned(service, name, "{p}")
    calls.seen.clear()
    assert len(scanned.step()) == 40
    appended = [call for call in calls.seen if "comp=appendblock" in call]
    assert len(appended) <= 2  # the first one finds that there is no blob yet
    scanned.again()
    assert scanned.step() == []


def test_receipts_of_earlier_versions_hold(
    service: BlobServiceClient, container: ContainerClient, name: str
) -> None:
    """A data directory of an earlier version: an empty blob per version that was handed over."""
    etag = container.upload_blob("in/a b", b"").get_blob_properties().etag.strip('"')
    hosts = service.get_container_client(HOSTS_CONTAINER)
    if not hosts.exists():
        hosts.create_container()
    hosts.upload_blob(f'blobreceipts/{name}/f0/"{etag}"/{name}/in/a b', b"")
    container.upload_blob("in/new", b"")
    scanned = Scanned(service, name, "{p}")
    assert scanned.step() == ["f0:in/new"]
    scanned.again()
    assert scanned.step() == []


@pytest.fixture
def changes(tmp_path: Path, name: str) -> Iterator[BlobChanges]:
    with closing(BlobChanges(tmp_path / "changes", name)) as reading:
        yield reading


class Reported:
    """The file that the emulator appends to, written by hand."""

    def __init__(self, path: Path, container: str) -> None:
        self._path, self._container = path, container
        path.write_text("")

    def report(self, blob: BlobClient) -> None:
        line = json.dumps([self._container, blob.blob_name, blob.get_blob_properties().etag])
        with self._path.open("a") as file:
            file.write(line + "\n")

    def begin_anew(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text("")
        fresh.replace(self._path)


def test_with_changes_announced_nothing_is_listed(
    service: BlobServiceClient,
    container: ContainerClient,
    name: str,
    calls: Calls,
    changes: BlobChanges,
    tmp_path: Path,
) -> None:
    """Idle: no call at all. A blob that is announced costs its message and its receipt."""
    container.upload_blob("a", b"")
    reported = Reported(tmp_path / "changes", name)
    scanned = Scanned(service, name, "{p}", changes=changes)
    assert scanned.step() == ["f0:a"]
    calls.seen.clear()
    for _ in range(50):
        assert scanned.step() == []
    assert calls.seen == []
    blob = container.upload_blob("b", b"")
    reported.report(blob)
    calls.seen.clear()
    assert scanned.step() == ["f0:b"]
    assert ["comp=appendblock" in call for call in calls.seen] == [True]


def test_what_a_listing_saw_already_is_not_handed_over_twice(
    service: BlobServiceClient, container: ContainerClient, name: str, changes: BlobChanges, tmp_path: Path
) -> None:
    reported = Reported(tmp_path / "changes", name)
    scanned = Scanned(service, name, "{p}", changes=changes)
    assert scanned.step() == []
    reported.begin_anew()
    first = container.upload_blob("a", b"1")
    changes.whole()
    reported.report(first)
    reported.report(container.upload_blob("a", b"2", overwrite=True))
    scanned.scanner._listed_at = None
    assert scanned.step() == ["f0:a"]
    assert scanned.step() == []


def test_a_new_file_of_changes_is_answered_by_a_listing(
    service: BlobServiceClient, container: ContainerClient, name: str, changes: BlobChanges, tmp_path: Path
) -> None:
    """The end of the file before may have announced blobs that nobody read."""
    reported = Reported(tmp_path / "changes", name)
    scanned = Scanned(service, name, "{p}", changes=changes)
    assert scanned.step() == []
    container.upload_blob("a", b"")
    reported.begin_anew()
    assert scanned.step() == ["f0:a"]
    assert scanned.step() == []


def test_what_could_not_be_sent_is_sent_later(
    service: BlobServiceClient, container: ContainerClient, name: str, changes: BlobChanges, tmp_path: Path
) -> None:
    reported = Reported(tmp_path / "changes", name)
    scanned = Scanned(service, name, "{p}", changes=changes)
    assert scanned.step() == []
    reported.report(container.upload_blob("a", b""))

    def refuse(message: BlobMessage) -> None:
        raise RuntimeError("queue away")

    enqueue, scanned.scanner._enqueue = scanned.scanner._enqueue, refuse
    with pytest.raises(RuntimeError):
        scanned.scanner.step()
    scanned.scanner._enqueue = enqueue
    assert scanned.step() == ["f0:a"]


def test_azurite_shows_what_is_written(tmp_path: Path) -> None:
    """The hooks and their reader together: uploads, in one piece and in blocks, overwritten, copied."""
    path = tmp_path / "changes"
    child, endpoints = azurite.start(tmp_path / "azurite.log", changes=path)
    try:
        with (
            BlobServiceClient.from_connection_string(endpoints.connection_string) as client,
            closing(BlobChanges(path, "jobs")) as changes,
        ):
            container = client.create_container("jobs")
            assert not changes.whole()
            assert changes.whole()
            for blob in ("a", 'b"\n%20ü'):
                etag = container.upload_blob(blob, b"1").get_blob_properties().etag
                assert list(changes.read()) == [(blob, etag)]
            blob_client = container.get_blob_client("a")
            blob_client.stage_block("0001", b"2")
            assert list(changes.read()) == []
            blob_client.commit_block_list([BlobBlock("0001")])
            assert list(changes.read()) == [("a", blob_client.get_blob_properties().etag)]
            container.get_blob_client("c").start_copy_from_url(blob_client.url)
            assert [name for name, _ in changes.read()] == ["c"]
            client.create_container("other").upload_blob("d", b"")
            assert list(changes.read()) == []
    finally:
        child.stop()
