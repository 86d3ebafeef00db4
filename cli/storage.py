"""Volumes that options name, and storage accounts filled in as the original client did.

An account and key given here (options, environment, configuration) replace the placeholders. Where none is
given they are left to the service, which fills in its own account.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from cli.faults import Fault
from cli.options import Function
from cli.session import Session, named
from shared.documents.findings import Finding, Raw
from shared.documents.placeholders import ACCOUNT, KEY, OwnStorage, complete_volumes
from shared.names.ids import Scope
from shared.names.service_urls import service_url

#: Names of the original client.
AUTO_SHARE, AUTO_SHARE_PATH = "batchaishare", "autoafs"
AUTO_CONTAINER, AUTO_CONTAINER_PATH = "batchaicontainer", "autobfs"


@dataclass(frozen=True)
class Mounts:
    """What the options say of volumes."""

    account_name: str | None = None
    account_key: str | None = None
    afs_name: str | None = None
    afs_mount_path: str = "afs"
    bfs_name: str | None = None
    bfs_mount_path: str = "bfs"
    nfs: str | None = None
    nfs_mount_path: str = "nfs"

    @property
    def any(self) -> bool:
        return bool(self.afs_name or self.bfs_name or self.nfs)


def mount_options(function: Function) -> Function:
    """The options of Mounts, given to the function one by one."""
    options = (
        click.option(
            "account_name",
            "--storage-account-name",
            help="Fills <AZURE_BATCHAI_STORAGE_ACCOUNT>; account of --afs-name and --bfs-name.  "
            "[default: the environment's AZURE_BATCHAI_STORAGE_ACCOUNT, else the installation's own]",
        ),
        click.option(
            "account_key",
            "--storage-account-key",
            help="Its key, seen by everybody on this machine while the command runs: prefer the "
            "environment's AZURE_BATCHAI_STORAGE_KEY.",
        ),
        click.option("--afs-name", help="An Azure file share to mount."),
        click.option("--afs-mount-path", default="afs", show_default=True, help="Below the mount root."),
        click.option("--bfs-name", help="A blob container to mount."),
        click.option("--bfs-mount-path", default="bfs", show_default=True, help="Below the mount root."),
        click.option("--nfs", help="A file server to mount: its name, or ARM id."),
        click.option("--nfs-mount-path", default="nfs", show_default=True, help="Below the mount root."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def completed(
    session: Session, volumes: dict[str, Any] | None, mounts: Mounts, auto: bool = False
) -> dict[str, Any] | None:
    """A mountVolumes object with accounts filled in and the volumes of the options added. Raises Fault."""
    own = _own(session, mounts)
    made = _filled(volumes, own) if volumes else {}
    account = own.account or ACCOUNT
    if mounts.nfs:
        server = _file_server(session.scope, session, mounts.nfs)
        session.api.get(server)
        _add(made, "fileServers", mounts.nfs_mount_path, fileServer={"id": server}, mountOptions="rw")
    if mounts.afs_name:
        _add_share(made, account, mounts.afs_name, mounts.afs_mount_path, own.key)
    if mounts.bfs_name:
        _add_container(made, account, mounts.bfs_name, mounts.bfs_mount_path, own.key)
    if auto:
        # Always the installation's own account: the service fills in its name and key.
        _add_share(made, ACCOUNT, AUTO_SHARE, AUTO_SHARE_PATH, None)
        _add_container(made, ACCOUNT, AUTO_CONTAINER, AUTO_CONTAINER_PATH, None)
    return made or volumes


def _own(session: Session, mounts: Mounts) -> OwnStorage:
    """The account to fill in. A key belongs to its account: one of an option is used with no other name."""
    if mounts.account_name:
        key = mounts.account_key
        if not key and session.value("storage_account") in ("", mounts.account_name):
            key = session.value("storage_key")
        return OwnStorage(mounts.account_name, key or None)
    key = mounts.account_key or session.value("storage_key")
    return OwnStorage(session.value("storage_account") or None, key or None)


def _filled(volumes: dict[str, Any], own: OwnStorage) -> dict[str, Any]:
    if not own.account and not own.key:
        return complete_volumes(Raw(volumes, ()), OwnStorage(None, None), lambda _: None)
    found: list[Finding] = []
    made = complete_volumes(Raw(volumes, ()), own, found.append)
    if own.account and any(finding.path[-1:] == ("accountKey",) for finding in found):
        raise Fault(
            f"{KEY} is to be filled in, and no key of {own.account} is known",
            "Set AZURE_BATCHAI_STORAGE_KEY, or give --storage-account-key.",
        )
    return made


def _file_server(scope: Scope, session: Session, name: str) -> str:
    if name.startswith("/"):
        return name
    return f"{session.workspace()}/fileServers/{named('file server', name)}"


def _add_share(made: dict[str, Any], account: str, share: str, path: str, key: str | None) -> None:
    # By the public cloud's name, as the original client wrote it: other clouds' installations mean their own.
    url = f"{service_url(account, 'file')}/{share}"
    _add(made, "azureFileShares", path, key, accountName=account, azureFileUrl=url)


def _add_container(made: dict[str, Any], account: str, container: str, path: str, key: str | None) -> None:
    _add(made, "azureBlobFileSystems", path, key, accountName=account, containerName=container)


def _add(made: dict[str, Any], kind: str, path: str, key: str | None = None, **volume: Any) -> None:
    if not path:
        raise Fault("the mount path of a volume is empty", "Leave the option out for its default.", 2)
    others: Sequence[Any] = made.get(kind) or ()
    credentials = {"credentials": {"accountKey": key}} if key else {}
    made[kind] = [*others, {**volume, **credentials, "relativeMountPath": path}]
