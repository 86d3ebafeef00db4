"""What a folder on a share or in a container holds, with links to read it. One level, sorted by name."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobSasPermissions, BlobServiceClient, ContainerClient, generate_blob_sas
from azure.storage.fileshare import (
    FileSasPermissions,
    ShareClient,
    ShareDirectoryClient,
    ShareServiceClient,
    generate_file_sas,
)

from shared.errors import RequestError, StoreError
from shared.stores.connection import error_code, translated
from shared.stores.identity import IdentityUnavailableError, ImpatientIdentity
from shared.stores.volumes.delegation import read_signature

#: Sizes of a live job's files are asked one by one; this many at a time.
_AT_A_TIME = 8
#: For reaching an account of which nothing is known but its name.
_CONNECT_SECONDS = 3


@dataclass(frozen=True)
class ListedFile:
    """A file or directory. A directory has neither size nor link."""

    name: str
    is_directory: bool
    size: int = 0
    modified: datetime | None = None
    url: str = ""


@dataclass(frozen=True)
class Listing:
    """One page of a folder; `marker` is "" on the last one."""

    files: tuple[ListedFile, ...]
    marker: str = ""


@dataclass(frozen=True)
class Folder:
    """A folder of an account: `name` is the share's or container's. `key` "": the machine's identity."""

    account: str
    name: str
    folder: str
    url: str
    key: str


def list_share(folder: Folder, minutes: int, most: int, marker: str, growing: bool) -> Listing:
    """A page of a folder on a file share; a missing folder is an empty one.

    `growing`: ask every file for its size, for a listing may be behind while a file is written over SMB.
    Raises StoreError, RequestError where the account lets nobody in.
    """
    options = options_of(folder) | ({} if folder.key else {"token_intent": "backup"})
    with explained(folder, "share"), ShareClient(folder.url, folder.name, **options) as share:
        here = share.get_directory_client(folder.folder)
        try:
            found, rest = _page(
                here.list_directories_and_files(include=["timestamps"], results_per_page=most), marker
            )
        except ResourceNotFoundError:
            return Listing(())
        files = [_shown(item) for item in found]
        if growing:
            files = _measured(here, files)
        link = _share_links(folder, minutes, options)
        urls = (link(here.get_file_client(f.name).url, f.name) if not f.is_directory else "" for f in files)
        return _listing(files, urls, rest)


def list_container(folder: Folder, minutes: int, most: int, marker: str) -> Listing:
    """A page of a folder in a container; a missing folder is an empty one. Raises as `list_share`."""
    options = options_of(folder)
    prefix = f"{folder.folder}/" if folder.folder else ""
    with explained(folder, "container"), ContainerClient(folder.url, folder.name, **options) as container:
        try:
            walk = container.walk_blobs(prefix, include=["metadata"], delimiter="/", results_per_page=most)
            found, rest = _page(walk, marker)
        except ResourceNotFoundError:
            return Listing(())
        files = list({f.name: f for f in (_blob(item, prefix) for item in found) if f.name}.values())
        link = _blob_links(folder, minutes, options)
        urls = (
            link(container.get_blob_client(prefix + f.name).url, prefix + f.name)
            if not f.is_directory
            else ""
            for f in files
        )
        return _listing(files, urls, rest)


def options_of(folder: Folder) -> dict[str, Any]:
    """How a folder's account is spoken to: somebody waits for the answer, and comes again if it is none."""
    if folder.key:
        credential = {"account_name": folder.account, "account_key": folder.key}
        return {"credential": credential, "retry_total": 1, "initial_backoff": 1, "increment_base": 1}
    return {"credential": ImpatientIdentity(), "retry_total": 0, "connection_timeout": _CONNECT_SECONDS}


@contextmanager
def explained(folder: Folder, kind: str) -> Iterator[None]:
    """Azure's exceptions as ours. Raises RequestError where the account lets nobody in that way."""
    where = f"{kind} {folder.name} of storage account {folder.account}"
    try:
        with translated(f"listing {where}"):
            yield
    except StoreError as error:
        cause = error.__cause__
        if not isinstance(cause, ClientAuthenticationError) and getattr(cause, "status_code", 0) != 403:
            raise
        text = f"The {where} cannot be listed: {_missing(folder, kind, cause)}"
        raise RequestError(text, "StorageAccountNotAccessible") from error


_GIVE_KEY = "Give credentials.accountKey with the volume in the document"
_READER = {"share": "Storage File Data Privileged Reader", "container": "Storage Blob Data Reader"}
_DELEGATOR = {"share": "Storage File Delegator", "container": "Storage Blob Delegator"}


def _missing(folder: Folder, kind: str, cause: BaseException | None) -> str:
    """What an account lacks that did not let us in, and what gives it."""
    answered = f" (it answered {error_code(cause)})" if isinstance(cause, HttpResponseError) else ""
    if folder.key:
        return f"it refuses the key that was given for it{answered}. Submit the job again with its key."
    no_key = "neither the document nor the settings of this installation give a key of that account, and "
    if isinstance(cause, IdentityUnavailableError):
        return (
            f"{no_key}this service has no identity that could read it. {_GIVE_KEY}, or let the operator give "
            f"the service a managed identity with the role {_READER[kind]} on the account."
        )
    return (
        f"{no_key}it does not let this service's identity read{answered}. {_GIVE_KEY}, or let the account's "
        f"owner give that identity the roles {_READER[kind]} and {_DELEGATOR[kind]}."
    )


def _page(items: Any, marker: str) -> tuple[list[Any], str]:
    pages = items.by_page(continuation_token=marker or None)
    found = list(next(pages, ()))
    return found, str(pages.continuation_token or "")


def _listing(files: list[ListedFile], urls: Iterable[str], marker: str) -> Listing:
    linked = (replace(file, url=url) for file, url in zip(files, urls, strict=True))
    return Listing(tuple(sorted(linked, key=lambda file: file.name)), marker)


def _shown(item: Any) -> ListedFile:
    if item.is_directory:
        return ListedFile(item.name, True)
    return ListedFile(item.name, False, int(item.size or 0), item.last_modified or item.last_write_time)


def _measured(here: ShareDirectoryClient, files: list[ListedFile]) -> list[ListedFile]:
    """The files with the sizes they have at this moment, without those that are gone."""

    def measure(file: ListedFile) -> ListedFile | None:
        if file.is_directory:
            return file
        try:
            known = here.get_file_client(file.name).get_file_properties()
        except ResourceNotFoundError:
            return None
        return replace(file, size=int(known.size), modified=known.last_modified)

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return [file for file in pool.map(measure, files) if file is not None]


def _blob(item: Any, prefix: str) -> ListedFile:
    name = item.name.removeprefix(prefix)
    if name.endswith("/"):
        return ListedFile(name.rstrip("/"), True)
    # blobfuse keeps an empty blob for a directory; the original showed it as a file beside the directory.
    if (item.metadata or {}).get("hdi_isfolder") == "true":
        return ListedFile(name, True)
    return ListedFile(name, False, int(item.size or 0), item.last_modified)


def _share_links(folder: Folder, minutes: int, options: dict[str, Any]) -> Callable[[str, str], str]:
    start, expiry = _period(minutes)
    secret: dict[str, Any] = {"account_key": folder.key}
    if not folder.key:
        with ShareServiceClient(folder.url, **options) as service:
            secret = {"user_delegation_key": service.get_user_delegation_key(start=start, expiry=expiry)}

    def link(url: str, name: str) -> str:
        path = [part for part in (*folder.folder.split("/"), name) if part]
        allowed = FileSasPermissions(read=True)
        sas = generate_file_sas(
            folder.account, folder.name, path, permission=allowed, expiry=expiry, **secret
        )
        return f"{url}?{sas}"

    return link


def _blob_links(folder: Folder, minutes: int, options: dict[str, Any]) -> Callable[[str, str], str]:
    start, expiry = _period(minutes)
    sign: Callable[[str], str]
    if folder.key:
        allowed = BlobSasPermissions(read=True)
        sign = lambda name: generate_blob_sas(  # noqa: E731
            folder.account, folder.name, name, account_key=folder.key, permission=allowed, expiry=expiry
        )
    else:
        with BlobServiceClient(folder.url, **options) as service:
            key = service.get_user_delegation_key(start, expiry)
        sign = lambda name: read_signature(key, folder.account, folder.name, name, expiry)  # noqa: E731

    def link(url: str, name: str) -> str:
        return f"{url}?{sign(name)}"

    return link


def _period(minutes: int) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    return now, now + timedelta(minutes=minutes)
