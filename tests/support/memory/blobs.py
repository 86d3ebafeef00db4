"""The blob service: documents with ETags, metadata and leases, and listings by name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core import MatchConditions

from tests.support.memory.faults import Call, refusal
from tests.support.memory.pages import Listing

if TYPE_CHECKING:
    from tests.support.memory.account import MemoryAccount

T = TypeVar("T")


@dataclass
class _Blob:
    data: bytes
    etag: str
    last_modified: datetime
    metadata: dict[str, str] = field(default_factory=dict)
    leased: bool = False


class MemoryBlobs:
    """As `shared.stores.service_clients.Blobs`."""

    def __init__(self, account: "MemoryAccount") -> None:
        self.account = account
        self.containers: dict[str, dict[str, _Blob]] = {}

    def create_container(self, name: str) -> None:
        def create() -> None:
            if name in self.containers:
                raise refusal(409, "ContainerAlreadyExists")
            self.containers[name] = {}

        self.account.call("PUT", Call("blob", "create_container", name), create)

    def get_container_client(self, name: str) -> "MemoryContainer":
        return MemoryContainer(self, name)

    def get_blob_client(self, container: str, name: str) -> "MemoryBlob":
        return MemoryBlob(self, container, name)

    def download_blob(self, container: str, name: str) -> tuple[bytes, str]:
        found = self.get_blob_client(container, name).download_blob()
        return found.readall(), found.properties.etag

    def upload_blob(
        self,
        container: str,
        name: str,
        data: bytes,
        content_type: str,
        *,
        overwrite: bool = True,
        etag: str = "",
        metadata: Any = None,
    ) -> None:
        condition = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        self.get_blob_client(container, name).upload_blob(
            data, overwrite, metadata, content_type, **condition
        )

    def of(self, container: str) -> dict[str, _Blob]:
        """The blobs of a container by name."""
        if container not in self.containers:
            raise refusal(404, "ContainerNotFound")
        return self.containers[container]

    def close(self) -> None:
        pass


class MemoryContainer:
    """A ContainerClient."""

    def __init__(self, service: MemoryBlobs, name: str) -> None:
        self._service, self._name = service, name

    def list_blobs(
        self,
        name_starts_with: str = "",
        include: Any = None,
        results_per_page: int = 5000,
        raw_response_hook: Any = None,
    ) -> Listing:
        def page(token: Any) -> tuple[list[Any], Any]:
            def found() -> tuple[list[Any], Any]:
                blobs = sorted(self._service.of(self._name).items())
                meant = [(n, b) for n, b in blobs if n.startswith(name_starts_with) and n >= (token or "")]
                some = [
                    SimpleNamespace(
                        name=name,
                        last_modified=blob.last_modified.replace(microsecond=0),
                        etag=blob.etag,
                        metadata=dict(blob.metadata) if "metadata" in (include or ()) else None,
                    )
                    for name, blob in meant[:results_per_page]
                ]
                return some, meant[len(some)][0] if len(meant) > len(some) else ""

            answer = self._service.account.call("GET", Call("blob", "list", self._name), found)
            if raw_response_hook:
                headers = {"Date": self._service.account.date()}
                raw_response_hook(SimpleNamespace(http_response=SimpleNamespace(headers=headers)))
            return answer

        return Listing(page)

    def __enter__(self) -> "MemoryContainer":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def delete_blob(self, name: str, delete_snapshots: str = "") -> None:
        MemoryBlob(self._service, self._name, name).delete_blob()

    def list_blob_names(self) -> list[str]:
        return [blob.name for blob in self.list_blobs()]


class MemoryBlob:
    """A BlobClient."""

    def __init__(self, service: MemoryBlobs, container: str, name: str) -> None:
        self._service, self.container_name, self.blob_name = service, container, name
        self.url = f"memory://{container}/{name}"
        # What the SDK's BlobLeaseClient asks of a client.
        self._client = SimpleNamespace(blob=SimpleNamespace(break_lease=self._break_lease))

    def _call(self, method: str, verb: str, apply: Callable[[], T]) -> T:
        where = f"{self.container_name}/{self.blob_name}"
        return self._service.account.call(method, Call("blob", verb, where), apply)

    @property
    def _blob(self) -> _Blob:
        found = self._service.of(self.container_name).get(self.blob_name)
        if found is None:
            raise refusal(404, "BlobNotFound")
        return found

    def _check(self, found: _Blob | None, options: dict[str, Any]) -> None:
        if options.get("match_condition") is MatchConditions.IfNotModified and (
            found is None or found.etag != options["etag"]
        ):
            raise refusal(412, "ConditionNotMet")
        if found and found.leased:
            raise refusal(412, "LeaseIdMissing")

    def upload_blob(
        self,
        data: bytes,
        overwrite: bool = False,
        metadata: Any = None,
        content_settings: Any = None,
        **options: Any,
    ) -> None:
        def upload() -> None:
            blobs = self._service.of(self.container_name)
            found = blobs.get(self.blob_name)
            if found and not overwrite:
                raise refusal(409, "BlobAlreadyExists")
            self._check(found, options)
            etag = self._service.account.next_etag('"0x{}"')
            blobs[self.blob_name] = _Blob(data, etag, self._service.account.clock(), dict(metadata or {}))

        self._call("PUT", "upload", upload)

    def download_blob(self, max_concurrency: int = 1) -> SimpleNamespace:
        def download() -> SimpleNamespace:
            blob = self._blob
            return SimpleNamespace(readall=lambda: blob.data, properties=SimpleNamespace(etag=blob.etag))

        return self._call("GET", "get", download)

    def get_blob_properties(self) -> SimpleNamespace:
        def properties() -> SimpleNamespace:
            blob = self._blob
            return SimpleNamespace(etag=blob.etag, metadata=dict(blob.metadata))

        return self._call("HEAD", "properties", properties)

    def set_blob_metadata(self, metadata: dict[str, str]) -> None:
        def write() -> None:
            blob = self._blob
            self._check(blob, {})
            blob.metadata, blob.last_modified = dict(metadata), self._service.account.clock()
            blob.etag = self._service.account.next_etag('"0x{}"')

        self._call("PUT", "metadata", write)

    def exists(self) -> bool:
        def exists() -> bool:
            return self.blob_name in self._service.of(self.container_name)

        return bool(self._call("HEAD", "exists", exists))

    def delete_blob(self, **options: Any) -> None:
        def delete() -> None:
            found = self._blob
            self._check(found, options)
            del self._service.of(self.container_name)[self.blob_name]

        self._call("DELETE", "delete", delete)

    def acquire_lease(self) -> None:
        """Somebody takes a lock on the blob."""
        self._blob.leased = True

    def _break_lease(self, **_: Any) -> dict[str, Any]:
        def broken() -> dict[str, Any]:
            self._blob.leased = False
            return {"lease_time": 0}

        return self._call("PUT", "break_lease", broken)
