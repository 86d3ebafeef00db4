"""Blob containers of users: growing log blobs, and whole files for the copy driver."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobProperties, ContainerClient, ExponentialRetry

from shared.environment.layout import part_name
from shared.errors import LostOwnershipError, StoreError
from shared.names.service_urls import service_url
from shared.stores.connection import CallCounter, counting_transport, error_code, translated
from shared.stores.identity import ImpatientIdentity, identity
from shared.stores.volumes.append_pace import gathering_seconds

#: The service takes at most 4 MiB in one Append Block.
MOST_BYTES = 4 * 1024 * 1024
#: And so many of them for one blob (REST specification, Append Block). What comes then is written to a next
#: part.
MOST_BLOCKS = 50_000


@dataclass(frozen=True)
class ContainerAddress:
    """A container: account, key (empty: the machine's identity), service URL (empty: the public cloud's)."""

    account: str
    container: str
    key: str = field(repr=False, default="")
    endpoint: str = ""

    @property
    def url(self) -> str:
        return self.endpoint or service_url(self.account, "blob")


@dataclass(frozen=True)
class FileInContainer:
    """One blob: name, length in bytes, ETag."""

    name: str
    size: int
    etag: str


def _client(
    address: ContainerAddress,
    counter: CallCounter | None,
    who: Callable[[], Any] = identity,
    **more: Any,
) -> ContainerClient:
    options: dict[str, Any] = {
        "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=2)
    } | more
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


@dataclass
class _Part:
    """The blob that a log file grows in at the moment, the file's first or a further one."""

    number: int
    begins: int  #: offset in the file
    etag: str  #: of its latest write
    blocks: int = 0


class ContainerFolder:
    """A folder of a container in which log files grow as append blobs. One writer per file.

    Every write names the ETag of the one before it, the first one that of the earlier attempt's blob or that
    there is none: what a runner of an earlier attempt still sends, stalled for however long, is refused.
    A blob that is full is left as it is, and the file continues in another one (`part_name`).
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
        sizes = ("max_single_put_size", "max_block_size", "max_single_get_size", "max_chunk_get_size")
        limits: dict[str, Any] = dict.fromkeys(sizes, MOST_BYTES)
        self._container = _client(address, counter, **limits)
        self._folder = folder
        self._run, self._attempt = run, attempt
        self._mark = {"attempt": f"{run}_{attempt}"}  #: by which a write is known whose answer was lost
        self._parts: dict[str, _Part] = {}  #: of each file the latest
        self._where = f"container {address.container} of account {address.account}"

    def create(self) -> None:
        """Folders need no making in a container."""

    def start_file(self, name: str, previous: str) -> None:
        """Make an empty append blob; one that is there (an earlier attempt's) is kept as `previous`."""
        blob = self._blob(name)
        with translated(f"creating {name} in {self._where}"):
            # A further try may find our own there, which is no earlier attempt's.
            there = self._keep(blob, previous) if previous and not self._ours(blob, 0) else ""
            self._parts[name] = _Part(1, 0, self._create(blob, there))

    def _blob(self, name: str) -> BlobClient:
        return self._container.get_blob_client(f"{self._folder}/{name}")

    def _create(self, blob: BlobClient, there: str = "") -> str:
        """Make an append blob where the one with the ETag `there` is ("": none); its ETag."""
        try:
            return str(blob.create_append_blob(metadata=self._mark, **self._unchanged(there))["etag"])
        except (ResourceExistsError, ResourceModifiedError) as error:
            if not (ours := self._ours(blob, 0)):
                raise LostOwnershipError(f"{blob.blob_name} in {self._where} is another attempt's") from error
            return str(ours.etag)

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
        except ResourceNotFoundError:
            return ""
        # In pieces: it may be larger than this machine's memory.
        self._blob(previous).upload_blob(found.chunks(), length=found.size, overwrite=True)
        return str(found.properties.etag)

    def _ours(self, blob: BlobClient, size: int) -> BlobProperties | None:
        """A blob that this attempt has made and that is `size` bytes long."""
        try:
            found = blob.get_blob_properties()
        except ResourceNotFoundError:
            return None
        return found if found.metadata == self._mark and found.size == size else None

    def append(self, name: str, offset: int, data: bytes) -> None:
        """Append `data` (at most MOST_BYTES), which must land at `offset`; repeating it changes nothing."""
        with translated(f"appending to {name} in {self._where}"):
            if not self._append(name, offset, data):
                self._begin_part(name, offset)
                self._append(name, offset, data)

    def _append(self, name: str, offset: int, data: bytes) -> bool:
        """Append to the latest part; False: it takes no more blocks."""
        part = self._parts[name]
        if part.blocks >= MOST_BLOCKS:
            return False
        blob = self._blob(self._part_name(name, part.number))
        place, held = offset - part.begins, self._unchanged(part.etag)
        try:
            written = blob.append_block(data, length=len(data), appendpos_condition=place, **held)
            part.etag, part.blocks = str(written["etag"]), int(str(written["blob_committed_block_count"]))
        except (ResourceModifiedError, ResourceExistsError) as error:
            # The block may have arrived and only the answer was lost.
            if ours := self._ours(blob, place + len(data)):
                part.etag, part.blocks = str(ours.etag), int(ours.append_blob_committed_block_count or 0)
            elif error_code(error) == "BlockCountExceedsLimit":
                part.blocks = MOST_BLOCKS
                return False
            else:
                # Or somebody touched the blob without writing to it: the next try may do.
                part.etag = str(untouched.etag) if (untouched := self._ours(blob, place)) else part.etag
                raise
        return True

    def _begin_part(self, name: str, offset: int) -> None:
        number = self._parts[name].number + 1
        self._parts[name] = _Part(number, offset, self._create(self._blob(self._part_name(name, number))))

    def _part_name(self, name: str, number: int) -> str:
        return name if number == 1 else part_name(name, self._attempt, number)

    def pause_seconds(self, name: str) -> float:
        """Between two appends to a file, so that its blob lasts."""
        return gathering_seconds(self._parts[name].blocks)

    def let_go(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Close the connection."""
        self._container.close()
