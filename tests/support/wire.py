"""A wire between a client and a storage emulator that can lose answers, refuse, or go dead."""

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Self

from local.azurite import Endpoints

#: (method, path with query) of a request -> whether it is meant.
Meant = Callable[[str, str], bool]
#: (which requests, HTTP status, the service's error code).
Refusal = tuple[Meant, int, str]
_SECONDS = 30.0  #: in which a service answers


class Wire:
    """Passes HTTP on to a port of this machine: `with Wire(port) as wire: client(wire.port)`.

    Heads are looked at no further than a wire must: a head that http.server and http.client read, each on its
    side, costs ten times the processor, and arenas send everything through wires.
    """

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
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name="wire")

    def _accept(self) -> None:
        while not self._closing.is_set():
            with suppress(OSError):  # closed
                client, _ = self._listening.accept()
                threading.Thread(target=_pass_on, args=(self, client), name="wired", daemon=True).start()

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
        with self._listening:
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes who accepts
            self._thread.join()


@dataclass
class _Message:
    """A request or an answer, as it came."""

    head: bytes
    body: bytes
    first: list[str]  #: the words of the first line
    closes: bool  #: nothing follows it on its connection

    @property
    def data(self) -> bytes:
        return self.head + self.body


def _read(stream: BinaryIO, bodiless: Callable[[list[str]], bool], until_end: bool = False) -> _Message:
    """The next message. `bodiless`: of the words of its first line, whether it has no body whatever it says;
    `until_end`: without a length it has all that comes. Raises EOFError where none follows."""
    lines, length, chunked, closes = [stream.readline()], None, False, False
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line)
        name, _, value = line.lower().partition(b":")
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = b"chunked" in value
        elif name == b"connection":
            closes = b"close" in value
    if not line:
        raise EOFError
    first = lines[0].decode("latin-1").split()
    if bodiless(first):
        body = b""
    elif chunked:
        body = _chunks(stream)
    elif length is None and until_end:
        body, closes = stream.read(), True
    else:
        body = stream.read(length or 0)
    return _Message(b"".join([*lines, line]), body, first, closes)


def _chunks(stream: BinaryIO) -> bytes:
    found = []
    while True:
        size = stream.readline()
        found += [size, stream.read(int(size.partition(b";")[0], 16) + 2)]  # and the end of the line
        if found[-1] == b"\r\n":
            return b"".join(found)


def _pass_on(wire: Wire, client: socket.socket) -> None:
    """Serve one connection to its end; a client that hangs up is part of the game."""
    service = _Service(wire.target)
    with client, client.makefile("rb") as stream, suppress(OSError, EOFError, ValueError):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while (request := _read(stream, lambda _: False)) and (answer := _answer(wire, service, request)):
                client.sendall(answer.data)
                if request.closes or answer.closes:
                    return
        finally:
            service.close()


def _answer(wire: Wire, service: "_Service", request: _Message) -> _Message | None:
    """What a client gets; None: nothing, and its connection ends."""
    method, path = request.first[:2]
    wire.seen.append((method, path))
    wire.wait_while_dead()
    if wire.refusing:
        return _made(503)
    if refused := wire.refusal(method, path):
        return _made(refused[0], f"x-ms-error-code: {refused[1]}")
    if wire.garbling:
        body = b'{"value": [{"odata.etag": "x"}]}'
        return _made(200, "Content-Type: application/json", body=body)
    answer = service.ask(request)
    return None if wire.loses(method, path) else answer


def _made(status: int, *headers: str, body: bytes = b"") -> _Message:
    lines = [f"HTTP/1.1 {status} Made", *headers, f"Content-Length: {len(body)}", "", ""]
    return _Message("\r\n".join(lines).encode(), body, [], False)


class _Service:
    """The connection to the service, as long as this one to the client; a new one where the service has
    closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._stream: BinaryIO | None = None

    def ask(self, request: _Message) -> _Message:
        if self._socket and select.select([self._socket], [], [], 0)[0]:
            self.close()
        if not self._socket or not self._stream:
            self._socket = socket.create_connection(("127.0.0.1", self._port), _SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._stream = self._socket.makefile("rb")
        self._socket.sendall(request.data)
        to_head = request.first[0] == "HEAD"
        answer = _read(self._stream, lambda first: to_head or first[1] in ("204", "304"), until_end=True)
        if answer.closes:
            self.close()
        return answer

    def close(self) -> None:
        if self._stream:
            self._stream.close()
        if self._socket:
            self._socket.close()
        self._socket = self._stream = None


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
