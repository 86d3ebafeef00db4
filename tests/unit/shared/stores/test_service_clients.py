"""The everyday calls of queues and blobs are the requests that the SDK's operations would make."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from azure.core import MatchConditions
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ContentSettings
from azure.storage.queue import QueueServiceClient
from requests import Response, Session
from requests.adapters import HTTPAdapter

from shared.errors import ConflictError, LockedError, LostOwnershipError, NotFoundError, StoreError
from shared.stores.connection import translated
from shared.stores.service_clients import Blobs, Queues
from tests.support.seen_requests import Looking

_PLACES = "BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a"
_BY_KEY = f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;{_PLACES};"
_BY_SIGNATURE = f"{_PLACES};SharedAccessSignature=sv=2026&sig=a%2Fb"
_NAME = "default/a b/ü~(1)/status.json"
_TYPE = "application/json; charset=utf-8"


#: What is asked of our client -> what is asked of the SDK's.
_CALLS: dict[str, tuple[type, Callable[[Any], object], type, Callable[[Any], object]]] = {
    "receive": (
        Queues,
        lambda ours: ours.receive_message("queue", 30),
        QueueServiceClient,
        lambda sdk: sdk.get_queue_client("queue").receive_message(visibility_timeout=30),
    ),
    "delete": (
        Queues,
        lambda ours: ours.delete_message("queue", "an-id", "AgAA+/w=="),
        QueueServiceClient,
        lambda sdk: sdk.get_queue_client("queue").delete_message("an-id", "AgAA+/w=="),
    ),
    "read": (
        Blobs,
        lambda ours: ours.download_blob("jobs", _NAME),
        BlobServiceClient,
        lambda sdk: sdk.get_blob_client("jobs", _NAME).download_blob(max_concurrency=1),
    ),
    "write": (
        Blobs,
        lambda ours: ours.upload_blob("jobs", _NAME, b"{}", _TYPE),
        BlobServiceClient,
        lambda sdk: _upload(sdk, overwrite=True),
    ),
    "write the first": (
        Blobs,
        lambda ours: ours.upload_blob("jobs", _NAME, b"{}", _TYPE, overwrite=False, metadata={"a": "b%20"}),
        BlobServiceClient,
        lambda sdk: _upload(sdk, metadata={"a": "b%20"}),
    ),
    "write over a version": (
        Blobs,
        lambda ours: ours.upload_blob("jobs", _NAME, b"{}", _TYPE, etag='"0x1"'),
        BlobServiceClient,
        lambda sdk: _upload(sdk, overwrite=True, etag='"0x1"', match_condition=MatchConditions.IfNotModified),
    ),
}
#: Other at each call; and the form of answers, which the SDK does not say of one that has none.
_CHANGING = {"x-ms-date", "authorization", "x-ms-client-request-id", "accept"}
#: What the SDK asks for, and we do not: a range that a small blob is within.
_OF_RANGES = {"x-ms-range", "x-ms-range-get-content-crc64", "x-ms-structured-body"}


def _upload(sdk: Any, **options: Any) -> None:
    settings = ContentSettings(content_type=_TYPE)
    sdk.get_blob_client("jobs", _NAME).upload_blob(b"{}", content_settings=settings, **options)


def _asked(client: Any, connection: str, call: Callable[[Any], object]) -> tuple[object, ...]:
    """Method, address, query, headers and body of what is sent."""
    looking = Looking()
    request = looking.sees(lambda: call(client.from_connection_string(connection, transport=looking))).request
    parts = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert ("authorization" in headers) == (connection == _BY_KEY)
    sent = {name: value for name, value in headers.items() if name not in _CHANGING | _OF_RANGES}
    query = sorted(parse_qsl(parts.query))
    return request.method, parts.netloc + parts.path, query, sent, request.content or None


@pytest.mark.parametrize("connection", [_BY_KEY, _BY_SIGNATURE], ids=["key", "signature"])
@pytest.mark.parametrize("name", _CALLS)
def test_a_call_asks_for_what_the_sdk_asks_for(name: str, connection: str) -> None:
    client, call, theirs, their_call = _CALLS[name]
    ours = _asked(client, connection, call)
    assert ours == _asked(theirs, connection, their_call)


class _Answering(HTTPAdapter):
    """Answers each request the same."""

    def __init__(self, status: int, code: str, body: bytes) -> None:
        super().__init__()
        self._answer = Response()
        self._answer.status_code, self._answer._content = status, body
        self._answer.raw = SimpleNamespace(enforce_content_length=False)
        self._answer.headers.update({"Content-Type": "application/xml", "ETag": '"0x2"'})
        if code:
            self._answer.headers["x-ms-error-code"] = code

    def send(self, *_: Any, **__: Any) -> Response:
        return self._answer


def _answered(client: Any, status: int, code: str = "", body: bytes = b"") -> Any:
    session = Session()
    session.mount("http://", _Answering(status, code, body))
    return client.from_connection_string(_BY_KEY, transport=RequestsTransport(session=session))


@pytest.mark.parametrize(
    ("status", "code", "ours"),
    [
        (404, "BlobNotFound", NotFoundError),
        (404, "MessageNotFound", LostOwnershipError),
        (400, "PopReceiptMismatch", LostOwnershipError),
        (409, "BlobAlreadyExists", ConflictError),
        (412, "ConditionNotMet", LostOwnershipError),
        (412, "LeaseIdMissing", LockedError),
        (202, "", StoreError),
    ],
)
def test_a_refusal_is_ours_by_its_code(status: int, code: str, ours: type[Exception]) -> None:
    with pytest.raises(ours), translated("trying"):
        _answered(Blobs, status, code).download_blob("jobs", _NAME)


@pytest.mark.parametrize("name", _CALLS)
def test_every_call_notices_a_refusal(name: str) -> None:
    client, call, *_ = _CALLS[name]
    with pytest.raises(StoreError, match="403 AuthorizationFailure"), translated("trying"):
        call(_answered(client, 403, "AuthorizationFailure"))


def test_a_message_is_read() -> None:
    body = (
        b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><QueueMessagesList><QueueMessage><MessageId>an-id"
        b"</MessageId><PopReceipt>AgAA+/w==</PopReceipt><DequeueCount>3</DequeueCount>"
        b"<MessageText>{&quot;a&quot;: &quot;&lt;\xc3\xbc&gt;&quot;}</MessageText>"
        b"</QueueMessage></QueueMessagesList>"
    )
    found = _answered(Queues, 200, body=body).receive_message("queue", 30)
    assert (found.id, found.pop_receipt, found.dequeue_count) == ("an-id", "AgAA+/w==", 3)
    assert found.content == '{"a": "<ü>"}'


@pytest.mark.parametrize("body", [b"", b"<QueueMessagesList/>"])
def test_no_message_is_none(body: bytes) -> None:
    assert _answered(Queues, 200, body=body).receive_message("queue", 30) is None


def test_what_is_no_answer_of_a_queue_is_an_error() -> None:
    with pytest.raises(StoreError), translated("receiving"):
        _answered(Queues, 200, body=b"<Queue").receive_message("queue", 30)


def test_a_blob_is_read_whatever_it_is() -> None:
    assert _answered(Blobs, 200, body=b"<no XML").download_blob("jobs", _NAME) == (b"<no XML", '"0x2"')
