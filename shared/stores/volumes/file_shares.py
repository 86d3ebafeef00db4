"""File shares over REST: growing log files, without any mount."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.fileshare import (
    LinearRetry,
    ShareClient,
    ShareDirectoryClient,
    ShareFileClient,
    ShareLeaseClient,
)

from shared.errors import StoreError
from shared.names.service_urls import service_url
from shared.stores.connection import CallCounter, counting_transport, error_code, translated
from shared.stores.identity import ImpatientIdentity, identity

log = logging.getLogger(__name__)

#: The service takes at most 4 MiB in one Put Range.
MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class ShareAddress:
    """A share: account, key (empty: the machine's identity) and service URL (empty: the public cloud's)."""

    account: str
    share: str
    key: str = field(repr=False, default="")
    endpoint: str = ""

    @property
    def url(self) -> str:
        return self.endpoint or service_url(self.account, "file")


def _client(
    address: ShareAddress, counter: CallCounter | None, who: Callable[[], Any] = identity
) -> ShareClient:
    # One repetition for a hiccup; whoever carries logs tries again by itself.
    options: dict[str, Any] = {
        "retry_policy": LinearRetry(backoff=1, retry_total=1, random_jitter_range=0),
    }
    if counter:
        options["transport"] = counting_transport(counter, "file")
    credential: Any = {"account_name": address.account, "account_key": address.key}
    if not address.key:
        credential = who()
        options["token_intent"] = "backup"
    return ShareClient(address.url, address.share, credential=credential, **options)


def create_share(address: ShareAddress) -> None:
    """Make a share; one that is there is fine. Raises StoreError."""
    doing = f"creating share {address.share} of account {address.account}"
    # Somebody waits for the answer to a cluster.json that mounts it.
    with _client(address, None, ImpatientIdentity) as client, translated(doing):
        try:
            client.create_share()
        except ResourceExistsError as error:
            # One that is being deleted answers 409 too.
            if error_code(error) != "ShareAlreadyExists":
                raise StoreError(f"{doing}: {error_code(error)}") from error


class ShareFolder:
    """A folder of a share in which log files grow. One writer per file; safe to use from several threads.

    An attempt after the first leases its files, so that what a runner of an earlier one still sends, stalled
    for however long, is refused: it has no lease, or an older one. First attempts need none and take none.
    """

    def __init__(
        self,
        address: ShareAddress,
        folder: str,
        counter: CallCounter | None = None,
        run: str = "",
        attempt: int = 1,
    ) -> None:
        """`folder`: path inside the share, no slash at either end. Opens no connection yet."""
        self._share = _client(address, counter)
        self._folder = folder
        self._run, self._attempt = run, attempt
        self._lease = _lease_id(run, attempt) if attempt > 1 else ""
        self._leased: list[ShareLeaseClient] = []
        self._made: set[str] = set()  #: files that were made and may be ours to lease
        self._kept: set[str] = set()  #: files whose earlier attempt has been taken care of
        self._where = f"share {address.share} of account {address.account}"

    def create(self) -> None:
        """Make the folder and its parents. Tries the deepest first: the parents are mostly there."""
        with translated(f"creating {self._folder} on {self._where}"):
            self._create(self._folder)

    def _create(self, folder: str) -> None:
        client = self._share.get_directory_client(folder)
        try:
            _make(client)
        except ResourceNotFoundError:
            parent = folder.rpartition("/")[0]
            if not parent:
                raise  # the share itself is missing
            self._create(parent)
            _make(client)

    def start_file(self, name: str, previous: str) -> None:
        """Make an empty file; one that is there (an earlier attempt's) is kept as `previous`."""
        with translated(f"creating {name} on {self._where}"):
            client = self._file(name)
            if previous and name not in self._kept:
                self._keep(client, previous)
                self._kept.add(name)  # what a further try finds there is our own
            if name not in self._made:
                client.create_file(0)
                self._made.add(name)
            if self._lease:
                self._leased.append(client.acquire_lease(self._lease))
                # An earlier attempt may have written to it until now.
                client.create_file(0, lease=self._lease)

    def _keep(self, client: ShareFileClient, previous: str) -> None:
        try:
            try:
                client.rename_file(f"{self._folder}/{previous}", overwrite=True)
            except HttpResponseError as error:
                if error.status_code != 412:
                    raise
                self._release_earlier(client)
                client.rename_file(f"{self._folder}/{previous}", overwrite=True)
        except ResourceNotFoundError:
            pass  # the earlier attempt did not get that far

    def _release_earlier(self, client: ShareFileClient) -> None:
        """End the lease that a lost attempt has left. Never that of a later one: its id is not known here."""
        for attempt in range(self._attempt - 1, 1, -1):
            try:
                ShareLeaseClient(client, _lease_id(self._run, attempt)).release()
            except HttpResponseError:
                continue
            return

    def let_go(self) -> None:
        """No more is written: others may write to the files. Raises nothing."""
        for lease in self._leased:
            try:
                lease.release()
            except AzureError as error:
                log.warning("log file stays leased: %s", type(error).__name__, extra={"action": "let_go"})
        self._leased.clear()

    def append(self, name: str, offset: int, data: bytes) -> None:
        """Write `data` (at most MOST_BYTES) at `offset`, which is the file's length so far."""
        with translated(f"appending to {name} on {self._where}"):
            client = self._file(name)
            held: dict[str, Any] = {"lease": self._lease} if self._lease else {}
            client.resize_file(offset + len(data), **held)
            client.upload_range(data, offset=offset, length=len(data), **held)

    def pause_seconds(self, name: str) -> float:
        """Between two appends to a file: it can be appended to for ever."""
        return 0.0

    def close(self) -> None:
        """Close the connection."""
        self._share.close()

    def _file(self, name: str) -> ShareFileClient:
        return self._share.get_file_client(f"{self._folder}/{name}")


def _make(client: ShareDirectoryClient) -> None:
    """Make a directory; one that is there, made by another node of the job perhaps, is fine."""
    try:
        client.create_directory()
    except ResourceExistsError as error:
        if error_code(error) != "ResourceAlreadyExists":
            raise


def _lease_id(run: str, attempt: int) -> str:
    """Known to the attempt and to every later one."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{run}/attempts/{attempt}"))
