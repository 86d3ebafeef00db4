"""The ASGI application: routes of Microsoft.Compute, of Scheduled Events, and of the stand-in itself."""

import hmac
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from local.arm import faults, wire
from local.arm.cloud import Cloud
from local.arm.errors import ArmError, bad_request
from local.arm.handlers import Answer, Handlers

_log = logging.getLogger(__name__)
_COMPUTE = "/providers/Microsoft.Compute"
_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = _SUBSCRIPTION + "/resourceGroups/{group}"
_SET = _GROUP + _COMPUTE + "/virtualMachineScaleSets/{name}"
_VM = _GROUP + _COMPUTE + "/virtualMachines/{vm}"
Handler = Callable[[Request, Any], Answer]


def create_app(cloud: Cloud, token: str) -> Starlette:
    """`token`: what callers of ARM and of the control routes have to bear."""
    handlers = Handlers(cloud)

    def arm(path: str, method: str, handler: Handler) -> Route:
        return Route(path, _guarded(cloud, token, handler), methods=[method])

    async def events(request: Request) -> Response:
        return _events(cloud, request)

    async def control(request: Request) -> Response:
        return await _control(cloud, token, request)

    return Starlette(
        routes=[
            arm(_SUBSCRIPTION + _COMPUTE + "/virtualMachineScaleSets", "GET", handlers.list_sets),
            arm(_GROUP + _COMPUTE + "/virtualMachineScaleSets", "GET", handlers.list_sets),
            arm(_SET, "GET", handlers.get_set),
            arm(_SET, "PUT", handlers.put_set),
            arm(_SET, "PATCH", handlers.patch_set),
            arm(_SET, "DELETE", handlers.delete_set),
            arm(_SET + "/instanceView", "GET", handlers.set_view),
            arm(_SET + "/delete", "POST", handlers.delete_instances),
            arm(_SET + "/virtualMachines", "GET", handlers.list_vms_of_set),
            arm(_SUBSCRIPTION + _COMPUTE + "/virtualMachines", "GET", handlers.list_vms),
            arm(_GROUP + _COMPUTE + "/virtualMachines", "GET", handlers.list_vms),
            arm(_VM, "GET", handlers.get_vm),
            arm(_VM, "DELETE", handlers.delete_vm),
            arm(_VM + "/instanceView", "GET", handlers.vm_view),
            arm(_VM + "/simulateEviction", "POST", handlers.simulate_eviction),
            arm(
                _SUBSCRIPTION + _COMPUTE + "/locations/{location}/operations/{operation}",
                "GET",
                handlers.get_operation,
            ),
            Route("/metadata/{vm}/scheduledevents", events, methods=["GET"]),
            Route("/control/faults", control, methods=["GET", "PATCH"]),
            Route("/control/evictions/{vm}", control, methods=["POST"]),
            Route("/control/machines", control, methods=["GET"]),
        ]
    )


def _guarded(cloud: Cloud, token: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler of ARM's behind what every request meets first: faults on demand, the token, the version."""

    async def serve(request: Request) -> Response:
        body = await request.body()
        common = {"x-ms-request-id": str(uuid.uuid4()), "x-ms-correlation-request-id": str(uuid.uuid4())}
        try:
            with cloud.lock:
                _refuse(cloud, token, request)
                answer = handler(request, _json(body))
                lost = request.method != "GET" and cloud.faults.lost_answers > 0
                if lost:
                    cloud.faults = cloud.faults.changed({"lost_answers": cloud.faults.lost_answers - 1})
        except ArmError as error:
            return _refusal(error, common)
        if lost:
            return _Broken()
        if answer.body is None:
            return Response(status_code=answer.status, headers=common | answer.headers)
        return JSONResponse(answer.body, answer.status, common | answer.headers)

    return serve


def _refuse(cloud: Cloud, token: str, request: Request) -> None:
    """Raises ArmError where the request does not reach its handler."""
    asked = cloud.faults
    if asked.down:
        raise faults.unavailable()
    if asked.throttled > 0:
        cloud.faults = asked.changed({"throttled": asked.throttled - 1})
        raise faults.throttled(asked.retry_after)
    _authorize(token, request)
    if not request.query_params.get("api-version"):
        raise bad_request(
            "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required."
        )


def _authorize(token: str, request: Request) -> None:
    """Raises ArmError for a request that does not bear the token."""
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise ArmError(
            401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is invalid."
        )


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError as error:
        raise bad_request("InvalidRequestContent", f"The request content was invalid: {error}") from error


def _refusal(error: ArmError, headers: dict[str, str]) -> Response:
    wait = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse(error.as_json(), error.status, headers | wait)


def _events(cloud: Cloud, request: Request) -> Response:
    """Scheduled Events, as a machine asks for them: no token, but the header that a proxy does not add."""
    if request.headers.get("metadata", "").lower() != "true":
        return JSONResponse({"error": "Bad request: the header Metadata: true is required"}, 400)
    with cloud.lock:
        return JSONResponse(wire.scheduled_events(cloud.machine(request.path_params["vm"])))


async def _control(cloud: Cloud, token: str, request: Request) -> Response:
    """The stand-in's own routes: faults on demand, evictions, and what runs."""
    body = await request.body()
    try:
        _authorize(token, request)
        with cloud.lock:
            return JSONResponse(_controlled(cloud, request, _json(body) or {}))
    except ArmError as error:
        return _refusal(error, {})


def _controlled(cloud: Cloud, request: Request, body: dict[str, Any]) -> Any:
    if request.url.path == "/control/machines":
        return [{"name": vm.name, "set": vm.owner.name, "state": vm.state.value} for vm in cloud.everything()]
    if request.method == "PATCH":
        cloud.faults = cloud.faults.changed(body)
    elif request.method == "POST":
        name = request.path_params["vm"]
        found = next((v for v in cloud.everything() if v.name == name), None)
        if found is None:
            raise ArmError(404, "NotFound", f"there is no machine {name}")
        cloud.evict(found, float(body.get("seconds", 30.0)))
    return asdict(cloud.faults)


class _Broken(Response):
    """An answer that never arrives: the connection breaks after its first line."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        raise ConnectionAbortedError("this answer is to be lost")


def events_url(base: str, vm: str) -> str:
    """Where the machine called `vm` asks for its Scheduled Events."""
    return f"{base}/metadata/{quote(vm)}/scheduledevents?api-version=2020-07-01"
