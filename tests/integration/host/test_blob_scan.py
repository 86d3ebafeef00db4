"""local.host.blob_scan over real Azurite: what it costs, and the order of its effects."""

import functools
from collections.abc import Iterator

import pytest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.azurite import Endpoints
from local.host.blob_messages import BlobMessage
from local.host.blob_scan import ContainerScanner, Watch
from local.host.patterns import parse_pattern
from local.host.receipts import HOSTS_CONTAINER, Receipts


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

    def __init__(self, service: BlobServiceClient, name: str, *paths: str) -> None:
        self._make = functools.partial(self._scanner, service, name, paths)
        self.sent: list[BlobMessage] = []
        self.scanner = self._make()

    def _scanner(self, service: BlobServiceClient, name: str, paths: tuple[str, ...]) -> ContainerScanner:
        hosts = service.get_container_client(HOSTS_CONTAINER)
        watches = [
            Watch(f"f{i}", parse_pattern(f"{name}/{path}"), Receipts(hosts, name, f"f{i}", name))
            for i, path in enumerate(paths)
        ]
        return ContainerScanner(service.get_container_client(name), watches, self.sent.append, 1.0)

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


def test_a_restart_costs_one_listing_of_receipts_per_function(
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
        def write(self, blob: str, etag: str) -> None:
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
