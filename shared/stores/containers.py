"""Blob containers of users: growing log blobs, and whole files for the copy driver."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import ContainerClient, ExponentialRetry

from shared.errors import StoreError
from shared.stores.connection import CallCounter, counting_transport, error_code, identity, translated

#: The service takes at most 4 MiB in one Append Block.
MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class ContainerAddress:
    """A container: account, key (empty: the machine's identity), service URL (empty: the public cloud's)."""

    account: str
    container: str
    key: str = field(repr=False, default="")
    endpoint: str = ""

    @property
    def url(self) -> str:
        return self.endpoint or f"https://{self.account}.blob.core.windows.net"


@dataclass(frozen=True)
class FileInContainer:
    """One blob: name, length in bytes, ETag."""

    name: str
    size: int
    etag: str


def _client(address: ContainerAddress, counter: CallCounter | None) -> ContainerClient:
    options: dict[str, Any] = {
        "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=2)
    }
    if counter:
        options["transport"] = counting_transport(counter, "data")
    credential: Any = {"account_name": address.account, "account_key": address.key}
    if not address.key:
        credential = identity()
    return ContainerClient(address.url, address.container, credential=credential, **options)


def create_container(address: ContainerAddress) -> None:
    """Make a container; one that is there is fine. Raises StoreError."""
    doing = f"creating container {address.container} of account {address.account}"
    with _client(address, None) as client, translated(doing):
        try:
            client.create_container()
        except ResourceExistsError as error:
            # One that is being deleted answers 409 too.
            if error_code(error) != "ContainerAlreadyExists":
                raise StoreError(f"{doing}: {error_code(error)}") from error


class FilesOfContainer:
    """List, download and upload whole blobs."""

    def __init__(self, address: ContainerAddress) -> None:
        self._container = _client(address, None)
        self._where = f"container {address.container} of account {address.account}"

    def list(self) -> Iterator[FileInContainer]:
        """Every blob. Raises NotFoundError when the container is missing, StoreError."""
        with translated(f"listing {self._where}"):
            for blob in self._container.list_blobs():
                yield FileInContainer(str(blob.name), int(blob.size or 0), str(blob.etag))

    def download(self, name: str, path: Path) -> None:
        """Write a blob to a file whose folder exists."""
        with translated(f"downloading {name} from {self._where}"), path.open("wb") as file:
            self._container.download_blob(name).readinto(file)

    def upload(self, name: str, path: Path) -> None:
        """Write a file to a blob, replacing it."""
        with translated(f"uploading {name} to {self._where}"), path.open("rb") as file:
            self._container.upload_blob(name, file, overwrite=True)

    def close(self) -> None:
        """Close the connection."""
        self._container.close()


class ContainerFolder:
    """A folder of a container in which log files grow as append blobs. One writer per file."""

    def __init__(self, address: ContainerAddress, folder: str, counter: CallCounter | None = None) -> None:
        self._container = _client(address, counter)
        self._folder = folder
        self._kept: set[str] = set()  #: files whose earlier attempt has been taken care of
        self._where = f"container {address.container} of account {address.account}"

    def create(self) -> None:
        """Folders need no making in a container."""

    def start_file(self, name: str, previous: str) -> None:
        """Make an empty append blob; one that is there (an earlier attempt's) is kept as `previous`."""
        with translated(f"creating {name} in {self._where}"):
            if previous and name not in self._kept:
                self._keep(name, previous)
                self._kept.add(name)  # what a further try finds there is our own
            self._container.get_blob_client(f"{self._folder}/{name}").create_append_blob()

    def _keep(self, name: str, previous: str) -> None:
        source = self._container.get_blob_client(f"{self._folder}/{name}")
        try:
            data = source.download_blob().readall()
        except ResourceNotFoundError:
            return  # the earlier attempt did not get that far
        self._container.upload_blob(f"{self._folder}/{previous}", data, overwrite=True)

    def append(self, name: str, offset: int, data: bytes) -> None:
        """Append `data` (at most MOST_BYTES), which must land at `offset`; repeating changes nothing."""
        blob = self._container.get_blob_client(f"{self._folder}/{name}")
        with translated(f"appending to {name} in {self._where}"):
            try:
                blob.append_block(data, length=len(data), appendpos_condition=offset)
            except ResourceModifiedError:
                # The block may have arrived and only the answer was lost.
                if blob.get_blob_properties().size != offset + len(data):
                    raise

    def close(self) -> None:
        """Close the connection."""
        self._container.close()
