"""Calls that are tried past the SDK's layers: on the wire, for whoever calls, and as often as the SDK's."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceResponseError
from azure.data.tables import TableServiceClient, TableTransactionError
from azure.storage.blob import BlobServiceClient, ContentSettings
from azure.storage.queue import QueueServiceClient

from shared.stores.connection import CallCounter, counting_transport
from shared.stores.lean_pipeline import Blobs, Queues
from shared.stores.table_transactions import Tables

_MESSAGE = b"""<?xml version="1.0" encoding="utf-8"?>
<QueueMessagesList><QueueMessage><MessageId>m1</MessageId>
<InsertionTime>Mon, 30 Nov 2026 08:00:00 GMT</InsertionTime><PopReceipt>a+/=</PopReceipt>
<ExpirationTime>Fri, 31 Dec 9999 23:59:59 GMT</ExpirationTime>
<TimeNextVisible>Mon, 30 Nov 2026 08:01:00 GMT</TimeNextVisible>
<DequeueCount>3</DequeueCount><MessageText>{"a": "&lt;&amp;"}</MessageText></QueueMessage>
</QueueMessagesList>"""
_REFUSED_PART = (
    b"--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n"
    b"--changesetresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"HTTP/1.1 412 Precondition Failed\r\nContent-Type: application/json\r\n\r\n"
    b'{"odata.error": {"code": "UpdateConditionNotSatisfied", "message": {"value": "0:No"}}}\r\n'
    b"--changesetresponse_1--\r\n--batchresponse_1--\r\n"
)
_GOOD_PART = _REFUSED_PART.replace(b"412 Precondition Failed", b"204 No Content\r\nETag: W/1")
_WRITTEN = {"ETag": '"0x1"', "Last-Modified": "Mon, 30 Nov 2026 08:00:00 GMT"}
_BATCH = {"Content-Type": "multipart/mixed; boundary=batchresponse_1"}
#: What a test's service answers next: status, headers, body; None: it hangs up.
Answers = list[tuple[int, dict[str, str], bytes] | None]


class Service:
    """A service with answers of a test, which remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: Answers = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.port = 0

    def client(self, kind: Any, service: str, counter: CallCounter) -> Any:
        url = f"http://127.0.0.1:{self.port}/a"
        names = ";".join(f"{name}Endpoint={url}" for name in ("Blob", "Queue", "Table"))
        text = f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;{names};"
        options = {"retry_total": 2, "initial_backoff": 0, "increment_base": 0, "random_jitter_range": 0}
        transport = counting_transport(counter, service)
        return kind.from_connection_string(text, transport=transport, retry_backoff_factor=0, **options)


@pytest.fixture
def service() -> Iterator[Service]:
    stub = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            stub.asked.append((self.command, self.path, dict(self.headers), body))
            answer = stub.answers.pop(0) if stub.answers else None
            if answer is None:
                self.close_connection = True
                return
            status, headers, content = answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = "Content-Length" in headers

        do_GET = do_PUT = do_POST = do_DELETE = do

        def log_message(self, *words: object) -> None:
            """Nothing."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    stub.port = made.server_port
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield stub
    made.shutdown()
    thread.join()
    made.server_close()


def _receive(client: Any) -> Any:
    return client.get_queue_client("q").receive_message(visibility_timeout=30)


def _delete(client: Any) -> Any:
    return client.get_queue_client("q").delete_message("m/1", pop_receipt="a+/=")


def _upload(client: Any) -> Any:
    settings = ContentSettings(content_type="application/json; charset=utf-8")
    blob = client.get_blob_client("jobs", "ü b/c+d'~/status.json")
    return blob.upload_blob(b"{}", overwrite=True, content_settings=settings, metadata=None)


def _change(client: Any) -> Any:
    row = {"PartitionKey": "p", "RowKey": "r"}
    return client.get_table_client("jobs").submit_transaction([("upsert", row)], retry_on_methods=["POST"])


CASES = {
    "receive": (Queues, QueueServiceClient, _receive, (200, {"Content-Type": "application/xml"}, _MESSAGE)),
    "delete": (Queues, QueueServiceClient, _delete, (204, {}, b"")),
    "upload": (Blobs, BlobServiceClient, _upload, (201, _WRITTEN, b"")),
}
of_each = pytest.mark.parametrize(("ours", "theirs", "call", "good"), CASES.values(), ids=CASES)


@of_each
def test_it_is_on_the_wire_what_the_sdk_sends(
    service: Service, ours: Any, theirs: Any, call: Callable[[Any], Any], good: Any
) -> None:
    counter = CallCounter()
    results = []
    for kind in (ours, theirs):
        service.answers = [good]
        results.append(call(service.client(kind, "x", counter)))
    first, second = service.asked
    assert (first[:2], first[3]) == (second[:2], second[3])
    changing = {"x-ms-date", "x-ms-client-request-id", "Authorization"}
    kept, same = ({n: v for n, v in asked[2].items() if n not in changing} for asked in (first, second))
    assert first[2].keys() == second[2].keys()
    assert kept == same
    assert counter.snapshot().total() == 2
    if call is _receive:
        read = [(m.id, m.pop_receipt, m.dequeue_count, m.content) for m in results]
        assert read == [("m1", "a+/=", 3, '{"a": "<&"}')] * 2
    if call is _upload:
        assert results[0] == {name: results[1][name] for name in results[0]}


@of_each
def test_a_refusal_is_not_asked_for_twice(
    service: Service, ours: Any, theirs: Any, call: Callable[[Any], Any], good: Any
) -> None:
    counter = CallCounter()
    service.answers = [(404, {"x-ms-error-code": "MessageNotFound"}, b"")]
    with pytest.raises(ResourceNotFoundError, match="MessageNotFound"):
        call(service.client(ours, "x", counter))
    assert (len(service.asked), counter.snapshot().total()) == (1, 1)


@of_each
def test_what_the_sdk_tries_again_is_sent_as_often_as_by_the_sdk(
    service: Service, ours: Any, theirs: Any, call: Callable[[Any], Any], good: Any
) -> None:
    for fault, error in ((503, HttpResponseError), (0, ServiceResponseError)):
        service.asked.clear()
        counter = CallCounter()
        service.answers = [(fault, {}, b"<busy/>") if fault else None for _ in range(9)]
        with pytest.raises(error):
            call(service.client(ours, "x", counter))
        assert (len(service.asked), counter.snapshot().total()) == (3, 3)
        service.answers = [(fault, {}, b"") if fault else None, good]
        call(service.client(ours, "x", counter))


def test_an_answer_that_breaks_off_is_asked_for_again(service: Service) -> None:
    broken = {"Content-Type": "application/xml", "Content-Length": "9000"}
    service.answers = [(200, broken, _MESSAGE), (200, {"Content-Type": "application/xml"}, _MESSAGE)]
    message = _receive(service.client(Queues, "x", CallCounter()))
    assert (message.id, len(service.asked)) == ("m1", 2)


def test_a_transaction_that_is_refused_is_read_by_the_sdk(service: Service) -> None:
    found = []
    for kind in (Tables, TableServiceClient):
        service.answers = [(202, _BATCH, _REFUSED_PART)]
        counter = CallCounter()
        with pytest.raises(TableTransactionError) as caught:
            _change(service.client(kind, "x", counter))
        found.append((str(caught.value), caught.value.status_code, caught.value.index))
        assert counter.snapshot().total() == 1
    assert found[0] == found[1]
    assert len(service.asked) == 2


def test_a_transaction_is_tried_past_the_layers_and_repeated_by_them(service: Service) -> None:
    counter = CallCounter()
    client = service.client(Tables, "x", counter)
    service.answers = [(202, _BATCH, _GOOD_PART)]
    assert _change(client) == [{"etag": "W/1"}]
    assert {"X-Ms-Date", "Authorization", "Date"} <= {name.title() for name in service.asked[0][2]}
    service.answers = [None, (202, _BATCH, _GOOD_PART)]
    assert _change(client) == [{"etag": "W/1"}]
    assert (len(service.asked), counter.snapshot().total()) == (3, 3)
