"""The SDK's clients of queues and blobs: with lean pipelines, and the calls of every job as plain requests.

An operation of the SDK checks, converts and names far more than these few calls have: receiving a message
takes 0.7 ms of its 1.7 in there, reading a small blob 1.3 of 2.3. So they are requests of the REST
specification here. Everything else is as ever: the SDK's pipeline signs them or adds the token, names them,
repeats them and keeps their time limits, and all other calls are the SDK's.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element

from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import ContentDecodePolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueMessage, QueueServiceClient

from shared.stores.lean_pipeline import lean, plain

_OK, _CREATED, _NO_CONTENT = 200, 201, 204


class _Client:
    """Of a service client of Azure Storage: its own pipeline, which the clients that it makes share, and one
    for plain requests."""

    _plain: Pipeline[Any, Any]

    def _create_pipeline(self, *args: Any, **options: Any) -> tuple[Any, Pipeline[Any, Any]]:
        made: Any = super()
        configuration, pipeline = made._create_pipeline(*args, **options)
        # The pipeline has wrapped some of them.
        theirs = (getattr(policy, "_policy", policy) for policy in pipeline._impl_policies)
        policies = lean(theirs, named_by_option=True)
        self._plain = plain(pipeline._transport, policies)
        return configuration, Pipeline(pipeline._transport, policies=policies)

    def _sent(
        self,
        good: int,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> HttpResponse:
        """The answer to a request, read whole; its status is `good`. `path`: below the service's address,
        quoted. Headers that are "" are left out. Raises AzureError, as operations of the SDK do."""
        made: Any = self
        address, _, signature = str(made.url).partition("?")
        joint = "&" if "?" in path else "?"
        url = f"{address.rstrip('/')}/{path}{joint + signature if signature else ''}"
        given = {name: value for name, value in (headers or {}).items() if value}
        request = HttpRequest(
            method,
            url,
            headers={"Accept": "application/xml", "x-ms-version": made.api_version, **given},
            content=content,
        )
        answer: HttpResponse = self._plain.run(request).http_response
        if answer.status_code != good:
            raise HttpResponseError(response=answer)
        return answer


class Queues(_Client, QueueServiceClient):
    """The queue service's client."""

    def receive_message(self, queue: str, visibility_timeout: int) -> QueueMessage | None:
        """The next visible message, hidden for so many seconds; None where there is none. It has `content`,
        `id`, `pop_receipt` and `dequeue_count`. REST: Get Messages. Raises AzureError."""
        asked = f"numofmessages=1&visibilitytimeout={visibility_timeout}"
        answer = self._sent(_OK, "GET", f"{queue}/messages?{asked}")
        listed: Element | None = ContentDecodePolicy.deserialize_from_http_generics(answer)
        found = None if listed is None else listed.find("QueueMessage")
        if found is None:
            return None
        message = QueueMessage(content=found.findtext("MessageText") or "")
        message.id = str(found.findtext("MessageId"))
        message.pop_receipt = found.findtext("PopReceipt")
        message.dequeue_count = int(found.findtext("DequeueCount") or 1)
        return message

    def delete_message(self, queue: str, message_id: str, pop_receipt: str) -> None:
        """REST: Delete Message. Raises AzureError."""
        place = f"{queue}/messages/{quote(message_id, safe='')}"
        self._sent(_NO_CONTENT, "DELETE", f"{place}?popreceipt={quote(pop_receipt, safe='')}")


class Blobs(_Client, BlobServiceClient):
    """The blob service's client."""

    def download_blob(self, container: str, name: str) -> tuple[bytes, str]:
        """What a small blob holds, and its ETag. REST: Get Blob. Raises AzureError."""
        answer = self._sent(_OK, "GET", _place(container, name))
        return answer.content, answer.headers["ETag"]

    def upload_blob(
        self,
        container: str,
        name: str,
        data: bytes,
        content_type: str,
        *,
        overwrite: bool = True,
        etag: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write a small blob: over whatever is there, where nothing is (not `overwrite`), or over the version
        with `etag`. REST: Put Blob. Raises AzureError."""
        headers = {
            "Content-Type": "application/octet-stream",
            "x-ms-blob-type": "BlockBlob",
            "x-ms-blob-content-type": content_type,
            "If-Match": etag,
            "If-None-Match": "" if overwrite else "*",
            **{f"x-ms-meta-{key}": value for key, value in (metadata or {}).items()},
        }
        self._sent(_CREATED, "PUT", _place(container, name), headers, data)


def _place(container: str, name: str) -> str:
    """The path of a blob, as the SDK writes it."""
    return f"{quote(container)}/{quote(name, safe='~/')}"
