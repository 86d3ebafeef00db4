"""The names of the files in a folder on a share or in a container, and the end of one of them."""

from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ContainerClient
from azure.storage.fileshare import ShareClient

from shared.stores.volumes.listing import Folder, explained, options_of

#: Names of one folder that are looked at.
_MOST_NAMES = 5_000


def list_names(kind: str, folder: Folder) -> list[str]:
    """The names of the files in a folder; a missing folder is an empty one. `kind`: "share" or "container".

    Raises StoreError, RequestError where the account lets nobody in.
    """
    with explained(folder, kind):
        try:
            return _names_of_share(folder) if kind == "share" else _names_in_container(folder)
        except ResourceNotFoundError:
            return []


def _names_of_share(folder: Folder) -> list[str]:
    with ShareClient(folder.url, folder.name, **_options(folder, "share")) as share:
        found = share.get_directory_client(folder.folder).list_directories_and_files()
        return [
            item.name for item, _ in zip(found, range(_MOST_NAMES), strict=False) if not item.is_directory
        ]


def _names_in_container(folder: Folder) -> list[str]:
    prefix = f"{folder.folder}/" if folder.folder else ""
    with ContainerClient(folder.url, folder.name, **_options(folder, "container")) as container:
        found = container.walk_blobs(prefix, delimiter="/")
        names = [item.name for item, _ in zip(found, range(_MOST_NAMES), strict=False)]
    return [name.removeprefix(prefix) for name in names if not name.endswith("/")]


def read_end(kind: str, folder: Folder, name: str, most: int) -> str:
    """The last `most` bytes of a file as text, "" of one that is empty or gone. Raises as `list_names`."""
    with explained(folder, kind):
        try:
            data = _end_on_share(folder, name, most) if kind == "share" else _end_of_blob(folder, name, most)
        except ResourceNotFoundError:
            return ""
        except HttpResponseError as error:
            if error.status_code != 416:  # the file is empty, or was cut since it was measured
                raise
            return ""
    return data.decode("utf-8", "replace")


def _end_on_share(folder: Folder, name: str, most: int) -> bytes:
    with ShareClient(folder.url, folder.name, **_options(folder, "share")) as share:
        file = share.get_directory_client(folder.folder).get_file_client(name)
        size = int(file.get_file_properties().size)
        if not size:
            return b""
        start = max(0, size - most)
        return bytes(file.download_file(offset=start, length=size - start).readall())


def _end_of_blob(folder: Folder, name: str, most: int) -> bytes:
    path = f"{folder.folder}/{name}" if folder.folder else name
    with ContainerClient(folder.url, folder.name, **_options(folder, "container")) as container:
        blob = container.get_blob_client(path)
        size = int(blob.get_blob_properties().size)
        if not size:
            return b""
        start = max(0, size - most)
        return bytes(blob.download_blob(offset=start, length=size - start).readall())


def _options(folder: Folder, kind: str) -> dict[str, Any]:
    intent = {} if folder.key or kind != "share" else {"token_intent": "backup"}
    return options_of(folder) | intent
