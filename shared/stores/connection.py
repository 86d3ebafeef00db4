"""Storage clients built from settings: endpoints, identity, retries, time limits and counting."""

import functools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import TableServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry
from azure.storage.queue import ExponentialRetry as QueueRetry

from shared.errors import (
    BatchAIError,
    BeingRemovedError,
    ConflictError,
    LockedError,
    LostOwnershipError,
    NotFoundError,
    StoreError,
)
from shared.names.service_urls import service_url
from shared.settings import Settings
from shared.stores.identity import identity, use_client_id
from shared.stores.service_clients import Blobs, Queues
from shared.stores.table_transactions import Tables
from shared.stores.transport import StorageTransport
from shared.telemetry import metrics
from shared.telemetry.names import Attribute, Metric

#: Seconds. Storage calls here are small; a call that takes longer is stuck.
_CONNECT_SECONDS = 5
_READ_SECONDS = 30
#: What a service answers whose limits are reached: too many requests, server busy.
_THROTTLED = (429, 503)


class CallCounter:
    """Counts requests really sent, retries included, by "<verb> <service>". Thread-safe."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, method: str, service: str) -> None:
        with self._lock:
            self._counts[f"{method} {service}"] += 1

    def snapshot(self) -> Counter[str]:
        """A copy of the counts so far."""
        with self._lock:
            return Counter(self._counts)

    def reset(self) -> None:
        with self._lock:
            self._counts.clear()


class _CountingTransport(StorageTransport):
    """Counts every request."""

    def __init__(self, counter: CallCounter, service: str) -> None:
        super().__init__(_CONNECT_SECONDS, _READ_SECONDS)
        self._counter = counter
        self._service = service

    def send(self, request: Any, **kwargs: Any) -> Any:
        self._counter.add(request.method, self._service)
        about = {Attribute.METHOD: str(request.method), Attribute.SERVICE: self._service}
        metrics.add(Metric.REQUESTS, 1, about)
        answer = super().send(request, **kwargs)
        if answer.status_code in _THROTTLED:
            metrics.add(Metric.THROTTLED, 1, about)
        return answer


def counting_transport(counter: CallCounter, service: str) -> Any:
    """A transport for an SDK client that counts its requests as calls of `service`."""
    return _CountingTransport(counter, service)


class Connection:
    """The service clients of the state account. Clients are made at first use and are thread-safe."""

    def __init__(self, settings: Settings, counter: CallCounter | None = None) -> None:
        self.settings = settings
        self.counter = counter or CallCounter()
        use_client_id(settings.identity_client_id)

    @functools.cached_property
    def tables(self) -> TableServiceClient:
        options: dict[str, Any] = {"retry_total": 3, "retry_backoff_factor": 0.4}
        options["transport"] = counting_transport(self.counter, "table")
        if self.settings.storage:
            return Tables.from_connection_string(self.settings.storage, **options)
        return Tables(self._url("table"), credential=identity(), **options)

    @functools.cached_property
    def queues(self) -> Queues:
        retry = QueueRetry(initial_backoff=1, increment_base=2, retry_total=3)
        options: dict[str, Any] = {"retry_policy": retry}
        options["transport"] = counting_transport(self.counter, "queue")
        if self.settings.storage:
            return Queues.from_connection_string(self.settings.storage, **options)
        return Queues(self._url("queue"), credential=identity(), **options)

    @functools.cached_property
    def blobs(self) -> Blobs:
        retry = BlobRetry(initial_backoff=1, increment_base=2, retry_total=3)
        options: dict[str, Any] = {"retry_policy": retry}
        options["transport"] = counting_transport(self.counter, "blob")
        if self.settings.storage:
            return Blobs.from_connection_string(self.settings.storage, **options)
        return Blobs(self._url("blob"), credential=identity(), **options)

    @property
    def storage_name(self) -> str:
        """The account's name, for people."""
        return self.settings.storage_account or str(self.blobs.account_name)

    def _url(self, service: str) -> str:
        given: str = getattr(self.settings.storage_urls, service)
        return given or service_url(self.settings.storage_account, service, self.settings.storage_suffix)

    def close(self) -> None:
        """Close the clients that were made."""
        for name in ("tables", "queues", "blobs"):
            if client := self.__dict__.pop(name, None):
                client.close()


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Azure's exceptions as ours; `doing` says what was being done, for people.

    Raises LostOwnershipError (condition not met), LockedError, ConflictError (exists), BeingRemovedError,
    NotFoundError, StoreError (others).
    Only the error code and status are quoted: SDK messages may hold URLs with signatures.
    """
    try:
        yield
    except HttpResponseError as error:
        raise _ours(error, doing) from error
    except AzureError as error:
        raise StoreError(f"{doing}: storage could not be reached ({type(error).__name__})") from error


def _ours(error: HttpResponseError, doing: str) -> BatchAIError:
    """The code says more than the status; within a transaction of the table service it is all there is."""
    code, status = error_code(error), error.status_code
    if code == "LeaseIdMissing":
        return LockedError(f"{doing}: somebody holds a lock on it")
    if code.endswith("BeingDeleted"):
        message = f"storage answered {status} {code}: it still removes what had this name"
        return BeingRemovedError(f"{doing}: {message}")
    if code in ("PopReceiptMismatch", "MessageNotFound"):
        return LostOwnershipError(f"{doing}: the message is no longer ours")
    if isinstance(error, ResourceModifiedError) or status == 412:
        return LostOwnershipError(f"{doing}: changed by somebody else meanwhile")
    # The SDKs make a ResourceExistsError of every 409: of a file that somebody has open, too.
    exists = code.endswith("AlreadyExists") or (not code and isinstance(error, ResourceExistsError))
    if exists:
        return ConflictError(f"{doing}: exists already")
    if isinstance(error, ResourceNotFoundError) or status == 404:
        return NotFoundError(f"{doing}: not found ({code})")
    return StoreError(f"{doing}: storage answered {status} {code}")


def error_code(error: HttpResponseError) -> str:
    """The service's error code, e.g. "MessageNotFound"; the tables SDK keeps it only in the header."""
    code = getattr(error, "error_code", None)
    if not code:
        code = getattr(error.response, "headers", {}).get("x-ms-error-code")
    return str(getattr(code, "value", code) or "")
