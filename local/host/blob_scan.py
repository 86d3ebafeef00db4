"""Finds new and changed blobs: by what the emulator says of them, else by listing at every poll."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

from local.host.blob_changes import BlobChanges
from local.host.blob_messages import BlobMessage, quoted
from local.host.patterns import BlobPattern
from local.host.receipts import Receipt, Receipts

log = logging.getLogger("host")

#: Between two looks at what the emulator says, which cost no call.
_LOOK_SECONDS = 0.2
#: Blobs whose receipts are written together: what a crash between message and receipt hands over once more.
_MOST_TOGETHER = 50
#: The container is listed again after so long, whatever the emulator says.
_LISTING_SECONDS = 300.0
#: Receipts that nobody minds to carry along.
_FEW = 1000


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
    """Compares what is there with what was seen. `step` is for a Loop.

    With `changes` a container is listed once, and again only where something may have been missed; without,
    at every poll: one call for 5000 blobs.

    Order of effects: the message first, then the receipt. A crash between the two sends the message
    again after the restart; the other way round it could be lost.
    """

    def __init__(
        self,
        container: ContainerClient,
        watches: list[Watch],
        enqueue: Callable[[BlobMessage], None],
        poll_seconds: float,
        changes: BlobChanges | None = None,
    ) -> None:
        self._container = container
        self._watches = watches
        self._enqueue = enqueue
        self._poll_seconds = poll_seconds
        self._changes = changes
        self._prefix = _common_start([watch.pattern.prefix for watch in watches])
        self._seen: dict[tuple[str, str], str] = {}
        #: What earlier runs of the host handed over, by function, until the first listing is through.
        self._earlier: dict[str, set[Receipt]] | None = None
        #: Handed over, receipt not written yet.
        self._handed: dict[str, list[Receipt]] = {watch.function_id: [] for watch in watches}
        #: What was reported and is not handed over yet.
        self._pending: dict[tuple[str, str], str] = {}
        self._first = True
        self._listed_at: float | None = None  #: monotonic; None: a listing is due
        self._missing = False

    def step(self) -> float:
        self._write_receipts()
        if self._changes is None or not self._changes.whole() or self._is_listing_due():
            return self._list()
        self._follow(self._changes)
        return min(_LOOK_SECONDS, self._poll_seconds)

    def _is_listing_due(self) -> bool:
        return self._listed_at is None or time.monotonic() - self._listed_at > _LISTING_SECONDS

    def _list(self) -> float:
        self._listed_at = None
        if self._first and self._earlier is None:
            self._earlier = {watch.function_id: watch.receipts.load() for watch in self._watches}
        try:
            self._scan()
        except ResourceNotFoundError:
            if not self._missing:
                log.info("Container %s does not exist yet; waiting for it", self._container.container_name)
            self._missing = True
            return self._poll_seconds
        if self._first and self._earlier is not None:
            self._tidy(self._earlier)
        self._first, self._missing, self._earlier = False, False, None
        self._listed_at = time.monotonic()
        return self._poll_seconds if self._changes is None else _LOOK_SECONDS

    def _scan(self) -> None:
        listed: dict[tuple[str, str], str] = {}
        for blob in self._container.list_blobs(name_starts_with=self._prefix or None):
            for watch in self._watches:
                if watch.pattern.match(blob.name) is not None:
                    key = (watch.function_id, blob.name)
                    listed[key] = quoted(str(blob.etag))
                    self._consider(watch, key, listed[key])
        self._write_receipts()
        self._seen = listed  # forgets deleted blobs

    def _follow(self, changes: BlobChanges) -> None:
        # The last version of each only: a listing may have seen it already, and the ones before it are gone.
        for name, etag in dict(changes.read()).items():
            for watch in self._watches:
                if watch.pattern.match(name) is not None:
                    self._pending[(watch.function_id, name)] = quoted(etag)
        by_id = {watch.function_id: watch for watch in self._watches}
        for key, etag in list(self._pending.items()):
            self._consider(by_id[key[0]], key, etag)
            del self._pending[key]
        self._write_receipts()

    def _consider(self, watch: Watch, key: tuple[str, str], etag: str) -> None:
        name = key[1]
        if self._seen.get(key) == etag:
            return
        if not (self._earlier and (etag, name) in self._earlier[watch.function_id]):
            self._enqueue(BlobMessage(watch.function_id, self._container.container_name, name, etag))
            self._handed[watch.function_id].append((etag, name))
            if len(self._handed[watch.function_id]) >= _MOST_TOGETHER:
                self._write_receipts()
        self._seen[key] = etag

    def _write_receipts(self) -> None:
        for watch in self._watches:
            if handed := self._handed[watch.function_id]:
                watch.receipts.write(handed)
                self._handed[watch.function_id] = []

    def _tidy(self, earlier: dict[str, set[Receipt]]) -> None:
        """Leave out the receipts of versions that are gone, once they are the most."""
        for watch in self._watches:
            known = earlier[watch.function_id]
            there = [(etag, key[1]) for key, etag in self._seen.items() if key[0] == watch.function_id]
            if len(known) > _FEW + 2 * len(there):
                watch.receipts.replace(there)
