"""HTTP triggers: which function answers a request, and the way in and out of it."""

import asyncio
import logging
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from local.host import sdk
from local.host.model import Function, HttpTrigger
from local.host.routes import RouteTemplate, parse_route, split_path
from local.host.worker import Invocation, Worker

log = logging.getLogger("host")

_REASON = "This function was programmatically called via the host APIs."
#: The server writes these itself; a function's own values would contradict the body.
_OURS = frozenset({"content-length", "transfer-encoding", "connection"})
_LARGEST_BODY = 210_000_000  #: the host's limit
_WELCOME = "The thin stand-in for the Azure Functions host is up and running.\n"


class HttpFunctions:
    """An ASGI application over the HTTP functions of an app."""

    def __init__(self, functions: list[Function], prefix: str, worker: Worker) -> None:
        """Raises HostError for a route that is not valid."""
        self._worker = worker
        routes: list[tuple[RouteTemplate, HttpTrigger, Function]] = []
        for function in functions:
            if isinstance(function.trigger, HttpTrigger):
                routes.append((parse_route(prefix, function.trigger.route), function.trigger, function))
        self.routes = sorted(routes, key=lambda route: route[0].precedence)

    def find(self, method: str, path: tuple[str, ...]) -> tuple[Function, dict[str, str]] | None:
        """The first matching route by ASP.NET's precedence. A method no route has is as good as no route."""
        for template, trigger, function in self.routes:
            if not trigger.methods or method in trigger.methods:
                values = template.match(path)
                if values is not None:
                    return function, values
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        raw_path = request.scope["raw_path"].decode("ascii", "replace")
        path = split_path(raw_path)
        found = self.find(request.method, path)
        if found is None:
            welcome = not path and request.method == "GET"
            return PlainTextResponse(_WELCOME) if welcome else Response(status_code=404)
        if _declared_length(request) > _LARGEST_BODY:
            return Response(status_code=413)
        function, values = found
        call = await _read(request, raw_path, values)
        invocation = Invocation(
            function, lambda: sdk.http_value(call), _REASON, call.headers.get("traceparent")
        )
        try:
            answer = await asyncio.wrap_future(self._worker.submit(invocation))
            return _response(answer)
        except Exception:
            # The function's traceback is in the log already; the client learns nothing of it.
            return Response(status_code=500)


def _declared_length(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isdecimal() else 0


async def _read(request: Request, raw_path: str, route: dict[str, str]) -> sdk.HttpCall:
    """The request as the host hands it on: repeated names joined by commas, empty query values left out, and
    no body where its length is not declared (a chunked upload arrives empty)."""
    query: dict[str, str] = {}
    query_text = request.scope["query_string"].decode("latin-1")
    for name, value in parse_qsl(query_text, keep_blank_values=False):
        query[name] = f"{query[name]},{value}" if name in query else value
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    body = await request.body() if _declared_length(request) > 0 else b""
    host = headers.get("host", "localhost")
    url = f"{request.url.scheme}://{host}{raw_path}{'?' + query_text if query_text else ''}"
    return sdk.HttpCall(request.method, url, headers, query, route, body)


def _response(answer: sdk.HttpAnswer) -> Response:
    bodiless = answer.status in (204, 304) or answer.status < 200
    response = Response(b"" if bodiless else answer.body, answer.status)
    # An empty type is none: ASP.NET sends no header for it.
    sent = [(n.lower(), v) for n, v in answer.headers if v or n.lower() != "content-type"]
    kept = [(n, v) for n, v in sent if n not in _OURS]
    lengths = [pair for pair in response.raw_headers if pair[0] == b"content-length"]
    response.raw_headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in kept] + lengths
    return response
