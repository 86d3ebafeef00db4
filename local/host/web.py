"""The host's own addresses, and the functions' behind them."""

import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from local.host.blob_messages import BlobMessage
from local.host.events import blob_of, read_events, validation_code
from local.host.guard import Guard
from local.host.http_functions import HttpFunctions
from local.host.loop import one_line
from local.host.model import BlobTrigger, Function, HttpTrigger

log = logging.getLogger("host")


class Services(Protocol):
    """What the addresses need from the host."""

    host_id: str
    functions: dict[str, Function]  #: by name in lower case

    def enqueue(self, message: BlobMessage) -> None:
        """Send a blob message and wake its reader. Raises AzureError."""

    def invoke(self, function: Function, value: str) -> None:
        """Start a function by hand and return at once. Raises ValueError for a value that does not fit it."""


def application(services: Services, http: HttpFunctions, hosts: Collection[str]) -> Starlette:
    """The whole web application of the host. `hosts`: what it is called beside the loopback interface."""
    admin = _Admin(services)
    webhook = _BlobWebhook(services)
    return Starlette(
        routes=[
            Route("/admin/host/status", admin.status),
            Route("/admin/host/ping", admin.ping, methods=["GET", "POST"]),
            Route("/admin/functions", admin.list),
            Route("/admin/functions/{name}", admin.get, methods=["GET"]),
            Route("/admin/functions/{name}", admin.run, methods=["POST"]),
            Route("/runtime/webhooks/blobs", webhook.deliver, methods=["POST"]),
            Route("/runtime/webhooks/blobs", webhook.allow, methods=["OPTIONS"]),
            Mount("/", app=http),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
    )


class _Admin:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def status(self, request: Request) -> Response:
        functions = [_describe(function) for function in self._services.functions.values()]
        body = {"id": self._services.host_id, "state": "Running", "version": "thin", "functions": functions}
        return JSONResponse(body)

    async def ping(self, request: Request) -> Response:
        return Response()

    async def list(self, request: Request) -> Response:
        return JSONResponse([_describe(function) for function in self._services.functions.values()])

    async def get(self, request: Request) -> Response:
        return await self._with_function(request, self._describe)

    async def run(self, request: Request) -> Response:
        """`{"input": "..."}`: a blob's container/name, a queue message's text, anything for a timer. 202."""
        return await self._with_function(request, self._run)

    async def _with_function(
        self, request: Request, answer: Callable[[Request, Function], Awaitable[Response]]
    ) -> Response:
        function = self._services.functions.get(str(request.path_params["name"]).lower())
        return Response(status_code=404) if function is None else await answer(request, function)

    async def _describe(self, request: Request, function: Function) -> Response:
        return JSONResponse(_describe(function))

    async def _run(self, request: Request, function: Function) -> Response:
        try:
            document = await request.json()
            value = document["input"]
            if not isinstance(value, str):
                raise TypeError("the input must be text")
            await run_in_threadpool(self._services.invoke, function, value)
        except (ValueError, KeyError, TypeError) as error:
            return PlainTextResponse(f'Send {{"input": "text"}}: {error}\n', status_code=400)
        return Response(status_code=202)


def _describe(function: Function) -> dict[str, Any]:
    trigger = function.trigger
    shown: dict[str, Any] = {"name": function.name, "trigger": type(trigger).__name__}
    if isinstance(trigger, HttpTrigger):
        shown |= {"route": trigger.route, "methods": sorted(trigger.methods)}
    return shown


class _BlobWebhook:
    """`/runtime/webhooks/blobs?functionName=Host.Functions.<name>`: no receipt, no pattern check."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def allow(self, request: Request) -> Response:
        """The CloudEvents handshake."""
        origin = request.headers.get("webhook-request-origin", "*")
        return Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})

    async def deliver(self, request: Request) -> Response:
        function = self._function(request.query_params.get("functionName", ""))
        if function is None:
            return PlainTextResponse("cannot find that function\n", status_code=404)
        try:
            events = read_events(await request.body())
            code = validation_code(events)
            messages = [self._message(function, event) for event in events] if code is None else []
        except (ValueError, KeyError, TypeError) as error:
            return PlainTextResponse(f"not a delivery of Event Grid: {error}\n", status_code=400)
        kind = request.headers.get("aeg-event-type", "Notification").lower()
        if code is not None:
            return JSONResponse({"validationResponse": code})
        if kind == "notification":
            return await self._enqueue(messages)
        return Response(status_code=202 if kind == "unsubscribe" else 400)

    async def _enqueue(self, messages: list[BlobMessage]) -> Response:
        try:
            for message in messages:
                await run_in_threadpool(self._services.enqueue, message)
        except Exception as error:
            log.warning("An event could not be queued; its sender is asked to try again: %s", one_line(error))
            return Response(status_code=503)
        return Response(status_code=202)

    def _function(self, function_id: str) -> Function | None:
        name = function_id.rpartition(".")[2].lower()
        function = self._services.functions.get(name)
        return function if function and isinstance(function.trigger, BlobTrigger) else None

    @staticmethod
    def _message(function: Function, event: dict[str, Any]) -> BlobMessage:
        blob = blob_of(event)
        return BlobMessage(function.function_id, blob.container, blob.name, etag="")
