"""`allowSharedKeyAccess: false` before Azurite, which knows no such switch: what is signed with the account's
key is refused, everything else is handed on as it came.

    python -m tests.support.keyless_front CERT KEY PORT:UPSTREAM ...     127.0.0.1, HTTPS on both sides

Source: "Prevent Shared Key authorization for an Azure Storage account": Authorization with SharedKey or
SharedKeyLite, account SAS and service SAS are answered 403 KeyBasedAuthenticationNotPermitted; a user
delegation SAS is taken.
"""

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from urllib.parse import parse_qs

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

REFUSED = "KeyBasedAuthenticationNotPermitted"
_BODY = (
    f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{REFUSED}</Code>'
    "<Message>Key based authentication is not permitted on this storage account.</Message></Error>"
)
_OF_A_CONNECTION = (b"connection", b"keep-alive", b"transfer-encoding")


def is_signed_with_key(authorization: str, query: str) -> bool:
    """Whether the account's key has signed a request."""
    named = parse_qs(query)
    return authorization.lower().startswith("sharedkey") or ("sig" in named and "skoid" not in named)


class Front:
    """An ASGI application. `upstreams`: by its own port the one behind."""

    def __init__(self, upstreams: Mapping[int, int], context: ssl.SSLContext) -> None:
        self._upstreams = upstreams
        self._client = httpx.AsyncClient(verify=context, timeout=60)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        query = scope["query_string"].decode("ascii")
        if is_signed_with_key(request.headers.get("authorization", ""), query):
            refusal = {"x-ms-error-code": REFUSED, "content-type": "application/xml"}
            await Response(_BODY, 403, refusal)(scope, receive, send)
            return
        await (await self._handed_on(request))(scope, receive, send)

    async def _handed_on(self, request: Request) -> Response:
        scope = request.scope
        port = self._upstreams[scope["server"][1]]
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        has_body = {"content-length", "transfer-encoding"} & set(request.headers)
        asked = self._client.build_request(
            request.method,
            httpx.URL(scheme="https", host="127.0.0.1", port=port, raw_path=target),
            headers=_kept(request.headers.raw),
            content=request.stream() if has_body else None,
        )
        answer = await self._client.send(asked, stream=True)
        response = StreamingResponse(_raw(answer), answer.status_code)
        response.raw_headers = _kept(answer.headers.raw)
        return response


def _kept(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in headers if name.lower() not in _OF_A_CONNECTION]


async def _raw(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()


def main() -> None:
    certificate, key, *pairs = sys.argv[1:]
    upstreams = {int(own): int(behind) for own, behind in (pair.split(":") for pair in pairs)}
    app = Front(upstreams, ssl.create_default_context(cafile=certificate))
    config = uvicorn.Config(
        app,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        http="h11",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=120,
    )
    sockets = [socket.create_server(("127.0.0.1", port), backlog=128) for port in upstreams]
    asyncio.run(uvicorn.Server(config).serve(sockets))


if __name__ == "__main__":
    main()
