"""Event Grid deliveries to `/runtime/webhooks/blobs`: both schemas, and the two validation handshakes."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from azure.storage.blob import BlobClient

_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"


@dataclass(frozen=True)
class BlobEvent:
    """Which blob an event says of. Its type is not looked at, as in the real host."""

    container: str
    name: str


def read_events(body: bytes) -> list[dict[str, Any]]:
    """The events of a delivery: an array (Event Grid) or one object (CloudEvents). Raises ValueError."""
    document = json.loads(body)
    events = document if isinstance(document, list) else [document]
    if not events or not all(isinstance(event, dict) for event in events):
        raise ValueError("the body must be an event or an array of events")
    return events


def validation_code(events: list[dict[str, Any]]) -> str | None:
    """The code to send back when the delivery is the Event Grid schema's handshake."""
    for event in events:
        if event.get("eventType") == _VALIDATION:
            return str(event["data"]["validationCode"])
    return None


def blob_of(event: dict[str, Any]) -> BlobEvent:
    """The blob an event points to, by `data.url`, else by `subject`. Raises ValueError."""
    data = event.get("data")
    url = data.get("url") if isinstance(data, dict) else None
    if isinstance(url, str) and url:
        with BlobClient.from_blob_url(url) as client:
            return BlobEvent(client.container_name, client.blob_name)
    subject = str(event.get("subject", ""))
    head, found, rest = subject.partition("/containers/")
    container, separator, name = rest.partition("/blobs/")
    if not (head and found and separator and name):
        raise ValueError("the event has neither data.url nor a subject that names a blob")
    return BlobEvent(container, unquote(name))
