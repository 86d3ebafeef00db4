"""The two placeholders, and the storage credentials the original's client filled in. PURE.

The order is the original client's: the account is taken from the URL before anything is replaced; accountName
and accountKey are replaced where they are the whole value, azureFileUrl anywhere in it; nothing else is.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.documents.findings import Finding, Raw, note, warning
from shared.documents.own_places import NO_PLACES, OwnPlaces
from shared.names.file_urls import account_of, file_share

ACCOUNT = "<AZURE_BATCHAI_STORAGE_ACCOUNT>"
KEY = "<AZURE_BATCHAI_STORAGE_KEY>"
Report = Callable[[Finding], None]

_NO_ACCOUNT = "This installation has no storage account of its own to fill in."
_NO_KEY = "This installation has no storage key of its own to fill in."
_SET_ACCOUNT = "Write the account's name, or have AZURE_BATCHAI_STORAGE_ACCOUNT set there."
_SET_KEY = "Give the key or a Key Vault reference, or have AZURE_BATCHAI_STORAGE_KEY set there."
_NO_CREDENTIALS = "credentials are missing; it can be mounted only where the node has it or may open it."


@dataclass(frozen=True)
class OwnStorage:
    """The storage account of the installation itself, and what of its storage no document may name."""

    account: str | None
    key: str | None
    places: OwnPlaces = NO_PLACES

    def __repr__(self) -> str:
        return f"OwnStorage(account={self.account!r}, key=...)"


def complete_volumes(mounts: Raw, own: OwnStorage, report: Report) -> dict[str, Any]:
    """A copy of a mountVolumes object with placeholders and credentials filled in."""
    filled = Raw(copy.deepcopy(mounts.value), mounts.path)
    for share in filled.children("azureFileShares"):
        message = _account_from_url(share)
        _fill_account(share, own, report)
        _fill_url(share, own, report)
        _fill_key(share, own, report, message, _account_of(share))
    for container in filled.children("azureBlobFileSystems"):
        _fill_account(container, own, report)
        _fill_key(container, own, report, "", container.text("accountName") or "")
    return filled.value


def _account_from_url(share: Raw) -> str:
    """Take a missing accountName from the URL. Returns the words for it, or nothing."""
    if share.value.get("accountName") not in (None, ""):
        return ""
    account = account_of(share.text("azureFileUrl") or "")
    if not account:
        return ""
    share.value["accountName"] = account
    return "accountName is missing; it was taken from azureFileUrl."


def _fill_account(volume: Raw, own: OwnStorage, report: Report) -> None:
    if volume.text("accountName") != ACCOUNT:
        return
    if own.account:
        volume.value["accountName"] = own.account
    elif ACCOUNT not in (volume.text("azureFileUrl") or ""):
        report(Finding(volume.at("accountName"), _NO_ACCOUNT, _SET_ACCOUNT))


def _fill_url(share: Raw, own: OwnStorage, report: Report) -> None:
    url = share.text("azureFileUrl")
    if url is None or ACCOUNT not in url:
        return
    if own.account:
        share.value["azureFileUrl"] = url.replace(ACCOUNT, own.account)
    else:
        report(Finding(share.at("azureFileUrl"), _NO_ACCOUNT, _SET_ACCOUNT))


def _account_of(share: Raw) -> str:
    """The account that a share's URL and accountName mean together."""
    name = share.text("accountName") or ""
    try:
        return file_share(share.text("azureFileUrl") or "").account_beside(name)
    except ValueError:
        return name


def _fill_key(volume: Raw, own: OwnStorage, report: Report, message: str, account: str) -> None:
    """Fill the key placeholder; give the installation's own account its key; note what was done. `account`:
    the volume's."""
    credentials = volume.child("credentials")
    if credentials.text("accountKey") == KEY:
        if own.key:
            credentials.value["accountKey"] = own.key
        else:
            report(Finding(credentials.at("accountKey"), _NO_KEY, _SET_KEY))
    elif "accountKey" not in credentials and "accountKeySecretReference" not in credentials:
        if "credentials" in volume and not isinstance(volume.value["credentials"], dict):
            return
        if own.account and account == own.account and own.key:
            volume.value["credentials"] = {"accountKey": own.key}
            message = f"{message} credentials are missing; the installation's own were filled in.".strip()
        elif ACCOUNT not in (volume.text("accountName") or ""):
            report(warning(volume.path, _NO_CREDENTIALS, _SET_KEY))
    if message:
        report(note(volume.path, message))
