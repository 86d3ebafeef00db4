"""Reads one queue by the Functions host's rules: batches, back-off, lock renewal, tries, poison."""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.host.delivery import Delivery
from local.host.loop import Loop, one_line

log = logging.getLogger("host")

_SHORTEST_POLL_SECONDS = 0.1
#: A queue without a poison queue keeps a failed message hidden this long (the host's lock).
_NO_POISON_PAUSE_SECONDS = 600.0


@dataclass(frozen=True)
class ListenerOptions:
    """How a queue is read. A `lock_seconds` lock is renewed at half time while a function runs."""

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    retry_seconds: float
    max_polling_seconds: float
    lock_seconds: float
    base64: bool


class QueueListener:
    """`handle` runs in a thread per message and raises when the function failed.

    `poison_queue` names the queue for a message that used up its tries; None leaves it where it is.
    """

    def __init__(
        self,
        queue: QueueClient,
        handle: Callable[[Delivery, bytes], None],
        poison_queue: Callable[[Delivery], QueueClient | None],
        options: ListenerOptions,
    ) -> None:
        self._queue = queue
        self._handle = handle
        self._poison_queue = poison_queue
        self._options = options
        self._held: set[Delivery] = set()
        self._changed = threading.Condition()
        self._pause = _SHORTEST_POLL_SECONDS
        most = options.batch_size + options.new_batch_threshold
        self._pool = ThreadPoolExecutor(most, queue.queue_name)
        self._poller = Loop(f"reading queue {queue.queue_name}", self._poll)
        self._renewer = Loop(f"renewing locks of queue {queue.queue_name}", self._renew)

    def start(self) -> None:
        self._poller.start()
        self._renewer.start()

    def wake(self) -> None:
        """Look now: somebody in this process just sent a message."""
        self._pause = _SHORTEST_POLL_SECONDS
        self._poller.wake()

    def stop(self) -> None:
        """Take no more messages."""
        self._poller.stop()

    def drain(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic) for the messages in hand; those left are given back at once."""
        self._poller.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            self._changed.wait_for(lambda: not self._held, max(0.0, deadline - time.monotonic()))
            left = tuple(self._held)
        self._renewer.stop()
        self._renewer.join(1.0)
        for delivery in left:
            _quietly(lambda delivery=delivery: delivery.release(0), "gave back")  # type: ignore[misc]
        self._pool.shutdown(wait=not left, cancel_futures=True)

    def _poll(self) -> float:
        with self._changed:
            if len(self._held) > self._options.new_batch_threshold:
                return self._options.max_polling_seconds  # a finished message wakes the loop
        deliveries = self._receive()
        if not deliveries:
            self._pause = min(self._pause * random.uniform(1.5, 2.5), self._options.max_polling_seconds)
            return self._pause
        self._pause = _SHORTEST_POLL_SECONDS
        with self._changed:
            self._held.update(deliveries)
        for delivery in deliveries:
            self._pool.submit(self._deal_with, delivery)
        return 0.0

    def _receive(self) -> list[Delivery]:
        """One fetch. A queue that does not exist is an empty one: the host does not create it either."""
        pages = self._queue.receive_messages(
            messages_per_page=self._options.batch_size, visibility_timeout=round(self._options.lock_seconds)
        ).by_page()
        try:
            return [Delivery(self._queue, message) for message in next(pages)]
        except (StopIteration, ResourceNotFoundError):
            return []

    def _renew(self) -> float:
        with self._changed:
            held = tuple(self._held)
        for delivery in held:
            _quietly(
                lambda delivery=delivery: delivery.renew(self._options.lock_seconds),  # type: ignore[misc]
                "could not renew",
            )
        return self._options.lock_seconds / 2

    def _deal_with(self, delivery: Delivery) -> None:
        try:
            _quietly(lambda: self._run_and_settle(delivery), "could not settle")
        finally:
            with self._changed:
                self._held.discard(delivery)
                self._changed.notify_all()
            self._poller.wake()

    def _run_and_settle(self, delivery: Delivery) -> None:
        if delivery.tries > self._options.max_dequeue_count:
            return self._give_up(delivery, "was tried too often")
        try:
            body = delivery.body(self._options.base64)
        except ValueError as error:
            return self._give_up(delivery, f"cannot be decoded ({error})")
        try:
            self._handle(delivery, body)
        except Exception:
            if delivery.tries >= self._options.max_dequeue_count:
                return self._give_up(delivery, f"failed {delivery.tries} times")
            return delivery.release(self._options.retry_seconds)
        return delivery.delete()

    def _give_up(self, delivery: Delivery, why: str) -> None:
        target = self._poison_queue(delivery)
        if target is None:
            return delivery.release(_NO_POISON_PAUSE_SECONDS)
        log.warning("A message of %s %s; it is moved to %s", self._queue.queue_name, why, target.queue_name)
        return delivery.move(target)


def _quietly(action: Callable[[], None], what: str) -> None:
    """A failure here does no harm and must not go unsaid: the lock runs out and the message comes again."""
    try:
        action()
    except Exception as error:
        log.warning("The host %s a message, which will come again: %s", what, one_line(error))
