"""The queue in which the Functions host leaves pointers to blobs that it has given up."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass

from shared.errors import NotFoundError
from shared.stores.connection import Connection, translated

#: Microsoft's name for it, and the form of its messages: base64 JSON with ContainerName and BlobName
#: (documentation of the blob trigger, "Poison blobs").
QUEUE = "webjobs-blobtrigger-poison"
_MOST = 32  #: messages of one request
_HIDDEN_SECONDS = 60


@dataclass(frozen=True)
class Pointer:
    """A blob that was given up, and what proves that its message is ours to remove."""

    container: str
    path: str
    message_id: str
    pop_receipt: str


class PoisonQueue:
    """Reads and removes what lies there; there need not be such a queue."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def receive(self) -> Iterator[Pointer]:
        """Pointers that nobody looks after, hidden for a minute; messages that are none stay. Raises
        StoreError."""
        client = self._connection.queues.get_queue_client(QUEUE)
        try:
            with translated(f"receiving from queue {QUEUE}"):
                found = list(client.receive_messages(max_messages=_MOST, visibility_timeout=_HIDDEN_SECONDS))
        except NotFoundError:
            return
        for message in found:
            if where := _place(str(message.content)):
                yield Pointer(*where, str(message.id), str(message.pop_receipt))

    def done(self, pointer: Pointer) -> None:
        """Remove a pointer. Raises StoreError."""
        client = self._connection.queues.get_queue_client(QUEUE)
        with translated(f"deleting a message of queue {QUEUE}"):
            client.delete_message(pointer.message_id, pop_receipt=pointer.pop_receipt)


def _place(content: str) -> tuple[str, str] | None:
    try:
        text = content if content.lstrip().startswith("{") else base64.b64decode(content, validate=True)
        body = json.loads(text)
        return str(body["ContainerName"]), str(body["BlobName"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None
