"""What `az` needs around the REST API: TLS, a sign-in, a subscription. For tests only.

A TLS server that hands every request on to the function app, and answers by itself what belongs to Azure:
the managed identity's token, the tenants, the subscriptions.
"""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.tls import Front, tls_server

TENANT = "11111111-1111-1111-1111-111111111111"


@contextmanager
def tls_front(target: str, subscription: str, directory: Path) -> Iterator[Front]:
    """Serves until the end of the block."""
    with (
        httpx.Client(base_url=target, timeout=60) as upstream,
        tls_server(_handler(upstream, subscription), directory) as front,
    ):
        yield front


def _token() -> str:
    """A token with nothing but the members that az reads; nobody checks its signature."""
    now = int(time.time())
    claims = {"tid": TENANT, "oid": TENANT, "iat": now, "nbf": now, "exp": now + 86400, "xms_mirid": "/x"}
    parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + ".eA"


def _azure(path: str, subscription: str) -> dict[str, Any] | None:
    """What belongs to Azure and not to Batch AI."""
    expires = str(int(time.time()) + 86400)
    shown = {
        "id": f"/subscriptions/{subscription}",
        "subscriptionId": subscription,
        "tenantId": TENANT,
        "displayName": "local",
        "state": "Enabled",
    }
    answers: dict[str, dict[str, Any]] = {
        "/msi/token": {
            "access_token": _token(),
            "expires_on": expires,
            "token_type": "Bearer",
            "resource": "https://management.core.windows.net/",
        },
        "/tenants": {"value": [{"id": f"/tenants/{TENANT}", "tenantId": TENANT}]},
        "/subscriptions": {"value": [shown]},
    }
    return answers.get(path.lower().rstrip("/"))


def _handler(upstream: httpx.Client, subscription: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            known = _azure(urlsplit(self.path).path, subscription)
            if known is not None:
                self._answer(200, {"Content-Type": "application/json"}, json.dumps(known).encode())
                return
            length = int(self.headers.get("Content-Length") or 0)
            sent = {"Content-Type": self.headers.get("Content-Type", "application/json")}
            # As the front end of App Service does: the host is the client's, the scheme its own word.
            sent |= {"X-Forwarded-Proto": "https", "Host": self.headers["Host"]}
            answer = upstream.request(self.command, self.path, content=self.rfile.read(length), headers=sent)
            kept = ("content-type", "location", "azure-asyncoperation", "retry-after", "etag")
            headers = {name: answer.headers[name] for name in kept if name in answer.headers}
            self._answer(answer.status_code, headers, answer.content)

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _serve

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: the test prints what matters."""

    return Handler
