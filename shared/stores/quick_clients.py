"""Clients of one queue and of one blob, whose everyday calls are tried past the SDK's layers first
(first_try.py): receive and delete a message, write a blob. All else is the SDK's."""

import functools
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from azure.storage.queue import QueueClient, QueueMessage

from shared.stores.first_try import FirstTry, judged

_OK, _CREATED, _NO_CONTENT = 200, 201, 204
#: What `Blob.upload_blob` itself knows to say of a blob.
_PLAIN = frozenset({"overwrite", "content_settings", "metadata"})


class Queue(QueueClient):
    """As the SDK's, made from one by `queue_client`."""

    _first_try: FirstTry
    _address: str
    _heading: dict[str, str]

    def receive_message(
        self, *, visibility_timeout: int | None = None, **options: Any
    ) -> QueueMessage | None:
        """See there."""
        answer = None
        if visibility_timeout is not None and not options:
            asked = f"numofmessages=1&visibilitytimeout={visibility_timeout}"
            answer = self._first_try.send("GET", f"{self._address}?{asked}", self._heading)
            if answer and answer.status == _OK and (body := answer.read()) is not None:
                return _message(body)
        options |= judged(answer)
        return super().receive_message(visibility_timeout=visibility_timeout, **options)

    def delete_message(self, message: Any, pop_receipt: str | None = None, **options: Any) -> None:
        """See there."""
        answer = None
        if isinstance(message, str) and pop_receipt and not options:
            place = f"{self._address}/{quote(message, safe='')}?popreceipt={quote(pop_receipt, safe='')}"
            answer = self._first_try.send("DELETE", place, {"x-ms-version": self.api_version})
            if answer and answer.status == _NO_CONTENT and answer.read() is not None:
                return
        super().delete_message(message, pop_receipt, **options, **judged(answer))


def queue_client(made: QueueClient, first_try: FirstTry) -> Queue:
    """`made`, whose everyday calls are tried first."""
    made.__class__ = Queue
    assert isinstance(made, Queue)
    made._first_try = first_try
    made._address = f"{made.url}/messages"
    made._heading = {"Accept": "application/xml", "x-ms-version": made.api_version}
    return made


def _message(body: bytes) -> QueueMessage | None:
    """The message in an answer; the SDK's client reads no further member of it than those here."""
    found = ElementTree.fromstring(body).find("QueueMessage")
    if found is None:
        return None
    message = QueueMessage(content=found.findtext("MessageText") or "")
    message.id = str(found.findtext("MessageId"))
    message.pop_receipt = found.findtext("PopReceipt")
    message.dequeue_count = int(found.findtext("DequeueCount") or 1)
    return message


class Blob:
    """Stands for the SDK's client of a blob, which is made for all but an `upload_blob` that is good news."""

    def __init__(self, url: str, version: str, first_try: FirstTry, make: Callable[[], Any]) -> None:
        self._url, self._version = url, version
        self._first_try = first_try
        self._make = make

    @functools.cached_property
    def _made(self) -> Any:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)

    def upload_blob(self, data: Any, **options: Any) -> Any:
        """As the SDK's; of what it says of the blob that was written, its ETag and when that was."""
        answer = None
        is_plain = options.get("overwrite") and isinstance(data, bytes) and options.keys() <= _PLAIN
        if is_plain and not options.get("metadata"):
            headers = {
                "x-ms-blob-type": "BlockBlob",
                "x-ms-version": self._version,
                "Content-Type": "application/octet-stream",
                "Accept": "application/xml",
            }
            if settings := options.get("content_settings"):
                headers["x-ms-blob-content-type"] = settings.content_type
            answer = self._first_try.send("PUT", self._url, headers, data)
            if answer and answer.status == _CREATED and answer.read() is not None:
                written = parsedate_to_datetime(answer.headers["Last-Modified"])
                return {"etag": answer.headers["ETag"], "last_modified": written}
        return self._made.upload_blob(data, **options, **judged(answer))


def blob_url(service: str, container: str, name: str) -> str:
    """Where a blob lies, as the SDK writes it."""
    return f"{service.rstrip('/')}/{quote(container)}/{quote(name, safe='~/')}"
