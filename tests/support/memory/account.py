"""The account: three services with one clock, and what `shared.stores.connection.Connection` offers."""

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from typing import TypeVar

from shared.settings import Settings
from shared.stores.connection import CallCounter
from tests.support.memory.blobs import MemoryBlobs
from tests.support.memory.clock import FakeClock
from tests.support.memory.faults import Call, Faults
from tests.support.memory.queues import MemoryQueues
from tests.support.memory.tables import MemoryTables

T = TypeVar("T")


class MemoryAccount:
    """State that outlives the processes that work on it."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.faults = Faults()
        self.counter = CallCounter()
        self.tables = MemoryTables(self)
        self.queues = MemoryQueues(self)
        self.blobs = MemoryBlobs(self)
        self._number = 0

    def copy(self) -> "MemoryAccount":
        """An account in the same state, without calls or faults; neither sees what happens in the other."""
        made = MemoryAccount(self.clock.copy())
        made._number = self._number
        made.tables.tables = {name: dict(rows) for name, rows in self.tables.tables.items()}
        for name, messages in self.queues.queues.items():
            made.queues.queues[name] = [replace(message) for message in messages]
        for name, blobs in self.blobs.containers.items():
            made.blobs.containers[name] = {path: replace(blob) for path, blob in blobs.items()}
        return made

    def state(self) -> object:
        """Equal for two moments of one account, or of copies with which the same was done, where the same is
        stored: whatever changes gets a new ETag or receipt."""
        rows = [(name, [(key, row.etag) for key, row in t.items()]) for name, t in self.tables.tables.items()]
        blobs = [
            (name, [(path, blob.etag, blob.leased) for path, blob in found.items()])
            for name, found in self.blobs.containers.items()
        ]
        messages = [
            (name, [(m.pop_receipt, m.visible, m.dequeue_count) for m in found])
            for name, found in self.queues.queues.items()
        ]
        return repr((rows, blobs, messages, self.clock.monotonic()))

    def call(self, method: str, call: Call, apply: Callable[[], T]) -> T:
        self.counter.add(method, call.service)
        return self.faults.call(call, apply)

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def next_etag(self, form: str) -> str:
        return form.format(self.next_number())

    def date(self) -> str:
        """The Date header of an answer: whole seconds."""
        return _date(self.clock().replace(microsecond=0))


@functools.lru_cache(maxsize=16)
def _date(now: datetime) -> str:
    return format_datetime(now, usegmt=True)


class MemoryConnection:
    """A Connection to an account: one process's."""

    def __init__(self, settings: Settings, account: MemoryAccount) -> None:
        self.settings, self.account, self.counter = settings, account, account.counter
        self.tables, self.queues, self.blobs = account.tables, account.queues, account.blobs

    def close(self) -> None:
        pass
