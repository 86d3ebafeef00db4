"""Rules over mountVolumes, of a job and of a cluster. PURE."""

import base64
import binascii
import itertools
import re
from collections.abc import Iterable, Iterator

from shared.documents.findings import Finding, Findings, Raw, warning
from shared.documents.rules.secrets import one_of, reference_rules
from shared.names.file_urls import STORAGE_NAME, file_share
from shared.names.ids import printable
from shared.names.paths import MountPoints, TakenFolders, mount_path_fault, relative_fault

KINDS = ("azureFileShares", "azureBlobFileSystems", "fileServers", "unmanagedFileSystems")
#: Each is a mount, and often a process, on every node of the job.
MOST_VOLUMES = 100
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_SAFE_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MODE = re.compile(r"0?[0-7]{3,4}")
_FILE_SERVER_ID = re.compile(r"/subscriptions/[^/\s]+/.+/fileservers/[^/\s]+/?", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9_\[][A-Za-z0-9._:\[\]-]{0,252}")
#: Somebody forgot to fill it in, which is reported elsewhere.
_PLACEHOLDER = re.compile(r"<[^<>/]*>")
_SPECIAL_CONTAINERS = ("$root", "$web", "$logs")


def volumes(mounts: Raw) -> Iterator[tuple[str, Raw]]:
    """(kind, volume) of every volume of a mountVolumes object, in the order they are mounted."""
    for kind in KINDS:
        for volume in mounts.children(kind):
            yield kind, volume


def volume_rules(mounts: Raw) -> Findings:
    """Everything about one mountVolumes object."""
    found = list(volumes(mounts))
    if len(found) > MOST_VOLUMES:
        message = f"mountVolumes holds {len(found):,} volumes; at most {MOST_VOLUMES} can be mounted."
        yield Finding(mounts.path, message, "Mount fewer shares or containers, and use folders in them.")
    for kind, volume in found[:MOST_VOLUMES]:
        yield from _target(volume)
        yield from _BY_KIND[kind](volume)
    yield from _distinct_targets(volume for _, volume in found[:MOST_VOLUMES])


def mount_points(mounts: Raw) -> MountPoints:
    """The relativeMountPath of every volume that can be mounted."""
    some = itertools.islice(volumes(mounts), MOST_VOLUMES)
    return MountPoints(target for _, volume in some if (target := volume.text("relativeMountPath")))


def _target(volume: Raw) -> Findings:
    target = volume.text("relativeMountPath")
    if not target:
        return
    fault = mount_path_fault(target)
    if fault:
        yield Finding(
            volume.at("relativeMountPath"), f"relativeMountPath {fault}.", "Write a folder such as logs."
        )
    elif "$" in target or target.startswith("~"):
        message = "relativeMountPath is taken literally; nothing in it is expanded."
        yield warning(volume.at("relativeMountPath"), message, "Write a plain folder.")


def _distinct_targets(found: Iterable[Raw]) -> Findings:
    """No two volumes on one folder, none inside another."""
    taken = TakenFolders()
    for volume in found:
        target = volume.text("relativeMountPath")
        if not target or mount_path_fault(target):
            continue
        if fault := taken.take(target):
            yield Finding(volume.at("relativeMountPath"), f"{printable(target)} {fault}.", _APART)


_APART = "Give each volume a folder of its own, beside the others."


def _file_share(volume: Raw) -> Findings:
    url, account = volume.text("azureFileUrl"), volume.text("accountName")
    hint = "Write https://<account>.file.core.windows.net/<share>."
    if url and "<" not in url:
        try:
            share = file_share(url)
        except ValueError as fault:
            yield Finding(volume.at("azureFileUrl"), f"{fault}.", hint)
        else:
            if account and "<" not in account and account != share.account_beside(account):
                message = f"accountName is not the account of azureFileUrl ({printable(share.account)})."
                yield warning(volume.at("accountName"), message, "The URL's counts; leave accountName out.")
    elif url and "<AZURE_BATCHAI_STORAGE_ACCOUNT>" not in url:
        yield Finding(
            volume.at("azureFileUrl"), "azureFileUrl holds a placeholder that nothing fills in.", hint
        )
    for key in ("fileMode", "directoryMode"):
        mode = volume.text(key)
        if mode is not None and not _MODE.fullmatch(mode):
            yield Finding(volume.at(key), f"{key} must be an octal mode.", 'Write "0777".')
    yield from _account(volume)


def _container(volume: Raw) -> Findings:
    name = volume.text("containerName")
    named = name and (STORAGE_NAME.fullmatch(name) or name in _SPECIAL_CONTAINERS)
    if name and not named and not _PLACEHOLDER.fullmatch(name):
        hint = "3 to 63 lower-case letters, digits and single hyphens."
        yield Finding(volume.at("containerName"), f"{printable(name)} is no name of a blob container.", hint)
    yield from _account(volume)


def _account(volume: Raw) -> Findings:
    account = volume.text("accountName")
    if account and not _PLACEHOLDER.fullmatch(account) and not _ACCOUNT.fullmatch(account):
        message = f"{printable(account)} is no name of a storage account."
        finding = warning if _SAFE_ACCOUNT.fullmatch(account) else Finding
        yield finding(volume.at("accountName"), message, "3 to 24 lower-case letters and digits.")
    credentials = volume.child("credentials")
    yield from one_of(credentials, "accountKey", "accountKeySecretReference", required=False)
    yield from reference_rules(credentials.child("accountKeySecretReference"))
    key = credentials.text("accountKey")
    if key is not None and "<" not in key and not _is_base64(key):
        yield warning(credentials.at("accountKey"), "accountKey is not base64; storage will refuse it.", "")


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text.strip(), validate=True))
    except (binascii.Error, ValueError):
        return False


def _file_server(volume: Raw) -> Findings:
    server = volume.child("fileServer")
    name, source = server.text("id"), volume.text("sourceDirectory")
    if name and not _FILE_SERVER_ID.fullmatch(name) and not _HOST.fullmatch(name):
        hint = "Write its ARM id (/subscriptions/.../fileservers/<name>), its host name or its address."
        yield Finding(server.at("id"), "This is not the id of a file server.", hint)
    if source is not None and source.strip("/"):
        fault = relative_fault(source.lstrip("/"))
        if fault:
            yield Finding(
                volume.at("sourceDirectory"), f"sourceDirectory {fault}.", "Write a folder of the server."
            )


def _unmanaged(volume: Raw) -> Findings:
    command = volume.text("mountCommand")
    if command and (not command.strip() or "\n" in command):
        hint = "Write one line, without the target folder: it is appended."
        yield Finding(volume.at("mountCommand"), "mountCommand must be one command.", hint)


_BY_KIND = {
    "azureFileShares": _file_share,
    "azureBlobFileSystems": _container,
    "fileServers": _file_server,
    "unmanagedFileSystems": _unmanaged,
}
