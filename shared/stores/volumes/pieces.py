"""Pieces of files on shares and in containers, read while the files grow: one storage call each."""

import functools
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ContainerClient
from azure.storage.fileshare import ShareClient

from shared.stores.connection import CallCounter, counting_transport
from shared.stores.volumes.folders import Folder, explained, options_of

#: Appends are of at most so many bytes, one after the other: zeros further from the end are meant.
_MOST_APPENDED = 4 * 1024 * 1024
_CLIENTS = 32  #: accounts whose connections are kept open


@dataclass(frozen=True)
class Piece:
    """Bytes of a file from `offset` on, and how long it was then."""

    data: bytes
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + len(self.data)

    def solid(self) -> "Piece":
        """Without zeros that may be bytes to come: a file on a share grows first and is filled then."""
        if self.size - self.end >= _MOST_APPENDED:
            return self
        return Piece(self.data.rstrip(b"\0"), self.offset, self.size)


class PieceReader:
    """Reads files below one folder. Thread-safe; the connections are shared with other readers."""

    def __init__(self, kind: str, folder: Folder, counter: CallCounter | None = None) -> None:
        """`kind`: "share" or "container". Opens no connection yet."""
        self._kind, self._folder = kind, folder
        self._client = _client(kind, folder.url, folder.name, _Credential(folder), counter)

    def read(self, path: str, offset: int, most: int) -> Piece | None:
        """At most `most` bytes from `offset` on; where that is negative, of the last `-offset` ones (one call
        more). None where there is no such file. Raises StoreError, RequestError where nobody is let in."""
        with explained(self._folder, self._kind, "reading"):
            try:
                file = self._file(path)
                if offset < 0:
                    offset = max(0, _size(file) + offset)
                return self._piece(file, offset, most)
            except ResourceNotFoundError:
                return None

    def _file(self, path: str) -> Any:
        whole = f"{self._folder.folder}/{path}".strip("/")
        if self._kind == "share":
            return self._client.get_file_client(whole)
        return self._client.get_blob_client(whole)

    def _piece(self, file: Any, offset: int, most: int) -> Piece:
        # A byte that is there is asked for too, so that the answer says how long the file is also where
        # nothing follows.
        before = min(offset, 1)
        try:
            found = self._download(file, offset - before, most + before)
        except HttpResponseError as error:
            if error.status_code != 416:
                raise
            return Piece(b"", offset, _size(file) if offset else 0)
        size = int(str(found.properties.content_range).rpartition("/")[2])
        return Piece(found.readall()[before:], offset, size)

    def _download(self, file: Any, offset: int, length: int) -> Any:
        read = file.download_file if self._kind == "share" else file.download_blob
        return read(offset=offset, length=length)


def _size(file: Any) -> int:
    read = getattr(file, "get_file_properties", None) or file.get_blob_properties
    return int(read().size)


class _Credential:
    """A folder's account, distinguished from others by name and key. Not shown."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Credential) and self._whose() == other._whose()

    def __hash__(self) -> int:
        return hash(self._whose())

    def _whose(self) -> tuple[str, str]:
        return self.folder.account, self.folder.key


@functools.lru_cache(maxsize=_CLIENTS)
def _client(kind: str, url: str, name: str, whose: _Credential, counter: CallCounter | None) -> Any:
    options = options_of(whose.folder)
    if counter:
        options["transport"] = counting_transport(counter, "data")
    if kind == "share":
        return ShareClient(url, name, **options | ({} if whose.folder.key else {"token_intent": "backup"}))
    return ContainerClient(url, name, **options)
