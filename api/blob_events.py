"""Event Grid's messages about blobs, as they lie in a storage queue. PURE.

Both schemas are read (Event Grid's and CloudEvents 1.0), one event or a list of them, plain or in base64:
documentation of Event Grid, "Azure Blob Storage as an Event Grid source" and "Storage queues as handlers".
"""

import base64
import binascii
import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit

_CREATED = "Microsoft.Storage.BlobCreated"
_SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)", re.DOTALL)


def dropped_blobs(message: bytes) -> tuple[str, ...]:
    """The blobs that a message says were written, as "<container>/<path>", each once. () for anything else:
    it will be nothing else however often it is tried."""
    found = (_place(event) for event in _events(message))
    return tuple(dict.fromkeys(place for place in found if place))


def _events(message: bytes) -> list[Any]:
    text = message.strip()
    if not text.startswith((b"{", b"[")):
        try:
            text = base64.b64decode(text, validate=True)
        except binascii.Error:
            return []
    try:
        document = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return []
    return document if isinstance(document, list) else [document]


def _place(event: Any) -> str:
    if not isinstance(event, dict) or (event.get("eventType") or event.get("type")) != _CREATED:
        return ""
    if named := _SUBJECT.fullmatch(str(event.get("subject", ""))):
        return f"{named[1]}/{named[2]}"
    data = event.get("data")
    return _in_url(str(data.get("url", ""))) if isinstance(data, dict) else ""


def _in_url(url: str) -> str:
    """The same from a blob's URL, whose path is percent-encoded."""
    try:
        container, _, path = unquote(urlsplit(url).path).lstrip("/").partition("/")
    except ValueError:
        return ""
    return f"{container}/{path}" if container and path else ""
