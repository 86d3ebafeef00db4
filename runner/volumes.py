"""From the volumes of a document to volumes the drivers can mount, and from a path to its volume."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from pydantic import SecretStr

from runner.mounts.types import BLOB_CONTAINER, FILE_SERVER, FILE_SHARE, UNMANAGED, Volume
from shared.errors import MountError
from shared.settings import AccountEndpoints, Settings
from shared.spec import AzureStorageCredentials, MountVolumes


def volumes_of(mounts: MountVolumes | None, settings: Settings) -> tuple[Volume, ...]:
    """The volumes of a document in their order, with the keys and endpoints this installation knows.

    Raises MountError for a file share whose URL cannot be read.
    """
    if mounts is None:
        return ()
    return tuple(_volumes(mounts, settings))


def _volumes(mounts: MountVolumes, settings: Settings) -> Iterator[Volume]:
    for share in mounts.azure_file_shares:
        account, name, endpoint = share_address(share.azure_file_url)
        yield Volume(
            FILE_SHARE,
            share.relative_mount_path,
            account=share.account_name or account,
            key=_key(share.credentials, share.account_name or account, settings),
            share=name,
            endpoint=endpoint or _endpoints(settings, share.account_name or account).file,
            file_mode=share.file_mode,
            directory_mode=share.directory_mode,
        )
    for blobs in mounts.azure_blob_file_systems:
        yield Volume(
            BLOB_CONTAINER,
            blobs.relative_mount_path,
            account=blobs.account_name,
            key=_key(blobs.credentials, blobs.account_name, settings),
            container=blobs.container_name,
            endpoint=_endpoints(settings, blobs.account_name).blob,
            mount_options=blobs.mount_options or "",
        )
    for server in mounts.file_servers:
        yield Volume(
            FILE_SERVER,
            server.relative_mount_path,
            server=server.file_server.id,
            source_directory=server.source_directory or "",
            mount_options=server.mount_options or "",
        )
    for other in mounts.unmanaged_file_systems:
        yield Volume(UNMANAGED, other.relative_mount_path, mount_command=other.mount_command)


def share_address(url: str) -> tuple[str, str, str]:
    """(account, share, endpoint) of an azureFileUrl; endpoint "" for the public form
    https://<account>.file.core.windows.net/<share>, else the service URL of an emulator-style address
    http://host:port/<account>/<share>."""
    shown = url.partition("?")[0]  # what follows may be a signature
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    folders = [part for part in parts.path.split("/") if part]
    if ".file." in host and len(folders) == 1:
        return host.partition(".")[0], folders[0], ""
    if len(folders) == 2 and parts.netloc:
        return folders[0], folders[1], f"{parts.scheme}://{parts.netloc}/{folders[0]}"
    raise MountError(
        "AZFMountError",
        f"azureFileUrl '{shown}' is not the address of a share.",
        "Expected https://<account>.file.core.windows.net/<share>.",
    )


def _endpoints(settings: Settings, account: str) -> AccountEndpoints:
    return settings.endpoints.get(account, AccountEndpoints())


def _key(credentials: AzureStorageCredentials | None, account: str, settings: Settings) -> str:
    secret: SecretStr | None = credentials.account_key if credentials else None
    if secret is not None:
        return secret.get_secret_value()
    # The original's client looked the key of the configured account up as well.
    return settings.data_key if account and account == settings.data_account else ""


@dataclass(frozen=True)
class Place:
    """A path on a volume: which volume, and the path inside it ("" for its root)."""

    volume: Volume
    inner: str


def place_of(path: str, roots: Mapping[str, Iterable[Volume]]) -> Place | None:
    """The volume an absolute path lies on, or None for the node's own disk.

    `roots`: mount root -> volumes mounted under it. The deepest mount point wins.
    """
    wanted = PurePosixPath(posixpath.normpath(path))
    best: tuple[int, Place] | None = None
    for root, volumes in roots.items():
        for volume in volumes:
            point = PurePosixPath(root) / volume.relative_mount_path
            if wanted.is_relative_to(point):
                depth = len(point.parts)
                inner = str(wanted.relative_to(point))
                if best is None or depth > best[0]:
                    best = depth, Place(volume, "" if inner == "." else inner)
    return best[1] if best else None
