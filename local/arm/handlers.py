"""The operations of Microsoft.Compute that scale sets need, each with the answer that the SDK expects."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from local.arm import bodies, wire
from local.arm.cloud import Cloud
from local.arm.errors import ArmError, bad_request
from local.arm.model import NAME_PATTERN, Operation, ScaleSet, SetKey, Vm

_POLL_SECONDS = 1
#: The service's own notice before a Spot machine is taken, at least.
_EVICTION_SECONDS = 30.0
_PAGE = 100


@dataclass(frozen=True)
class Answer:
    """Status, JSON body (None: empty) and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Handlers:
    """One method per operation; each is called with the lock of the cloud. They raise ArmError."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def list_sets(self, request: Request, body: Any) -> Answer:
        where = request.path_params
        found = self._cloud.sets(where["subscription"], where.get("group", ""))
        return _page(request, [self._shown(one) for one in found])

    def get_set(self, request: Request, body: Any) -> Answer:
        return Answer(200, self._shown(self._set(request)))

    def put_set(self, request: Request, body: Any) -> Answer:
        given, key = bodies.set_body(body), _key(request)
        try:
            found, status = self._cloud.scale_set(key), 200
        except ArmError:
            if not (given.location and given.sku and NAME_PATTERN.fullmatch(key.name)):
                raise bad_request("InvalidParameter", "location and sku.name are required.") from None
            found, status = ScaleSet(key, given.location, given.sku), 201
            self._cloud.add(found)
        found.tags, found.sku = given.tags or {}, given.sku or found.sku
        found.properties = given.properties or {}
        return self._resized(request, found, given.capacity, status)

    def patch_set(self, request: Request, body: Any) -> Answer:
        given, found = bodies.set_body(body), self._set(request)
        _match(request, found)
        if given.tags is not None:
            found.tags = given.tags
        if given.sku and given.sku != found.sku:
            found.sku = given.sku
        return self._resized(request, found, given.capacity, 200)

    def _resized(self, request: Request, found: ScaleSet, capacity: int | None, status: int) -> Answer:
        running = self._cloud.resize(found, found.capacity if capacity is None else capacity)
        return Answer(status, self._shown(found), _polling(request, found, running))

    def delete_set(self, request: Request, body: Any) -> Answer:
        found = self._set(request)
        return self._accepted(request, found, self._cloud.delete_set(found))

    def delete_instances(self, request: Request, body: Any) -> Answer:
        found = self._set(request)
        return self._accepted(request, found, self._cloud.delete_vms(found, bodies.instance_ids(body)))

    def set_view(self, request: Request, body: Any) -> Answer:
        return Answer(200, wire.set_view(self._set(request)))

    def list_vms_of_set(self, request: Request, body: Any) -> Answer:
        found, view = self._set(request), _with_view(request)
        return _page(request, [wire.vm_of_set(vm, found, view) for vm in found.vms.values()])

    def list_vms(self, request: Request, body: Any) -> Answer:
        where, wanted = request.path_params, bodies.set_of_filter(request.query_params.get("$filter", ""))
        found = self._cloud.sets(where["subscription"], where.get("group", ""))
        if wanted:
            found = [one for one in found if one.key.folded == wanted.folded]
        view = _with_view(request)
        return _page(request, [wire.vm(vm, one, view) for one in found for vm in one.vms.values()])

    def get_vm(self, request: Request, body: Any) -> Answer:
        vm, owner = self._vm(request)
        return Answer(200, wire.vm(vm, owner, _with_view(request)))

    def vm_view(self, request: Request, body: Any) -> Answer:
        return Answer(200, wire.instance_view(self._vm(request)[0]))

    def delete_vm(self, request: Request, body: Any) -> Answer:
        try:
            vm, owner = self._vm(request)
        except ArmError:
            return Answer(204)
        return self._accepted(request, owner, self._cloud.delete_vms(owner, [vm.name]))

    def simulate_eviction(self, request: Request, body: Any) -> Answer:
        self._cloud.evict(self._vm(request)[0], _EVICTION_SECONDS)
        return Answer(204)

    def get_operation(self, request: Request, body: Any) -> Answer:
        found = self._cloud.operation(request.path_params["operation"])
        wait = {"Retry-After": str(_POLL_SECONDS)} if found.status == "InProgress" else {}
        if "monitor" in request.query_params:  # the URL of Location
            return Answer(202 if wait else 200, None, wait | _location(request) if wait else {})
        return Answer(200, wire.operation(found), wait)

    def _accepted(self, request: Request, found: ScaleSet, running: Operation) -> Answer:
        headers = _polling(request, found, running)
        location = f"{headers['Azure-AsyncOperation']}&monitor=true"
        return Answer(202, None, headers | {"Location": location})

    def _set(self, request: Request) -> ScaleSet:
        return self._cloud.scale_set(_key(request))

    def _vm(self, request: Request) -> tuple[Vm, ScaleSet]:
        where = request.path_params
        vm = self._cloud.vm(where["subscription"], where["group"], where["vm"])
        return vm, self._cloud.scale_set(vm.owner)

    def _shown(self, found: ScaleSet) -> dict[str, Any]:
        return wire.scale_set(found, self._cloud.is_updating(found))


def _key(request: Request) -> SetKey:
    where = request.path_params
    return SetKey(where["subscription"], where["group"], where["name"])


def _match(request: Request, found: ScaleSet) -> None:
    """Raises ArmError where the set is no longer as its caller has read it."""
    wanted = request.headers.get("if-match", "*")
    if wanted not in ("*", found.etag):
        raise ArmError(412, "PreconditionFailed", "The condition set by the If-Match header is not met.")


def _with_view(request: Request) -> bool:
    return "instanceview" in request.query_params.get("$expand", "").lower()


def _polling(request: Request, found: ScaleSet, running: Operation) -> dict[str, str]:
    base, subscription = str(request.base_url).rstrip("/"), found.key.subscription
    path = f"/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{found.location}/operations"
    version = request.query_params["api-version"]
    return {
        "Azure-AsyncOperation": f"{base}{path}/{running.id}?api-version={version}",
        "Azure-AsyncNotification": "Enabled",
        "Retry-After": str(_POLL_SECONDS),
    }


def _location(request: Request) -> dict[str, str]:
    return {"Location": str(request.url)}


def _page(request: Request, items: Sequence[dict[str, Any]]) -> Answer:
    """A page of a list, with the URL of the next."""
    try:
        start = int(request.query_params.get("$skiptoken", "0"))
    except ValueError:
        raise bad_request("InvalidParameter", "$skiptoken is none of ours.") from None
    body: dict[str, Any] = {"value": list(items[start : start + _PAGE])}
    if len(items) > start + _PAGE:
        body["nextLink"] = str(request.url.include_query_params(**{"$skiptoken": start + _PAGE}))
    return Answer(200, body)
