"""The account: three services with one clock, and what `shared.stores.connection.Connection` offers."""

import itertools
from collections.abc import Callable
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
        self._numbers = itertools.count(1)

    def call(self, method: str, call: Call, apply: Callable[[], T]) -> T:
        self.counter.add(method, call.service)
        return self.faults.call(call, apply)

    def next_number(self) -> int:
        return next(self._numbers)

    def next_etag(self, form: str) -> str:
        return form.format(self.next_number())

    def date(self) -> str:
        """The Date header of an answer: whole seconds."""
        now: datetime = self.clock()
        return format_datetime(now, usegmt=True)


class MemoryConnection:
    """A Connection to an account: one process's."""

    def __init__(self, settings: Settings, account: MemoryAccount) -> None:
        self.settings, self.account, self.counter = settings, account, account.counter
        self.tables, self.queues, self.blobs = account.tables, account.queues, account.blobs

    def close(self) -> None:
        pass
