"""A stand-in for a Key Vault: secrets over the REST API 7.x, and the machine's own identity service.

Behaviour from the REST reference ("Get Secret", "Authentication, requests and responses", "REST API error
codes") and from answers quoted in the SDKs' issues: 401 with a challenge without a valid token, 403 with an
innererror, 404 SecretNotFound, 429 with Retry-After. For tests only.
"""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.tls import Front, tls_server

TENANT = "22222222-2222-2222-2222-222222222222"
APP_ID, OBJECT_ID = "33333333-3333-3333-3333-333333333333", "44444444-4444-4444-4444-444444444444"
_SECRET_PATH = re.compile(r"/secrets/([A-Za-z0-9-]{1,127})(?:/([0-9a-f]{32}))?/?")

Answer = tuple[int, dict[str, str], dict[str, Any]]


@dataclass
class Vault:
    """What the vault holds and how it behaves; tests change it while it runs."""

    host: str = ""  #: "127.0.0.1:<port>"
    certificate: Path = Path()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    identity_header: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    versions: dict[str, dict[str, str]] = field(default_factory=dict)  #: name -> version -> value
    disabled: set[str] = field(default_factory=set)
    forbidden: dict[str, str] = field(default_factory=dict)  #: name -> code of the innererror
    refusals: list[int] = field(default_factory=list)  #: statuses that the next requests get
    accepts_token: bool = True
    token_status: int = 400  #: of the answer to a wrong identity header
    requests: list[str] = field(default_factory=list)  #: path and query of every request that came

    def put(self, name: str, value: str) -> str:
        """Set a secret; the URL of this version."""
        version = secrets.token_hex(16)
        self.versions.setdefault(name, {})[version] = value
        return f"{self.url(name)}/{version}"

    def url(self, name: str) -> str:
        """The URL of the current version."""
        return f"https://{self.host}/secrets/{name}"

    def reference(self, name: str) -> dict[str, Any]:
        """A KeyVaultSecretReference."""
        vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v"
        return {"sourceVault": {"id": vault}, "secretUrl": self.url(name)}

    def environment(self) -> dict[str, str]:
        """What a runner is given of it, and of a managed identity of App Service's kind."""
        return {
            "IDENTITY_ENDPOINT": f"https://{self.host}/msi/token",
            "IDENTITY_HEADER": self.identity_header,
            "REQUESTS_CA_BUNDLE": str(self.certificate),
            "BATCHAI_VAULTS": self.host,
        }

    @property
    def resource(self) -> str:
        """A domain that the host lies in, as vault.azure.net is for every vault: the SDK insists on it."""
        return f"https://{self.host.partition('.')[2]}"


@contextmanager
def vault(directory: Path) -> Iterator[Vault]:
    """A running vault."""
    made = Vault()
    with tls_server(_handler(made), directory) as front:
        made.host, made.certificate = _host(front), front.certificate
        yield made


def _host(front: Front) -> str:
    return urlsplit(front.url).netloc


def _handler(vault: Vault) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            vault.requests.append(self.path)
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            if url.path == "/msi/token":
                status, headers, body = _token(vault, query, self.headers.get("X-IDENTITY-HEADER", ""))
            else:
                status, headers, body = _get(vault, url.path, query, self.headers.get("Authorization", ""))
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: `requests` shows what came."""

    return Handler


def _token(vault: Vault, query: dict[str, str], header: str) -> Answer:
    if header != vault.identity_header or query.get("resource") != vault.resource:
        status = vault.token_status
        return status, {}, {"statusCode": status, "message": "no such identity or resource"}
    return (
        200,
        {},
        {
            "access_token": vault.token,
            "expires_on": "4102444800",  # 2100
            "resource": vault.resource,
            "token_type": "Bearer",
        },
    )


def _get(vault: Vault, path: str, query: dict[str, str], authorization: str) -> Answer:
    if authorization != f"Bearer {vault.token}" or not vault.accepts_token:
        login = f"https://login.microsoftonline.com/{TENANT}"
        challenge = f'Bearer authorization="{login}", resource="{vault.resource}"'
        text = "AKV10000: Request is missing a Bearer or PoP token."
        return 401, {"WWW-Authenticate": challenge}, _error("Unauthorized", text)
    if vault.refusals:
        status = vault.refusals.pop(0)
        return status, {"Retry-After": "0"}, _error("Throttled" if status == 429 else "InternalError", "busy")
    found = _SECRET_PATH.fullmatch(path)
    if found is None or not query.get("api-version", "").startswith("7."):
        return 400, {}, _error("BadParameter", "not a request of this API")
    return _secret(vault, found[1], found[2])


def _secret(vault: Vault, name: str, version: str | None) -> Answer:
    if inner := vault.forbidden.get(name):
        caller = f"Caller: appid={APP_ID};oid={OBJECT_ID};iss=https://sts.windows.net/{TENANT}/"
        return 403, {}, _error("Forbidden", f"Caller is not authorized.\r\n{caller}\r\n", inner)
    versions = vault.versions.get(name, {})
    version = version or (list(versions) or [""])[-1]
    if version not in versions:
        return (
            404,
            {},
            _error("SecretNotFound", f"A secret with (name/id) {name} was not found in this vault."),
        )
    if name in vault.disabled:
        text = "Operation get is not allowed on a disabled secret."
        return 403, {}, _error("Forbidden", text, "SecretDisabled")
    times = {"enabled": True, "created": 1700000000, "updated": 1700000000}
    bundle = {"value": versions[version], "id": f"{vault.url(name)}/{version}", "attributes": times}
    return 200, {}, bundle


def _error(code: str, message: str, inner: str = "") -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner}
    return {"error": error}
