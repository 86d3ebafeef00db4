"""A webhook that keeps the events it is sent: in this process, or in a file, as a program that a test kills
and starts again.

    python -m tests.support.event_receiver <port> <file>

What is acknowledged is in the file: it is written before the answer.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "whsec_" + "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@dataclass
class Request:
    """One that arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    client: tuple[str, int] = ("", 0)  #: the other end of its connection

    @property
    def events(self) -> list[dict[str, Any]]:
        found = json.loads(self.body)
        return found if isinstance(found, list) else [found]


@dataclass
class Hook:
    """What arrived, and what is answered: status and headers."""

    url: str = ""
    answers: dict[str, tuple[int, Mapping[str, str]]] = field(default_factory=dict)  #: by method
    requests: list[Request] = field(default_factory=list)
    hold: threading.Event | None = None  #: nobody is answered until it is set

    def of(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for request in self.of("POST") for event in request.events]


def handler_of(hook: Hook, file: Path | None = None) -> type[BaseHTTPRequestHandler]:
    """Of a server that feeds a Hook, or a file."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, _plain(self.headers), body, self.client_address)
            if file is not None and self.command == "POST":
                _keep(file, request)
            else:
                hook.requests.append(request)
            if hook.hold is not None:
                hook.hold.wait(30)
            status, headers = hook.answers.get(self.command, (204, {}))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_OPTIONS = do_GET = _take

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _plain(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


_lock = threading.Lock()


def _keep(file: Path, request: Request) -> None:
    text = "".join(json.dumps(event) + "\n" for event in request.events).encode()
    with _lock:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, text)
        finally:
            os.close(descriptor)


@contextmanager
def hook() -> Iterator[Hook]:
    """A running webhook."""
    made = Hook()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(made)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def kept(file: Path) -> list[dict[str, Any]]:
    """The events of a program's file; a last line that a kill has cut was never acknowledged."""
    text = file.read_text() if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def main() -> None:
    """Serve until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler_of(Hook(), Path(sys.argv[2])))
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
