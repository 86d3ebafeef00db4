"""Keeps pages in a browser on this machine from the host: any may send requests to the loopback interface.

A page whose name somebody lets point to 127.0.0.1 after it was loaded (DNS rebinding) even reads the answers:
its requests carry that name in Host. What other pages send carries their origin.
"""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api import origins

_HOST = (
    "This host answers to names of this machine only, such as localhost and 127.0.0.1. "
    "Name others with --allow-host, or in BATCHAI_ALLOWED_HOSTS, separated by blanks."
)
_ORIGIN = "A page of another site may not change anything here."


class Guard:
    """An ASGI application before another one."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """`hosts`: names that it answers to beside those of the loopback interface."""
        self._app = app
        self._hosts = frozenset(name.lower() for name in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = self._refusal(scope["method"], Headers(scope=scope))
            if refusal:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> JSONResponse | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not origins.is_loopback(host) and origins.host_name(host) not in self._hosts:
            return _refused(421, "HostNotAllowed", _HOST)
        if method not in origins.SAFE and origin is not None and origins.is_foreign(origin, host):
            return _refused(403, "OriginNotAllowed", _ORIGIN)
        return None


def _refused(status: int, code: str, message: str) -> JSONResponse:
    # In the form of Azure Resource Manager, which the clients of the functions read.
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
