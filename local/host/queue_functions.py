"""All queue functions of an app: one listener each."""

import datetime as dt

from azure.storage.queue import QueueClient

from local.host import sdk
from local.host.connections import Connections
from local.host.delivery import Delivery
from local.host.model import Function, QueueTrigger, Timing
from local.host.queue_listener import ListenerOptions, QueueListener
from local.host.settings import HostSettings
from local.host.worker import Invocation, Worker

_POISON = "-poison"


class QueueFunctions:
    """Building it checks the connections (HostError)."""

    def __init__(
        self,
        functions: list[Function],
        settings: HostSettings,
        connections: Connections,
        worker: Worker,
        timing: Timing,
    ) -> None:
        self._connections = connections
        self._worker = worker
        self._options = _options(settings, timing)
        self.listeners = [self._listener(function) for function in functions]

    def run(self, function: Function, value: str) -> None:
        """Run once with `value` as the message's text."""
        self._call(function, value.encode(), {"Id": "", "DequeueCount": "1"}, "admin API")

    def _listener(self, function: Function) -> QueueListener:
        trigger = function.trigger
        assert isinstance(trigger, QueueTrigger)
        service = self._connections.queues(trigger.connection)

        def handle(delivery: Delivery, body: bytes) -> None:
            reason = f"New queue message detected on '{trigger.queue}'."
            self._call(function, body, _about(delivery), reason)

        def poison_queue(delivery: Delivery) -> QueueClient | None:
            # A poison queue has none of its own.
            return (
                None if trigger.queue.endswith(_POISON) else service.get_queue_client(trigger.queue + _POISON)
            )

        return QueueListener(service.get_queue_client(trigger.queue), handle, poison_queue, self._options)

    def _call(self, function: Function, body: bytes, about: dict[str, str], reason: str) -> None:
        value = (lambda: body) if function.wants_bytes else (lambda: sdk.queue_value(body, about))
        self._worker.submit(Invocation(function, value, reason)).result()


def _about(delivery: Delivery) -> dict[str, str]:
    message = delivery.message
    return {
        "Id": str(message.id),
        "DequeueCount": str(delivery.tries),
        "ExpirationTime": _time(message.expires_on),
        "InsertionTime": _time(message.inserted_on),
        "NextVisibleTime": _time(message.next_visible_on),
        "PopReceipt": str(message.pop_receipt),
    }


def _time(moment: dt.datetime | None) -> str:
    return moment.astimezone(dt.UTC).isoformat() if moment else ""


def _options(settings: HostSettings, timing: Timing) -> ListenerOptions:
    queues = settings.queues
    return ListenerOptions(
        batch_size=queues.batch_size,
        new_batch_threshold=queues.new_batch_threshold,
        max_dequeue_count=queues.max_dequeue_count,
        retry_seconds=queues.visibility_timeout_seconds,
        max_polling_seconds=queues.max_polling_seconds,
        lock_seconds=timing.lock_seconds,
        base64=queues.base64,
    )
