"""All blob functions of an app: a scanner per container, one internal queue, one reader of it."""

from azure.storage.queue import QueueClient

from local.host import blob_messages
from local.host.blob_changes import BlobChanges
from local.host.blob_messages import BlobMessage
from local.host.blob_run import BlobRunner
from local.host.blob_scan import ContainerScanner, Watch
from local.host.connections import HOST_STORAGE, Account, Connections
from local.host.delivery import Delivery
from local.host.errors import HostError
from local.host.loop import Loop
from local.host.model import BlobTrigger, Function, Timing
from local.host.patterns import BlobPattern, parse_pattern
from local.host.queue_listener import ListenerOptions, QueueListener
from local.host.receipts import HOSTS_CONTAINER, Receipts
from local.host.settings import HostSettings
from local.host.worker import Worker

_POISON_QUEUE = "webjobs-blobtrigger-poison"
#: The internal queue is woken by its writer; this poll only finds what an earlier run of the host left.
_INTERNAL_POLL_SECONDS = 5.0


class BlobFunctions:
    """Building it checks patterns and connections (HostError); nothing is sent before its parts start."""

    def __init__(
        self,
        host_id: str,
        functions: list[Function],
        settings: HostSettings,
        connections: Connections,
        worker: Worker,
        timing: Timing,
    ) -> None:
        self._host_id = host_id
        self._connections = connections
        self._runner = BlobRunner({f.function_id: f for f in functions}, connections, worker)
        self._queue = connections.queues(HOST_STORAGE).get_queue_client(
            f"azure-webjobs-blobtrigger-{host_id}"
        )
        self._listener = QueueListener(
            self._queue, self._handle, self._poison_queue, _options(settings, timing)
        )
        self.listeners = [self._listener]
        self.loops = [
            Loop(f"listing container {container}", self._scanner(container, group, timing).step)
            for (_, container), group in self._by_container(functions).items()
        ]

    def enqueue(self, message: BlobMessage) -> None:
        """Send a message and wake its reader. Raises AzureError."""
        blob_messages.send(self._queue, message)
        self._listener.wake()

    def run(self, function: Function, value: str) -> None:
        """Run once for the blob `container/name`, whatever version is there."""
        container, _, name = value.partition("/")
        self._runner.run(BlobMessage(function.function_id, container, name, etag=""), "admin API")

    def _by_container(
        self, functions: list[Function]
    ) -> dict[tuple[Account, str], list[tuple[Function, BlobPattern]]]:
        """Polled functions by account and container. Checks the others as well."""
        groups: dict[tuple[Account, str], list[tuple[Function, BlobPattern]]] = {}
        for function in functions:
            trigger = function.trigger
            assert isinstance(trigger, BlobTrigger)
            try:
                pattern = parse_pattern(trigger.path)
            except HostError as error:
                raise HostError(f"Function {function.name}: {error.message}", error.advice) from error
            self._connections.blobs(trigger.connection)
            if not trigger.event_grid:
                key = (self._connections.account(trigger.connection), pattern.container)
                groups.setdefault(key, []).append((function, pattern))
        return groups

    def _scanner(
        self, container: str, group: list[tuple[Function, BlobPattern]], timing: Timing
    ) -> ContainerScanner:
        hosts = self._connections.blobs(HOST_STORAGE).get_container_client(HOSTS_CONTAINER)
        watches = [
            Watch(f.function_id, pattern, Receipts(hosts, self._host_id, f.function_id, container))
            for f, pattern in group
        ]
        trigger = group[0][0].trigger
        assert isinstance(trigger, BlobTrigger)
        client = self._connections.blobs(trigger.connection).get_container_client(container)
        changes = BlobChanges(timing.blob_changes, container) if timing.blob_changes else None
        return ContainerScanner(client, watches, self.enqueue, timing.poll_seconds, changes)

    def _handle(self, delivery: Delivery, body: bytes) -> None:
        message = blob_messages.decode(body)
        self._runner.run(message, "LogsAndContainerScan" if message.etag else "EventGrid")

    def _poison_queue(self, delivery: Delivery) -> QueueClient:
        """`webjobs-blobtrigger-poison` in the account of the blob, as in the real host."""
        connection = HOST_STORAGE
        try:
            function = self._runner.function(blob_messages.decode(delivery.body(True)).function_id)
        except ValueError:
            function = None
        if function is not None and isinstance(function.trigger, BlobTrigger):
            connection = function.trigger.connection
        return self._connections.queues(connection).get_queue_client(_POISON_QUEUE)


def _options(settings: HostSettings, timing: Timing) -> ListenerOptions:
    most = settings.blobs.max_degree_of_parallelism
    batch = max(1, min(most // 2, 16))
    return ListenerOptions(
        batch_size=batch,
        new_batch_threshold=max(0, most - batch),
        max_dequeue_count=settings.blobs.poison_threshold,
        retry_seconds=0.0,  # the real host's five tries come at once, too
        max_polling_seconds=min(settings.queues.max_polling_seconds, _INTERNAL_POLL_SECONDS),
        lock_seconds=timing.lock_seconds,
        base64=True,
    )
