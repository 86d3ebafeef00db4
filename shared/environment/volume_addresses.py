"""Which share or container a volume of a document means: account, endpoint and key. PURE.

One rule for all: the runner mounts by it, the function app lists by it, auto storage makes what it names.
"""

from dataclasses import dataclass, field

from shared.documents.own_places import own_places
from shared.documents.spec import AzureBlobFileSystem, AzureFileShare, AzureStorageCredentials
from shared.names.file_urls import file_share
from shared.names.service_urls import PUBLIC_SUFFIX, service_url
from shared.settings import AccountEndpoints, Settings


@dataclass(frozen=True)
class StoragePlace:
    """A share or a container. `key` "": the machine's identity opens it, where `opens`."""

    account: str
    name: str
    endpoint: str  #: service URL; "": the public cloud's
    key: str = field(repr=False, default="")
    opens: bool = True  #: False: it has no key, and our identity is not shown to that host
    closed: str | None = None  #: why no document may mount or list it: the installation lives there


def share_place(share: AzureFileShare, settings: Settings) -> StoragePlace:
    """The share of an entry of azureFileShares. Raises ValueError as `file_share` does."""
    url = file_share(share.azure_file_url)
    account = url.account_beside(share.account_name)
    own = endpoint_of(account, "file", settings)
    endpoint = own if url.is_public else url.endpoint
    key = _key(share.credentials, account, settings)
    named = (share.account_name, url.account)
    closed = own_places(settings).share_fault(named, url.endpoint, url.share)
    return StoragePlace(account, url.share, endpoint, key, bool(key) or url.may_see_tokens(own), closed)


def container_place(blobs: AzureBlobFileSystem, settings: Settings) -> StoragePlace:
    """The container of an entry of azureBlobFileSystems."""
    account = blobs.account_name
    endpoint = endpoint_of(account, "blob", settings)
    key = _key(blobs.credentials, account, settings)
    closed = own_places(settings).container_fault(account, blobs.container_name)
    return StoragePlace(account, blobs.container_name, endpoint, key, closed=closed)


def endpoint_of(account: str, service: str, settings: Settings) -> str:
    """The address of an account's "blob" or "file" service that the settings name, else that of the
    installation's cloud; "" in the public one."""
    given: str = getattr(settings.endpoints.get(account, AccountEndpoints()), service)
    if given or settings.storage_suffix == PUBLIC_SUFFIX or not account:
        return given
    return service_url(account, service, settings.storage_suffix)


def _key(credentials: AzureStorageCredentials | None, account: str, settings: Settings) -> str:
    if credentials and credentials.account_key:
        return credentials.account_key.get_secret_value()
    # The original's client looked the key of the configured account up as well.
    return settings.data_key if account and account == settings.data_account else ""
