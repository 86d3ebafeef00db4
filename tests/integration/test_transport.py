"""The transport under the storage clients sends what the SDK has prepared, and nothing else; what is wrong
on the way is what the SDK's own transport calls it."""

import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from azure.core.exceptions import (
    AzureError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest

from shared.stores.transport import StorageTransport
from tests.support.tls import tls_server

Seen = list[tuple[str, str, dict[str, str], bytes]]
_DEFLATED = zlib.compress(b"hello")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.seen: Seen = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    """Remembers (method, target, headers, body) of every request; what it answers the target says."""

    protocol_version = "HTTP/1.1"

    def do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if isinstance(self.server, _Server):
            self.server.seen.append((self.command, self.path, dict(self.headers), body))
        if "/moved" in self.path:
            self._answer(302, Location="/elsewhere")
        elif "/deflated" in self.path:
            self._answer(200, _DEFLATED, Content_Encoding="deflate")
        elif "/torn" in self.path:
            self._answer(200, b"he", Content_Length="5")
            self.close_connection = True
        else:
            self._answer(200, b"hello", Set_Cookie="a=b")

    do_GET = do_PUT = do_POST = do_HEAD = do

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nothing."""


@contextmanager
def _served(made: _Server) -> Iterator[_Server]:
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


@pytest.fixture
def server() -> Iterator[_Server]:
    with _served(_Server()) as made:
        yield made


@pytest.fixture
def transport() -> Iterator[StorageTransport]:
    with StorageTransport(2, 2) as made:
        yield made


def test_what_is_sent_is_what_was_given(transport: StorageTransport, server: _Server) -> None:
    target = "/a%2Fb?x=%27y%27&z=1"
    for method, data in (("PUT", b"\x00\xff"), ("POST", "é"), ("PUT", None), ("GET", None), ("HEAD", None)):
        headers = {"X-A": "1", "Authorization": "SharedKey account:signature"}
        answer = transport.send(HttpRequest(method, server.url + target, headers=headers, content=data))
        assert (answer.status_code, answer.content) == (200, b"" if method == "HEAD" else b"hello")
    assert [path for _, path, _, _ in server.seen] == [target] * 5
    assert [body for *_, body in server.seen] == [b"\x00\xff", "é".encode(), b"", b"", b""]
    assert [headers.get("Content-Length") for _, _, headers, _ in server.seen] == ["2", "2", "0", None, None]
    assert all(headers["X-A"] == "1" and "Cookie" not in headers for _, _, headers, _ in server.seen)
    assert all(headers["Authorization"] == "SharedKey account:signature" for _, _, headers, _ in server.seen)


@pytest.mark.parametrize("target", ["/", "/moved", "/deflated"])
def test_an_answer_is_that_of_the_sdks_transport(
    transport: StorageTransport, server: _Server, target: str
) -> None:
    with RequestsTransport() as theirs:
        one, other = (each.send(HttpRequest("GET", server.url + target)) for each in (transport, theirs))
    for member in ("status_code", "reason", "content_type", "content", "url"):
        assert getattr(one, member) == getattr(other, member)
    assert one.text() == other.text() and one.body() == other.body()
    names = ("content-length", "CONTENT-ENCODING", "Set-Cookie", "Location", "none")
    assert [one.headers.get(name) for name in names] == [other.headers.get(name) for name in names]
    assert b"".join(one.iter_bytes()) == one.content and one.is_closed


def test_a_body_that_is_streamed_is_left_to_the_reader(transport: StorageTransport, server: _Server) -> None:
    answer = transport.send(HttpRequest("GET", server.url), stream=True)
    assert b"".join(answer.iter_raw()) == b"hello"


def test_a_body_that_is_read_from_a_file_arrives(
    transport: StorageTransport, server: _Server, tmp_path: Path
) -> None:
    (tmp_path / "body").write_bytes(b"some bytes")
    with (tmp_path / "body").open("rb") as file:
        transport.send(HttpRequest("PUT", server.url, content=file))
    assert server.seen[0][3] == b"some bytes"


def test_what_cannot_be_sent_as_it_is_takes_the_long_way(
    transport: StorageTransport, server: _Server
) -> None:
    transport.send(HttpRequest("GET", f"{server.url}/é b", params={"q": "1"}))
    assert server.seen[0][1] == "/%C3%A9%20b?q=1"


def test_a_proxy_of_the_environment_is_used(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    with StorageTransport(2, 2) as transport:
        answer = transport.send(HttpRequest("GET", "http://account.example/x"))
    assert answer.content == b"hello"
    assert [path for _, path, _, _ in server.seen] == ["http://account.example/x"]


def test_one_connection_serves_request_after_request(transport: StorageTransport) -> None:
    accepted = []

    class Counting(_Server):
        def get_request(self) -> tuple[socket.socket, object]:
            accepted.append(1)
            return super().get_request()

    with _served(Counting()) as server:
        for _ in range(5):
            transport.send(HttpRequest("GET", server.url))
        transport.close()
    assert len(accepted) == 1


@contextmanager
def _silent() -> Iterator[str]:
    """A server that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_what_is_wrong_on_the_way_is_what_the_sdk_calls_it(server: _Server) -> None:
    def kind_of(url: str) -> type[AzureError]:
        with StorageTransport(1, 0.2) as transport, pytest.raises(AzureError) as raised:
            transport.send(HttpRequest("POST", url))
        return raised.type

    # What may have been done is never sent again blindly: tables repeat a ServiceRequestError.
    with _silent() as silent:
        assert kind_of(silent) is ServiceResponseTimeoutError
    assert kind_of(f"{server.url}/torn") is ServiceResponseError
    assert kind_of("http://127.0.0.1:1/") is ServiceRequestError


def test_certificates_are_looked_at_and_those_of_the_environment_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with tls_server(_Handler, tmp_path) as front:
        request = HttpRequest("GET", front.url)
        with StorageTransport(2, 2) as transport, pytest.raises(ServiceRequestError, match="CERTIFICATE"):
            transport.send(request)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(front.certificate))
        with StorageTransport(2, 2) as transport:
            assert transport.send(request).content == b"hello"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
        with (
            StorageTransport(2, 2) as transport,
            pytest.raises(OSError, match=r"invalid path: /nowhere\.pem"),
        ):
            transport.send(request)
