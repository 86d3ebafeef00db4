"""Auto storage: the share and the container that a cluster may mount without anybody having made them.

The original's client made both, and a storage account for them, for `--use-auto-storage`. Here they belong
to the installation's own account and are made when a cluster that mounts them is accepted, however it came.
"""

from collections.abc import Iterator

from shared.errors import Problem, Severity, StoreError
from shared.file_urls import file_share
from shared.settings import AccountEndpoints, Settings
from shared.spec import MountVolumes
from shared.stores.containers import ContainerAddress, create_container
from shared.stores.shares import ShareAddress, create_share

#: Names of the original's client; it mounted them at autoafs and autobfs.
SHARE, CONTAINER = "batchaishare", "batchaicontainer"
_KINDS = "$.properties.nodeSetup.mountVolumes"


def ensure(mounts: MountVolumes | None, settings: Settings) -> tuple[Problem, ...]:
    """Make what is missing of the two, where `mounts` names them in the installation's own account.

    What cannot be made is a warning: the cluster is right, and its nodes say so too when they mount.
    """
    if mounts is None or not settings.data_account:
        return ()
    return tuple(_ensure(mounts, settings))


def _ensure(mounts: MountVolumes, settings: Settings) -> Iterator[Problem]:
    account, key = settings.data_account, settings.data_key
    urls = settings.endpoints.get(account, AccountEndpoints())
    for number, share in enumerate(mounts.azure_file_shares):
        try:
            named = file_share(share.azure_file_url)
        except ValueError:
            continue
        if (named.account, named.share) == (account, SHARE):
            endpoint = urls.file if named.is_public else named.endpoint
            if not key and not named.may_see_tokens(urls.file):
                continue
            try:
                create_share(ShareAddress(account, SHARE, key, endpoint))
            except StoreError as error:
                yield _warning(f"{_KINDS}.azureFileShares[{number}]", f"share '{SHARE}'", error)
    for number, blobs in enumerate(mounts.azure_blob_file_systems):
        if (blobs.account_name, blobs.container_name) == (account, CONTAINER):
            try:
                create_container(ContainerAddress(account, CONTAINER, key, urls.blob))
            except StoreError as error:
                path = f"{_KINDS}.azureBlobFileSystems[{number}]"
                yield _warning(path, f"container '{CONTAINER}'", error)


def _warning(path: str, what: str, error: StoreError) -> Problem:
    hint = "Make it, or check the installation's AZURE_BATCHAI_STORAGE_KEY and drop the document again."
    return Problem(
        0, 0, path, f"the {what} of auto storage could not be made: {error}.", hint, Severity.WARNING
    )
