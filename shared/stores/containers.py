"""Blob containers of users: growing log blobs, and whole files for the copy driver."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobClient, ContainerClient, ExponentialRetry

from shared.errors import LostOwnershipError, StoreError
from shared.stores.connection import CallCounter, counting_transport, error_code, translated
from shared.stores.identity import ImpatientIdentity, identity

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


def _client(
    address: ContainerAddress, counter: CallCounter | None, who: Callable[[], Any] = identity
) -> ContainerClient:
    options: dict[str, Any] = {
        "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=2)
    }
    if counter:
        options["transport"] = counting_transport(counter, "data")
    credential: Any = {"account_name": address.account, "account_key": address.key}
    if not address.key:
        credential = who()
    return ContainerClient(address.url, address.container, credential=credential, **options)


def create_container(address: ContainerAddress) -> None:
    """Make a container; one that is there is fine. Raises StoreError."""
    doing = f"creating container {address.container} of account {address.account}"
    # Somebody waits for the answer to a cluster.json that mounts it.
    with _client(address, None, ImpatientIdentity) as client, translated(doing):
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

    def upload(self, name: str, path: Path) -> str:
        """Write a file to a blob, replacing it; the ETag it has then."""
        with translated(f"uploading {name} to {self._where}"), path.open("rb") as file:
            written = self._container.get_blob_client(name).upload_blob(file, overwrite=True)
        return str(written["etag"]).strip('"')  # a listing shows it without

    def close(self) -> None:
        """Close the connection."""
        self._container.close()


class ContainerFolder:
    """A folder of a container in which log files grow as append blobs. One writer per file.

    Every write names the ETag of the one before it, the first one that of the earlier attempt's blob or that
    there is none: what a runner of an earlier attempt still sends, stalled for however long, is refused.
    """

    def __init__(
        self,
        address: ContainerAddress,
        folder: str,
        counter: CallCounter | None = None,
        run: str = "",
        attempt: int = 1,
    ) -> None:
        """`run` "": no job's logs; files that are there are begun anew."""
        self._container = _client(address, counter)
        self._folder = folder
        self._run = run
        self._mark = {"attempt": f"{run}_{attempt}"}  #: by which a write is known whose answer was lost
        self._etags: dict[str, str] = {}  #: of each file's latest write
        self._where = f"container {address.container} of account {address.account}"

    def create(self) -> None:
        """Folders need no making in a container."""

    def start_file(self, name: str, previous: str) -> None:
        """Make an empty append blob; one that is there (an earlier attempt's) is kept as `previous`."""
        blob = self._container.get_blob_client(f"{self._folder}/{name}")
        with translated(f"creating {name} in {self._where}"):
            # A further try may find our own there, which is no earlier attempt's.
            there = self._keep(blob, previous) if previous and not self._is_ours(blob, 0) else ""
            over = self._unchanged(there)
            try:
                self._etags[name] = str(blob.create_append_blob(metadata=self._mark, **over)["etag"])
            except (ResourceExistsError, ResourceModifiedError) as error:
                if not (ours := self._is_ours(blob, 0)):
                    raise LostOwnershipError(f"{name} in {self._where} is another attempt's") from error
                self._etags[name] = ours

    def _unchanged(self, etag: str) -> dict[str, Any]:
        """The condition that a blob is as it was when it had `etag`; "": that there is none."""
        if not self._run:
            return {}
        if not etag:
            return {"match_condition": MatchConditions.IfMissing}
        return {"etag": etag, "match_condition": MatchConditions.IfNotModified}

    def _keep(self, blob: BlobClient, previous: str) -> str:
        """The ETag of what was copied, "" where the earlier attempt did not get that far."""
        try:
            found = blob.download_blob()
            data = found.readall()
        except ResourceNotFoundError:
            return ""
        self._container.upload_blob(f"{self._folder}/{previous}", data, overwrite=True)
        return str(found.properties.etag)

    def _is_ours(self, blob: BlobClient, size: int) -> str:
        """The ETag of a blob that this attempt has made and that is `size` bytes long, else ""."""
        try:
            found = blob.get_blob_properties()
        except ResourceNotFoundError:
            return ""
        return str(found.etag) if found.metadata == self._mark and found.size == size else ""

    def append(self, name: str, offset: int, data: bytes) -> None:
        """Append `data` (at most MOST_BYTES), which must land at `offset`; repeating changes nothing."""
        blob = self._container.get_blob_client(f"{self._folder}/{name}")
        with translated(f"appending to {name} in {self._where}"):
            held = self._unchanged(self._etags[name])
            try:
                written = blob.append_block(data, length=len(data), appendpos_condition=offset, **held)
                self._etags[name] = str(written["etag"])
            except ResourceModifiedError:
                # The block may have arrived and only the answer was lost.
                if ours := self._is_ours(blob, offset + len(data)):
                    self._etags[name] = ours
                    return
                # Or somebody touched the blob without writing to it: the next try may do.
                self._etags[name] = self._is_ours(blob, offset) or self._etags[name]
                raise

    def let_go(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Close the connection."""
        self._container.close()
