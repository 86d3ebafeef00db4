"""From the volumes of a document to volumes the drivers can mount, and from a path to its volume."""

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from runner.machine.trusted_path import TrustedPath
from runner.mounts.types import BLOB_CONTAINER, FILE_SERVER, FILE_SHARE, UNMANAGED, Volume
from shared.documents.own_places import own_places
from shared.documents.spec import AzureFileShare, FileServer, MountVolumes
from shared.environment.volume_addresses import StoragePlace, container_place, share_place
from shared.errors import MountError, NotFoundError
from shared.names.ids import file_server_from_arm_id
from shared.settings import Settings
from shared.stores.workspace_table import Row

#: (workspace, name) -> the row of a file server. Raises NotFoundError.
FindServer = Callable[[str, str], Row]


def volumes_of(
    mounts: MountVolumes | None, settings: Settings, find_server: FindServer
) -> tuple[Volume, ...]:
    """The volumes of a document in their order, with keys, endpoints and servers this installation knows.

    Raises MountError for a file share whose URL cannot be read, for an unknown file server, and for what the
    installation itself lives on: also in documents that were accepted before that was refused on submission.
    """
    if mounts is None:
        return ()
    return tuple(_volumes(mounts, settings, find_server))


def _allowed(volume: Volume, fault: str | None) -> Volume:
    """The volume itself. Raises MountError for a fault in what it names."""
    if fault:
        raise MountError(volume.code, f"{volume} is not mounted. {fault}")
    return volume


def _volumes(mounts: MountVolumes, settings: Settings, find_server: FindServer) -> Iterator[Volume]:
    places = own_places(settings)
    for share in mounts.azure_file_shares:
        place = _share_place(share, settings)
        volume = Volume(
            FILE_SHARE,
            share.relative_mount_path,
            account=place.account,
            key=place.key,
            share=place.name,
            endpoint=place.endpoint,
            identity_client_id=settings.identity_client_id,
            file_mode=share.file_mode,
            directory_mode=share.directory_mode,
        )
        yield _allowed(volume, place.closed)
    for blobs in mounts.azure_blob_file_systems:
        place = container_place(blobs, settings)
        volume = Volume(
            BLOB_CONTAINER,
            blobs.relative_mount_path,
            account=place.account,
            key=place.key,
            container=place.name,
            endpoint=place.endpoint,
            identity_client_id=settings.identity_client_id,
            mount_options=blobs.mount_options or "",
        )
        yield _allowed(volume, place.closed)
    for server in mounts.file_servers:
        host, directory = _server_address(server, settings, find_server)
        volume = Volume(
            FILE_SERVER,
            server.relative_mount_path,
            server=host,
            source_directory=directory,
            mount_options=server.mount_options or "",
        )
        yield _allowed(volume, places.server_fault(host, directory))
    for other in mounts.unmanaged_file_systems:
        yield Volume(UNMANAGED, other.relative_mount_path, mount_command=other.mount_command)


def _share_place(share: AzureFileShare, settings: Settings) -> StoragePlace:
    try:
        place = share_place(share, settings)
    except ValueError as error:
        # What is left out may be a secret.
        shown = share.azure_file_url.partition("?")[0].rpartition("@")[2]
        raise MountError(
            "AZFMountError",
            f"azureFileUrl '{shown}' is not the address of a share: {error}.",
            "Expected https://<account>.file.core.windows.net/<share>.",
        ) from None
    if place.opens:
        return place
    # Whoever answers there would be given a token that opens every account the runner may use.
    raise MountError(
        "AZFMountError",
        f"share {place.name} at {place.endpoint} has no credentials, and this runner's identity is "
        "shown to file services of Azure only.",
        "Give credentials.accountKey or accountKeySecretReference.",
    )


def _server_address(server: FileServer, settings: Settings, find_server: FindServer) -> tuple[str, str]:
    """(host, absolute directory, "" for the server's root) of a file server.

    `fileServer.id` is a host, or the ARM id of a file server whose mountSettings say where somebody runs it.
    """
    inside = (server.source_directory or "").strip("/")
    named = file_server_from_arm_id(server.file_server.id, settings.scope)
    if named is None:
        return server.file_server.id, f"/{inside}" if inside else ""
    workspace, name = named[0] or settings.default_workspace, named[1]
    try:
        row = find_server(workspace, name)
    except NotFoundError:
        raise MountError(
            "NFSMountError",
            f"there is no file server '{name}' in workspace '{workspace}'.",
            "Create it with its mountSettings, or give fileServer.id the name or address of an NFS server.",
        ) from None
    place = row.detail.get("mountSettings")
    if not place:
        raise MountError(
            "NFSMountError",
            f"the file server '{row.name}' has no mountSettings: nobody has said where it runs.",
            "Batch AI's own file servers are gone. Create it with mountSettings.fileServerInternalIP and "
            "mountPoint of an NFS server, or give fileServer.id that server's name or address.",
        )
    return place["fileServerInternalIP"], f"{place['mountPoint'].rstrip('/')}/{inside}".rstrip("/")


@dataclass(frozen=True)
class Place:
    """A path on a volume: which volume, and the path inside it ("" for its root)."""

    volume: Volume
    inner: str
    target: str  #: where the volume is mounted


def trusted_path_of(path: str, node_root: str, roots: Mapping[str, Iterable[Volume]]) -> TrustedPath:
    """What an absolute path stands on; `roots` as for `place_of`."""
    if place := place_of(path, roots):
        return TrustedPath(place.target, place.inner)
    wanted = PurePosixPath(posixpath.normpath(path))
    if wanted.is_relative_to(node_root):
        return TrustedPath(node_root, str(wanted.relative_to(node_root)))
    return TrustedPath("", str(wanted))


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
                    best = depth, Place(volume, "" if inner == "." else inner, str(point))
    return best[1] if best else None
