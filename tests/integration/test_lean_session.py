"""The session under the storage clients sends what the SDK has prepared, and nothing else."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from urllib3.exceptions import NewConnectionError

from shared.stores import lean_session

Seen = list[tuple[str, str, dict[str, str], bytes]]


@pytest.fixture
def server() -> Iterator[tuple[str, Seen]]:
    """A web server that remembers (method, target, headers, body) of every request."""
    seen: Seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append((self.command, self.path, dict(self.headers), body))
            self.send_response(200)
            self.send_header("Set-Cookie", "a=b")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        do_GET = do_PUT = do_POST = do

        def log_message(self, *words: object) -> None:
            """Nothing."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}", seen
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with lean_session.session() as made:
        yield made


def test_what_is_sent_is_what_was_given(session: requests.Session, server: tuple[str, Seen]) -> None:
    url, seen = server
    target = "/a%2Fb?x=%27y%27&z=1"
    for method, data in (("PUT", b"\x00\xff"), ("POST", "é"), ("PUT", None), ("GET", None)):
        answer = session.request(method, url + target, headers={"X-A": "1"}, data=data)
        assert (answer.status_code, answer.content) == (200, b"hello")
    assert [path for _, path, _, _ in seen] == [target] * 4
    assert [body for *_, body in seen] == [b"\x00\xff", "é".encode(), b"", b""]
    assert [headers.get("Content-Length") for _, _, headers, _ in seen] == ["2", "2", "0", None]
    assert all(headers["X-A"] == "1" and "Cookie" not in headers for _, _, headers, _ in seen)


def test_a_body_that_is_streamed_is_left_to_the_reader(
    session: requests.Session, server: tuple[str, Seen]
) -> None:
    answer = session.request("GET", server[0], stream=True)
    assert answer.raw.read(2) == b"he"
    assert b"".join(answer.iter_content(10)) == b"llo"


def test_what_cannot_be_sent_as_it_is_takes_the_long_way(
    session: requests.Session, server: tuple[str, Seen]
) -> None:
    url, seen = server
    session.request("GET", f"{url}/é b", params={"q": "1"})
    assert seen[0][1] == "/%C3%A9%20b?q=1"


def test_a_proxy_is_used(session: requests.Session, server: tuple[str, Seen]) -> None:
    answer = session.request("GET", "http://account.example/x", proxies={"http": server[0]})
    assert answer.content == b"hello"
    assert [path for _, path, _, _ in server[1]] == ["http://account.example/x"]


def test_nobody_there_is_reported_as_the_sdk_expects_it(session: requests.Session) -> None:
    with pytest.raises(NewConnectionError):
        session.request("GET", "http://127.0.0.1:1/", timeout=(1, 1))
