"""What a folder on a share or in a container holds, with links to read it. One level, sorted by name."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobSasPermissions, BlobServiceClient, ContainerClient, generate_blob_sas
from azure.storage.fileshare import (
    FileSasPermissions,
    ShareClient,
    ShareDirectoryClient,
    ShareServiceClient,
    generate_file_sas,
)

from shared.stores.volumes.delegation import read_signature
from shared.stores.volumes.folders import Folder, explained, options_of

#: Sizes of a live job's files are asked one by one; this many at a time.
_AT_A_TIME = 8


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


def list_share(folder: Folder, minutes: int, most: int, marker: str, growing: bool) -> Listing:
    """A page of a folder on a file share; a missing folder is an empty one.

    `minutes`: for which links are good; 0: none are given, which may save a call. `growing`: ask every file
    for its size, for a listing may be behind while a file is written over SMB.
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
        if not minutes:
            return _listing(files, [""] * len(files), rest)
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
        if not minutes:
            return _listing(files, [""] * len(files), rest)
        link = _blob_links(folder, minutes, options)
        urls = (
            link(container.get_blob_client(prefix + f.name).url, prefix + f.name)
            if not f.is_directory
            else ""
            for f in files
        )
        return _listing(files, urls, rest)


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
