"""A wire between a client and a storage emulator that can lose answers, refuse, or go dead."""

import http.client
import select
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from local.azurite import Endpoints

#: (method, path with query) of a request -> whether it is meant.
Meant = Callable[[str, str], bool]
#: (which requests, HTTP status, the service's error code).
Refusal = tuple[Meant, int, str]
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Wire:
    """Passes HTTP on to a port of this machine: `with Wire(port) as wire: client(wire.port)`."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.seen: list[tuple[str, str]] = []
        self.lost: list[tuple[str, str]] = []
        self.refusing = False  #: answer 503 to everything
        self.garbling = False  #: answer 200 with what nobody asked for
        self.dead = threading.Event()  #: accept and never answer
        self.refusals: list[Refusal] = []  #: what is answered in the service's stead, until it is taken out
        self._lose: list[Meant] = []
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"wire": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="wire")

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def lose_answer(self, meant: Meant) -> None:
        """The next meant request takes effect, and its sender never hears of it."""
        self._lose.append(meant)

    def loses(self, method: str, path: str) -> bool:
        for meant in self._lose:
            if meant(method, path):
                self._lose.remove(meant)
                self.lost.append((method, path))
                return True
        return False

    def refusal(self, method: str, path: str) -> tuple[int, str] | None:
        """HTTP status and error code, where a request is to be refused."""
        return next(((status, code) for meant, status, code in self.refusals if meant(method, path)), None)

    def wait_while_dead(self) -> None:
        while self.dead.is_set() and not self._closing.wait(0.02):
            pass

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hung up is part of the game


class _Handler(BaseHTTPRequestHandler):
    wire: Wire
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.wire.seen.append((self.command, self.path))
        self.wire.wait_while_dead()
        if self.wire.refusing:
            self._answer(503, [], b"")
            return
        if refused := self.wire.refusal(self.command, self.path):
            self._answer(refused[0], [("x-ms-error-code", refused[1])], b"")
            return
        if self.wire.garbling:
            self._answer(200, [("Content-Type", "application/json")], b'{"value": [{"odata.etag": "x"}]}')
            return
        upstream = self._open()
        try:
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            data = answer.read()
        except BaseException:
            upstream.close()
            raise
        if self.wire.loses(self.command, self.path):
            self.close_connection = True
            return
        self._answer(answer.status, answer.getheaders(), data)

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection("127.0.0.1", self.wire.target, timeout=30)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def _open(self) -> http.client.HTTPConnection:
        """The connection to the service, as long as this one to the client; a new one where the service has
        closed it."""
        sock = self._upstream.sock
        if sock and select.select([sock], [], [], 0)[0]:
            self._upstream.close()
        return self._upstream

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        length = next((value for name, value in headers if name.lower() == "content-length"), "0")
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_MERGE = do_PATCH = handle_any


class WiredStorage:
    """Three wires, one per service of an Azurite; `connection_string` leads through them."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.blob, self.queue = Wire(endpoints.blob_port), Wire(endpoints.queue_port)
        self.table = Wire(endpoints.table_port)
        self._endpoints = endpoints

    @property
    def connection_string(self) -> str:
        through = Endpoints(self.blob.port, self.queue.port, self.table.port)
        return through.connection_string

    def __enter__(self) -> Self:
        for wire in (self.blob, self.queue, self.table):
            wire.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for wire in (self.blob, self.queue, self.table):
            wire.__exit__(*error)
