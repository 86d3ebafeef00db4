"""Storage clients by connection name, the way bindings name them."""

from collections.abc import Mapping
from typing import Any

from azure.storage.blob import BlobServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry
from azure.storage.queue import ExponentialRetry as QueueRetry
from azure.storage.queue import QueueServiceClient

from local.host.errors import HostError
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


class Connections:
    """Clients for the connections of an app, one pair per connection string, shared by all threads."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._blobs: dict[str, BlobServiceClient] = {}
        self._queues: dict[str, QueueServiceClient] = {}

    def connection_string(self, name: str) -> str:
        """The setting of a connection: `AzureWebJobs<name>` first, then `<name>`. Raises HostError."""
        name = name or HOST_STORAGE
        for key in (f"AzureWebJobs{name}", name):
            if value := self._environment.get(key):
                return value
        if any(key.startswith((f"AzureWebJobs{name}__", f"{name}__")) for key in self._environment):
            raise HostError(
                f"The connection '{name}' is identity-based, which this stand-in cannot use.",
                f"Give {name} a connection string here; in Azure the identity works.",
            )
        raise HostError(
            f"The connection setting '{name}' has no value.",
            f"Set {name} (or AzureWebJobs{name}) to a connection string, in the environment or under Values "
            "in local.settings.json; UseDevelopmentStorage=true means Azurite on its usual ports.",
        )

    def blobs(self, name: str) -> BlobServiceClient:
        text = self.connection_string(name)
        if text not in self._blobs:
            retry = BlobRetry(**_RETRY)
            self._blobs[text] = self._make(BlobServiceClient, name, text, retry)
        return self._blobs[text]

    def queues(self, name: str) -> QueueServiceClient:
        text = self.connection_string(name)
        if text not in self._queues:
            retry = QueueRetry(**_RETRY)
            self._queues[text] = self._make(QueueServiceClient, name, text, retry)
        return self._queues[text]

    def _make(self, kind: Any, name: str, text: str, retry: object) -> Any:
        try:
            return kind.from_connection_string(text, retry_policy=retry, transport=StorageTransport(**_TIMES))
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
