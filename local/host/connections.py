"""Storage clients by connection name, the way bindings name them: a connection string, or the addresses of an
account that the machine's identity opens (`X__blobServiceUri`, ...)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.storage.blob import BlobServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry
from azure.storage.queue import ExponentialRetry as QueueRetry
from azure.storage.queue import QueueServiceClient

from local.host.errors import HostError
from shared.stores.identity import identity_of
from shared.stores.transport import StorageTransport

HOST_STORAGE = "AzureWebJobsStorage"
#: Short: the loops retry by themselves, and a stop must not wait for a sleeping client.
_TIMES: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 60}
_RETRY: dict[str, Any] = {
    "initial_backoff": 0.2,
    "increment_base": 1,
    "retry_total": 2,
    "random_jitter_range": 0,
}


@dataclass(frozen=True)
class Account:
    """What a connection's settings say: a connection string, or addresses and an identity."""

    text: str = field(default="", repr=False)
    blob: str = ""
    queue: str = ""
    client_id: str = ""  #: of a user-assigned identity; "": the machine's own


class Connections:
    """Clients for the connections of an app, one pair per account, shared by all threads."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._blobs: dict[Account, BlobServiceClient] = {}
        self._queues: dict[Account, QueueServiceClient] = {}

    def account(self, name: str) -> Account:
        """The settings of a connection: `AzureWebJobs<name>` first, then `<name>`. Raises HostError."""
        name = name or HOST_STORAGE
        for key in (f"AzureWebJobs{name}", name):
            if value := self._environment.get(key):
                return Account(text=value)
        for key in (f"AzureWebJobs{name}", name):
            if any(setting.startswith(f"{key}__") for setting in self._environment):
                return self._by_identity(key)
        raise HostError(
            f"The connection setting '{name}' has no value.",
            f"Set {name} (or AzureWebJobs{name}) to a connection string, in the environment or under Values "
            f"in local.settings.json; UseDevelopmentStorage=true means Azurite on its usual ports. Or set "
            f"{name}__blobServiceUri and {name}__queueServiceUri to use this machine's identity.",
        )

    def _by_identity(self, key: str) -> Account:
        """Properties as in "Connections in Azure Functions: identity-based connections"."""

        def given(name: str) -> str:
            return self._environment.get(f"{key}__{name}", "").strip()

        if given("credential").lower() not in ("", "managedidentity"):
            raise HostError(
                f"{key}__credential is '{given('credential')}', which this stand-in does not know.",
                "Write managedidentity, or nothing: then whoever is signed in on this machine is used, too.",
            )
        named = given("accountName")

        def address(service: str) -> str:
            usual = f"https://{named}.{service}.core.windows.net" if named else ""
            return (given(f"{service}ServiceUri") or usual).rstrip("/")

        return Account(blob=address("blob"), queue=address("queue"), client_id=given("clientId"))

    def blobs(self, name: str) -> BlobServiceClient:
        account = self.account(name)
        if account not in self._blobs:
            retry = BlobRetry(**_RETRY)
            self._blobs[account] = self._make(BlobServiceClient, name, account, "blob", retry)
        return self._blobs[account]

    def queues(self, name: str) -> QueueServiceClient:
        account = self.account(name)
        if account not in self._queues:
            retry = QueueRetry(**_RETRY)
            self._queues[account] = self._make(QueueServiceClient, name, account, "queue", retry)
        return self._queues[account]

    def _make(self, kind: Any, name: str, account: Account, service: str, retry: object) -> Any:
        options = {"retry_policy": retry, "transport": StorageTransport(**_TIMES)}
        if not account.text:
            return kind(
                _service_url(name, account, service), credential=identity_of(account.client_id), **options
            )
        try:
            return kind.from_connection_string(account.text, **options)
        except ValueError as error:
            # The error's own text may quote the key, so it is not repeated.
            raise HostError(
                f"The connection setting '{name}' is no connection string ({type(error).__name__}).",
                "Copy it whole, or write UseDevelopmentStorage=true.",
            ) from None

    def close(self) -> None:
        for blobs in self._blobs.values():
            blobs.close()
        for queues in self._queues.values():
            queues.close()


def _service_url(name: str, account: Account, service: str) -> str:
    """The address of a service. Raises HostError for a connection that does not name it, or not as https: the
    SDK sends a token over nothing else."""
    name = name or HOST_STORAGE
    url: str = getattr(account, service)
    if url.startswith("https://") and "?" not in url:
        return url
    # Never quoted: it may hold a signature.
    fault = "is no https address without a signature" if url else "is missing"
    raise HostError(
        f"The connection '{name}' is identity-based, and its {service}ServiceUri {fault}.",
        f"Set {name}__{service}ServiceUri to https://<account>.{service}.core.windows.net; "
        "a blob trigger needs blobServiceUri and queueServiceUri.",
    )
