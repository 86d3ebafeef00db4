"""Blob receipts: which version of a blob was already handed to which function.

One append blob per function and container in `azure-webjobs-hosts`, with a line [ETag, name] per version:
`blobreceipts/<host id>/<function id>/<container>.jsonl`. A scan that hands over many blobs writes once. The
real host has an empty blob per version, with a Completed mark, for several hosts at once.
"""

import json
from collections.abc import Iterable

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

HOSTS_CONTAINER = "azure-webjobs-hosts"
#: ETag (quoted) and name.
Receipt = tuple[str, str]
#: Of one append (Azure Storage: 4 MiB up to version 2022-11-02).
_MOST_BYTES = 2 * 1024 * 1024
#: Azure Storage takes 50,000 appends; then the receipts of what is still there are written anew.
_TOO_MANY = "BlockCountExceedsLimit"


def create_container(container: ContainerClient) -> None:
    """Create a container; one that exists already is fine."""
    try:
        container.create_container()
    except ResourceExistsError:
        pass


class Receipts:
    """The receipts of one function for one container."""

    def __init__(self, hosts: ContainerClient, host_id: str, function_id: str, container: str) -> None:
        self._hosts = hosts
        self._folder = f"blobreceipts/{host_id}/{function_id}/"
        self._container = container
        self._blob = hosts.get_blob_client(f"{self._folder}{container}.jsonl")

    def load(self) -> set[Receipt]:
        """Every receipt there is: one download."""
        try:
            lines = self._blob.download_blob().readall().splitlines()
        except ResourceNotFoundError:
            return self._of_earlier_versions()
        return {(etag, name) for etag, name in map(json.loads, lines)}

    def write(self, handed: Iterable[Receipt]) -> None:
        """Add receipts: one append, unless there are very many."""
        for part in _parts(handed):
            try:
                self._blob.append_block(part)
            except ResourceNotFoundError:
                self._make()
                self._blob.append_block(part)
            except HttpResponseError as error:
                if getattr(error, "error_code", "") != _TOO_MANY:
                    raise
                self.replace(self.load())
                self._blob.append_block(part)

    def replace(self, receipts: Iterable[Receipt]) -> None:
        """Write these in the place of all there are. A crash in between costs receipts: their blobs are
        handed over once more."""
        self._make()
        for part in _parts(receipts):
            self._blob.append_block(part)

    def _make(self) -> None:
        try:
            self._blob.create_append_blob()
        except ResourceNotFoundError:
            create_container(self._hosts)
            self._blob.create_append_blob()

    def _of_earlier_versions(self) -> set[Receipt]:
        """Until 2026-11 each receipt was an empty blob `<ETag>/<container>/<name>`. Long names had a digest
        instead: those blobs are handed over once more, which changes nothing."""
        try:
            paths = list(self._hosts.list_blob_names(name_starts_with=f'{self._folder}"'))
        except ResourceNotFoundError:
            return set()
        found = {_of_path(path.removeprefix(self._folder), self._container) for path in paths}
        receipts = {receipt for receipt in found if receipt}
        if receipts:
            self.replace(receipts)
        return receipts


def _of_path(path: str, container: str) -> Receipt | None:
    etag, _, rest = path.partition("/")
    where, _, name = rest.partition("/")
    return (etag, name) if where == container else None


def _parts(receipts: Iterable[Receipt]) -> Iterable[bytes]:
    """Lines, in as few parts as one append takes."""
    part = b""
    for etag, name in receipts:
        line = json.dumps([etag, name]).encode() + b"\n"
        if part and len(part) + len(line) > _MOST_BYTES:
            yield part
            part = b""
        part += line
    if part:
        yield part
