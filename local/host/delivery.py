"""One queue message while the host holds it: renewed, then settled exactly once."""

import base64
import binascii
import threading

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage


class Delivery:
    """A received message and its current pop receipt. Safe to use from several threads."""

    def __init__(self, queue: QueueClient, message: QueueMessage) -> None:
        self.message = message
        self.text = str(message.content)
        self.tries = int(message.dequeue_count or 0)
        self._queue = queue
        self._receipt = message.pop_receipt
        self._lock = threading.Lock()
        self._settled = False

    def body(self, base64_encoded: bool) -> bytes:
        """The content. Raises ValueError where base64 is expected and it is something else."""
        if not base64_encoded:
            return self.text.encode()
        try:
            return base64.b64decode("".join(self.text.split()), validate=True)
        except binascii.Error as error:
            raise ValueError(f"the message is not base64: {error}") from None

    def renew(self, seconds: float) -> None:
        """Stay invisible to others for `seconds` more."""
        with self._lock:
            if not self._settled:
                self._update(seconds)

    def release(self, seconds: float) -> None:
        """Give it back, visible after `seconds`."""
        with self._lock:
            if not self._settled:
                self._settled = True
                self._update(seconds)

    def delete(self) -> None:
        with self._lock:
            if self._settled:
                return
            self._settled = True
            try:
                self._queue.delete_message(self.message.id, self._receipt)
            except ResourceNotFoundError:
                pass  # gone already: somebody cleared the queue

    def move(self, target: QueueClient) -> None:
        """Copy to another queue (made if missing), then delete: a crash between leaves two, never none."""
        try:
            target.send_message(self.text)
        except ResourceNotFoundError:
            create_queue(target)
            target.send_message(self.text)
        self.delete()

    def _update(self, seconds: float) -> None:
        updated = self._queue.update_message(
            self.message.id, self._receipt, visibility_timeout=max(0, round(seconds))
        )
        self._receipt = updated.pop_receipt


def create_queue(queue: QueueClient) -> None:
    """Create a queue; one that exists already is fine."""
    try:
        queue.create_queue()
    except AzureError as error:
        if getattr(error, "error_code", "") != "QueueAlreadyExists":
            raise
