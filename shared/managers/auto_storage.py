"""Auto storage: the share and the container that a cluster may mount without anybody having made them.

The original's client made both, and a storage account for them, for `--use-auto-storage`. Here they belong
to the installation's own account and are made when a cluster that mounts them is accepted, however it came.
"""

from collections.abc import Iterator

from shared.documents.spec import MountVolumes
from shared.environment.volume_addresses import container_place, share_place
from shared.errors import Problem, Severity, StoreError
from shared.settings import Settings
from shared.stores.volumes.blob_containers import ContainerAddress, create_container

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
    account = settings.data_account
    for number, share in enumerate(mounts.azure_file_shares):
        try:
            place = share_place(share, settings)
        except ValueError:
            continue
        if (place.account, place.name) == (account, SHARE) and place.opens and not place.closed:
            try:
                _make_share(account, place.key, place.endpoint)
            except StoreError as error:
                yield _warning(f"{_KINDS}.azureFileShares[{number}]", f"share '{SHARE}'", error)
    for number, blobs in enumerate(mounts.azure_blob_file_systems):
        place = container_place(blobs, settings)
        if (place.account, place.name) == (account, CONTAINER) and not place.closed:
            try:
                create_container(ContainerAddress(account, CONTAINER, place.key, place.endpoint))
            except StoreError as error:
                path = f"{_KINDS}.azureBlobFileSystems[{number}]"
                yield _warning(path, f"container '{CONTAINER}'", error)


def _make_share(account: str, key: str, endpoint: str) -> None:
    # Imported late: few clusters want it, and the SDK would be a fifth of what a first request loads.
    from shared.stores.volumes.file_shares import ShareAddress, create_share

    create_share(ShareAddress(account, SHARE, key, endpoint))


def _warning(path: str, what: str, error: StoreError) -> Problem:
    hint = "Make it, or check the installation's AZURE_BATCHAI_STORAGE_KEY and drop the document again."
    return Problem(
        0, 0, path, f"the {what} of auto storage could not be made: {error}.", hint, Severity.WARNING
    )
