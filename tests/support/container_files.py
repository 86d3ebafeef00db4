"""`ContainerFiles` over a real container, for the tests of the copy driver."""

from collections.abc import Iterable
from pathlib import Path

from azure.storage.blob import BlobProperties, ContainerClient


class SdkContainerFiles:
    """The SDK's container client in the three words the driver knows; `refused` names fail to upload."""

    def __init__(self, client: ContainerClient, refused: frozenset[str] = frozenset()) -> None:
        self._client = client
        self._refused = refused

    def list(self) -> Iterable[BlobProperties]:
        return list(self._client.list_blobs())

    def download(self, name: str, path: Path) -> None:
        with path.open("wb") as file:
            self._client.download_blob(name).readinto(file)

    def upload(self, name: str, path: Path) -> str:
        # A lease held by somebody else is how Azure itself refuses a write.
        if name in self._refused:
            self._client.get_blob_client(name).acquire_lease()
        with path.open("rb") as file:
            written = self._client.get_blob_client(name).upload_blob(file, overwrite=True)
        return str(written["etag"]).strip('"')  # a listing shows it without
