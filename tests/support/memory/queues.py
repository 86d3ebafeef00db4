"""The queue service: visibility timeouts, pop receipts, delivery counts, time to live."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeVar

from tests.support.memory.faults import Call, refusal

if TYPE_CHECKING:
    from tests.support.memory.account import MemoryAccount

T = TypeVar("T")


@dataclass
class _Message:
    id: str
    content: str
    visible: datetime
    expires: datetime | None
    order: int
    pop_receipt: str
    dequeue_count: int = 0


class MemoryQueues:
    """As `shared.stores.service_clients.Queues`."""

    def __init__(self, account: "MemoryAccount") -> None:
        self.account = account
        self.queues: dict[str, list[_Message]] = {}

    def get_queue_client(self, name: str) -> "MemoryQueue":
        return MemoryQueue(self, name)

    def receive_message(self, queue: str, visibility_timeout: float) -> SimpleNamespace | None:
        return self.get_queue_client(queue).receive_message(visibility_timeout)

    def delete_message(self, queue: str, message_id: str, pop_receipt: str) -> None:
        self.get_queue_client(queue).delete_message(message_id, pop_receipt)

    def rename(self, queue: str, message_id: str, wanted: str) -> None:
        """Give a message the id that it had in another account."""
        next(m for m in self.queues[queue] if m.id == message_id).id = wanted

    def close(self) -> None:
        pass


class MemoryQueue:
    """A QueueClient."""

    def __init__(self, service: MemoryQueues, name: str) -> None:
        self._service, self._name = service, name
        self.url = f"memory://{name}"

    def _call(self, method: str, verb: str, apply: Callable[[], T]) -> T:
        return self._service.account.call(method, Call("queue", verb, self._name), apply)

    @property
    def _now(self) -> datetime:
        return self._service.account.clock()

    @property
    def _messages(self) -> list[_Message]:
        """What lies in the queue, hidden messages included, the one that is seen first first."""
        if self._name not in self._service.queues:
            raise refusal(404, "QueueNotFound")
        now = self._now
        left = [m for m in self._service.queues[self._name] if m.expires is None or m.expires > now]
        self._service.queues[self._name][:] = left
        return sorted(left, key=lambda message: (message.visible, message.order))

    def create_queue(self) -> None:
        self._call("PUT", "create_queue", lambda: self._service.queues.setdefault(self._name, []) and None)

    def delete_queue(self) -> None:
        def delete() -> None:
            if self._service.queues.pop(self._name, None) is None:
                raise refusal(404, "QueueNotFound")

        self._call("DELETE", "delete_queue", delete)

    def send_message(
        self, content: str, time_to_live: int = 604_800, visibility_timeout: float = 0
    ) -> SimpleNamespace:
        def send() -> SimpleNamespace:
            self._messages  # noqa: B018 - is there such a queue
            expires = None if time_to_live == -1 else self._now + timedelta(seconds=time_to_live)
            visible = self._now + timedelta(seconds=visibility_timeout)
            return _shown(self._added(content, visible, expires))

        return self._call("POST", "send", send)

    def fill(self, contents: Iterable[str]) -> None:
        """Many messages at once, in no time and without a call. They never expire."""
        for content in contents:
            self._added(content, self._now, None)

    def _added(self, content: str, visible: datetime, expires: datetime | None) -> _Message:
        number = self._service.account.next_number()
        sent = _Message(f"message-{number}", content, visible, expires, number, self._receipt())
        self._service.queues[self._name].append(sent)
        return sent

    def _receipt(self) -> str:
        return f"receipt-{self._service.account.next_number()}"

    def receive_message(self, visibility_timeout: float = 30) -> SimpleNamespace | None:
        return next(iter(self.receive_messages(1, visibility_timeout)), None)

    def receive_messages(
        self, max_messages: int = 1, visibility_timeout: float = 30
    ) -> list[SimpleNamespace]:
        def receive() -> list[SimpleNamespace]:
            found = [m for m in self._messages if m.visible <= self._now][:max_messages]
            for message in found:
                self._hide(message, visibility_timeout)
                message.dequeue_count += 1
            return [_shown(message) for message in found]

        return self._call("GET", "receive", receive)

    def peek_messages(self, max_messages: int = 1) -> list[SimpleNamespace]:
        def peek() -> list[SimpleNamespace]:
            return [_shown(m) for m in self._messages if m.visible <= self._now][:max_messages]

        return self._call("GET", "list", peek)

    def update_message(
        self, message_id: str, pop_receipt: str, content: str | None = None, visibility_timeout: float = 0
    ) -> SimpleNamespace:
        def update() -> SimpleNamespace:
            message = self._held(message_id, pop_receipt)
            if content is not None:
                message.content = content
            self._hide(message, visibility_timeout)
            return _shown(message)

        return self._call("PUT", "update", update)

    def delete_message(self, message_id: str, pop_receipt: str) -> None:
        def delete() -> None:
            self._service.queues[self._name].remove(self._held(message_id, pop_receipt))

        self._call("DELETE", "delete", delete)

    def get_queue_properties(self) -> SimpleNamespace:
        def count() -> SimpleNamespace:
            return SimpleNamespace(approximate_message_count=len(self._messages))

        return self._call("GET", "properties", count)

    def _hide(self, message: _Message, seconds: float) -> None:
        message.visible, message.pop_receipt = self._now + timedelta(seconds=seconds), self._receipt()

    def _held(self, message_id: str, pop_receipt: str) -> _Message:
        found = next((m for m in self._messages if m.id == message_id), None)
        if found is None:
            raise refusal(404, "MessageNotFound")
        if found.pop_receipt != pop_receipt:
            raise refusal(400, "PopReceiptMismatch")
        return found


def _shown(message: _Message) -> SimpleNamespace:
    return SimpleNamespace(
        id=message.id,
        content=message.content,
        pop_receipt=message.pop_receipt,
        dequeue_count=message.dequeue_count,
    )
