"""The host's internal blob queue: what was detected and is still to be run.

The message has Microsoft's form (base64 JSON), and so has the poison message: a pointer, never the content.
"""

import base64
import json
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.host.delivery import create_queue


@dataclass(frozen=True)
class BlobMessage:
    """One version of a blob for one function; `etag` empty means whatever version is there (Event Grid)."""

    function_id: str
    container: str
    name: str
    etag: str

    def encode(self) -> str:
        document = {
            "Type": "BlobTrigger",
            "FunctionId": self.function_id,
            "BlobType": "BlockBlob",
            "ContainerName": self.container,
            "BlobName": self.name,
            "ETag": self.etag,
        }
        return base64.b64encode(json.dumps(document).encode()).decode()


def decode(body: bytes) -> BlobMessage:
    """Read a message. Raises ValueError for one that this host did not write."""
    try:
        document = json.loads(body)
        return BlobMessage(
            str(document["FunctionId"]),
            str(document["ContainerName"]),
            str(document["BlobName"]),
            str(document.get("ETag") or ""),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no blob message: {error!r}") from error


def quoted(etag: str) -> str:
    """ETags come without quotes from a listing and with them from a header; this is the second form."""
    return f'"{etag.strip(chr(34))}"'


def send(queue: QueueClient, message: BlobMessage) -> None:
    """Put a message into the internal queue, which is made if it is missing."""
    try:
        queue.send_message(message.encode())
    except ResourceNotFoundError:
        create_queue(queue)
        queue.send_message(message.encode())
