"""Blob receipts: which version of a blob was already handed to which function.

`azure-webjobs-hosts/blobreceipts/<host id>/<function id>/<etag>/<container>/<name>`, as the real host has it.
Here the blob's existence is the receipt; the real one adds a Completed mark, for several hosts at once.
"""

import hashlib

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

HOSTS_CONTAINER = "azure-webjobs-hosts"
_LONGEST_BLOB_NAME = 1024


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
        self._prefix = f"blobreceipts/{host_id}/{function_id}/"
        self._container = container

    def load(self) -> set[str]:
        """Every receipt there is, one listing per 5000."""
        try:
            return set(self._hosts.list_blob_names(name_starts_with=self._prefix))
        except ResourceNotFoundError:
            return set()

    def name(self, blob: str, etag: str) -> str:
        """Where the receipt of a version stands. `etag` is quoted."""
        name = f"{self._prefix}{etag}/{self._container}/{blob}"
        if len(name) <= _LONGEST_BLOB_NAME:
            return name
        return f"{self._prefix}{etag}/{self._container}/sha256-{hashlib.sha256(blob.encode()).hexdigest()}"

    def write(self, blob: str, etag: str) -> None:
        receipt = self._hosts.get_blob_client(self.name(blob, etag))
        try:
            receipt.upload_blob(b"", overwrite=True)
        except ResourceNotFoundError:
            create_container(self._hosts)
            receipt.upload_blob(b"", overwrite=True)
