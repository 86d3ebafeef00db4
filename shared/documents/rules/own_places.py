"""Rules over volumes that would reach what the installation itself lives on. PURE."""

from collections.abc import Iterator

from shared.documents.findings import Finding, Findings, Raw
from shared.documents.own_places import OwnPlaces
from shared.names.file_urls import file_share
from shared.names.ids import is_file_server_id


def own_place_rules(mounts: Raw, places: OwnPlaces) -> Findings:
    """Volumes of a mountVolumes object, placeholders filled in, that no document may mount."""
    for volume, key, fault in _faults(mounts, places):
        if fault:
            yield Finding(volume.at(key), fault, "")


def _faults(mounts: Raw, places: OwnPlaces) -> Iterator[tuple[Raw, str, str | None]]:
    """(volume, the member that is wrong, what is wrong with it or None)."""
    for volume in mounts.children("azureBlobFileSystems"):
        account, name = volume.text("accountName") or "", volume.text("containerName") or ""
        yield volume, "containerName", places.container_fault(account, name)
    for volume in mounts.children("azureFileShares"):
        try:
            share = file_share(volume.text("azureFileUrl") or "")
        except ValueError:
            continue  # reported by the rules of volumes
        accounts = (share.account, volume.text("accountName") or "")
        yield volume, "azureFileUrl", places.share_fault(accounts, share.endpoint, share.share)
    for volume in mounts.children("fileServers"):
        host = volume.child("fileServer").text("id") or ""
        if not is_file_server_id(host):
            yield volume, "fileServer", places.server_fault(host, volume.text("sourceDirectory") or "")
