"""Finds new and changed blobs by listing: one call per poll (and 5000 blobs), nothing else when idle."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

from local.host.blob_messages import BlobMessage, quoted
from local.host.patterns import BlobPattern
from local.host.receipts import Receipts

log = logging.getLogger("host")


@dataclass(frozen=True)
class Watch:
    """One function's interest in a container."""

    function_id: str
    pattern: BlobPattern
    receipts: Receipts


def _common_start(texts: list[str]) -> str:
    """The longest text all of them start with; character by character is what a blob prefix wants."""
    first, last = min(texts), max(texts)
    length = next((i for i, c in enumerate(first) if last[i : i + 1] != c), len(first))
    return first[:length]


class ContainerScanner:
    """Compares each listing with the last one. `step` is for a Loop.

    Order of effects: the message first, then the receipt. A crash between the two sends the message
    again after the restart; the other way round it could be lost.
    """

    def __init__(
        self,
        container: ContainerClient,
        watches: list[Watch],
        enqueue: Callable[[BlobMessage], None],
        poll_seconds: float,
    ) -> None:
        self._container = container
        self._watches = watches
        self._enqueue = enqueue
        self._poll_seconds = poll_seconds
        self._prefix = _common_start([watch.pattern.prefix for watch in watches])
        self._seen: dict[tuple[str, str], str] = {}
        self._receipts: set[str] | None = (
            None  #: what earlier runs of the host did; dropped after the first listing
        )
        self._first = True
        self._missing = False

    def step(self) -> float:
        if self._first and self._receipts is None:
            self._receipts = {name for watch in self._watches for name in watch.receipts.load()}
        try:
            self._scan()
        except ResourceNotFoundError:
            if not self._missing:
                log.info("Container %s does not exist yet; waiting for it", self._container.container_name)
            self._missing = True
            return self._poll_seconds
        self._first, self._missing, self._receipts = False, False, None
        return self._poll_seconds

    def _scan(self) -> None:
        listed: dict[tuple[str, str], str] = {}
        for blob in self._container.list_blobs(name_starts_with=self._prefix or None):
            for watch in self._watches:
                if watch.pattern.match(blob.name) is not None:
                    key = (watch.function_id, blob.name)
                    listed[key] = quoted(str(blob.etag))
                    self._consider(watch, key, listed[key])
        self._seen = listed  # forgets deleted blobs

    def _consider(self, watch: Watch, key: tuple[str, str], etag: str) -> None:
        name = key[1]
        if self._seen.get(key) == etag:
            return
        if not (self._receipts and watch.receipts.name(name, etag) in self._receipts):
            self._enqueue(BlobMessage(watch.function_id, self._container.container_name, name, etag))
            watch.receipts.write(name, etag)
        self._seen[key] = etag
