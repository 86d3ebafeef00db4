"""A stand-in for the ingestion of Application Insights (POST /v2.1/track) and a machine's identity service.

As the service with local authentication switched off: without a token of its identity service, for Azure
Monitor, the answer is 401. For tests only.
"""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.tls import tls_server

KEY = "12345678-1234-1234-1234-123456789abc"
_TOKEN, _HEADER = "t0ken-for-monitor", "h3ader"


@dataclass
class Ingestion:
    """What arrived, and how one sends there."""

    url: str = ""
    certificate: Path = Path()
    items: list[dict[str, Any]] = field(default_factory=list)
    clients: set[str] = field(default_factory=set)  #: client ids that a token was asked for
    paths: list[str] = field(default_factory=list)  #: of every request

    @property
    def connection_string(self) -> str:
        return f"InstrumentationKey={KEY};IngestionEndpoint={self.url}/"

    def environment(self, client_id: str) -> dict[str, str]:
        """What a runner is given."""
        return {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": self.connection_string,
            "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": f"ClientId={client_id};Authorization=AAD",
            "IDENTITY_ENDPOINT": f"{self.url}/msi/token",
            "IDENTITY_HEADER": _HEADER,
            "REQUESTS_CA_BUNDLE": str(self.certificate),
        }

    @property
    def messages(self) -> list[str]:
        return [item["data"]["baseData"]["message"] for item in self.items]


@contextmanager
def ingestion(directory: Path) -> Iterator[Ingestion]:
    """A running ingestion."""
    made = Ingestion()
    with tls_server(_handler(made), directory) as front:
        made.url, made.certificate = front.url, front.certificate
        yield made


def _handler(made: Ingestion) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.paths.append(self.path)
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            if self.headers.get("X-IDENTITY-HEADER") != _HEADER:
                return self._answer(400, {})
            made.clients.add(query.get("client_id", ""))
            is_monitor = query.get("resource", "").startswith("https://monitor.azure.com")
            token = _TOKEN if is_monitor else "for-somebody-else"
            return self._answer(
                200, {"access_token": token, "expires_on": "4102444800", "token_type": "Bearer"}
            )

        def do_POST(self) -> None:
            made.paths.append(self.path)
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                data = gzip.decompress(data)
            if self.headers.get("Authorization") != f"Bearer {_TOKEN}":
                return self._answer(401, {})
            items = json.loads(data)
            made.items += items
            received = {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
            return self._answer(200, received)

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: `paths` shows what came."""

    return Handler
