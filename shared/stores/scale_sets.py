"""Scale sets of Azure as pools: the one place that knows azure-mgmt-compute.

A set belongs to the cluster that its tag names and is of Flexible orchestration, as infra/modules/pool.bicep
makes it: its instances are virtual machines of the resource group, whose names are their ids.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest

from shared.errors import BatchAIError, LostOwnershipError, PoolRefusedError, PoolSilentError, ThrottledError
from shared.scaling.pools import Machine, MachineState, Operation, Pool, Progress
from shared.settings import ArmSettings
from shared.stores.connection import CallCounter, counting_transport
from shared.stores.identity import identity

#: The tag by which a set is found; its value is a cluster, as people write it.
CLUSTER_TAG = "batchai-cluster"
#: Until ARM is asked again that does not say how long to wait.
_THROTTLED_SECONDS = 60.0
_MOST_MESSAGE = 1_000
_STATES = {"failed": MachineState.FAILED, "deleting": MachineState.DELETING}
#: A canceled one was overtaken by a later request.
_PROGRESS = {"succeeded": Progress.DONE, "failed": Progress.FAILED, "canceled": Progress.DONE}
#: What ARM answers where an instance of a list is gone already: then it deletes none of them.
_GONE = ("InvalidParameter", "NotFound", "ResourceNotFound")


class _Token(SansIOHTTPPolicy[Any, Any]):
    """A token that never changes, over plain HTTP: a stand-in of ARM on this machine."""

    def __init__(self, token: str) -> None:
        self._token = token

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = f"Bearer {self._token}"


class ScaleSets:
    """`shared.scaling.pools.Pools` over Azure Resource Manager. Clients are made at first use; nothing is
    repeated here: the next sweep asks again. Thread-safe."""

    def __init__(self, settings: ArmSettings, counter: CallCounter) -> None:
        self._settings = settings
        self._counter = counter
        self._made: Any = None
        self._plain: Any = None

    def look(self) -> Sequence[Pool]:
        """Two calls: the sets of the resource group, and its machines."""
        group = self._settings.resource_group
        with _translated("listing scale sets"):
            sets = [each for each in self._compute().virtual_machine_scale_sets.list(group) if _tag(each)]
        if not sets:
            return ()
        with _translated("listing machines"):
            machines = list(self._compute().virtual_machines.list(group))
        return tuple(_pool(each, machines) for each in sets)

    def set_capacity(self, pool: Pool, capacity: int) -> str:
        """PATCH of the set's sku, If-Match."""
        if capacity < len(pool.machines):
            raise ValueError(f"pool {pool.name} has {len(pool.machines)} machines: {capacity} are fewer")
        from azure.mgmt.compute.models import Sku, VirtualMachineScaleSetUpdate

        asked: list[str] = []
        change = VirtualMachineScaleSetUpdate(sku=Sku(name=pool.size, tier="Standard", capacity=capacity))
        with _translated(f"setting the capacity of scale set {pool.name}"):
            self._compute().virtual_machine_scale_sets.begin_update(
                self._settings.resource_group,
                pool.name,
                change,
                etag=pool.etag or None,
                match_condition=MatchConditions.IfNotModified if pool.etag else None,
                polling=False,
                raw_response_hook=_operation_into(asked),
            )
        return asked[-1] if asked else ""

    def delete(self, pool: Pool, machines: Sequence[str]) -> None:
        """One call for all of them, and one for each where some are gone already."""
        try:
            self._delete(pool, machines)
        except PoolRefusedError as error:
            if error.code not in _GONE:
                raise
            for machine in machines if len(machines) > 1 else ():
                self.delete(pool, (machine,))

    def _delete(self, pool: Pool, machines: Sequence[str]) -> None:
        from azure.mgmt.compute.models import VirtualMachineScaleSetVMInstanceRequiredIDs

        with _translated(f"deleting machines of scale set {pool.name}"):
            self._compute().virtual_machine_scale_sets.begin_delete_instances(
                self._settings.resource_group,
                pool.name,
                VirtualMachineScaleSetVMInstanceRequiredIDs(instance_ids=list(machines)),
                polling=False,
            )

    def operation(self, asked: str) -> Operation:
        """GET of the operation's own address, which only ARM may have given."""
        if not asked.startswith(f"{self._settings.endpoint}/"):
            return Operation(Progress.DONE)
        with _translated("asking how far a scale set has come"):
            answer = self._client().send_request(HttpRequest("GET", asked))
            if answer.status_code == 404:
                return Operation(Progress.DONE)
            answer.raise_for_status()
            body = answer.json()
        progress = _PROGRESS.get(str(body.get("status", "")).lower(), Progress.RUNNING)
        error = body.get("error") or {}
        return Operation(progress, _word(error.get("code")), str(error.get("message") or "")[:_MOST_MESSAGE])

    def close(self) -> None:
        """Close the clients that were made."""
        for client in (self._made, self._plain):
            if client is not None:
                client.close()
        self._made = self._plain = None

    def _compute(self) -> Any:
        # Imported late: it takes a quarter of a second, and an installation without pools never needs it.
        from azure.mgmt.compute import ComputeManagementClient

        if self._made is None:
            self._made = ComputeManagementClient(
                identity(),
                self._settings.subscription or "-",
                self._settings.endpoint,
                authentication_policy=self._policy(),
                transport=counting_transport(self._counter, "arm"),
                retry_total=0,
            )
        return self._made

    def _client(self) -> Any:
        """For what the SDK's own client offers no call for."""
        from azure.mgmt.core import ARMPipelineClient

        if self._plain is None:
            transport = counting_transport(self._counter, "arm")
            self._plain = ARMPipelineClient(
                self._settings.endpoint, policies=[self._policy()], transport=transport
            )
        return self._plain

    def _policy(self) -> Any:
        if self._settings.token:
            return _Token(self._settings.token)
        from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

        return ARMChallengeAuthenticationPolicy(identity(), f"{self._settings.endpoint}/.default")


def _tag(scale_set: Any) -> str:
    return str((scale_set.tags or {}).get(CLUSTER_TAG) or "")


def _pool(scale_set: Any, machines: Sequence[Any]) -> Pool:
    properties, sku = scale_set.properties, scale_set.sku
    profile = getattr(properties, "virtual_machine_profile", None)
    state = str(getattr(properties, "provisioning_state", "") or "")
    return Pool(
        name=str(scale_set.name),
        cluster=_tag(scale_set),
        capacity=int(sku.capacity or 0),
        machines=tuple(_machine(each) for each in machines if _set_of(each) == str(scale_set.id).lower()),
        settled=state.lower() in ("", "succeeded", "failed", "canceled"),
        spot=_text(getattr(profile, "priority", "")).lower() == "spot",
        size=str(sku.name or ""),
        etag=str(scale_set.etag or ""),
    )


def _text(value: Any) -> str:
    """The word of an enumeration, which may be one that the SDK does not know."""
    return str(getattr(value, "value", value) or "")


def _set_of(machine: Any) -> str:
    owner = getattr(machine.properties, "virtual_machine_scale_set", None)
    return str(getattr(owner, "id", "") or "").lower()


def _machine(machine: Any) -> Machine:
    state = str(machine.properties.provisioning_state or "").lower()
    return Machine(
        str(machine.name), _STATES.get(state, MachineState.PRESENT), machine.properties.time_created
    )


def _operation_into(asked: list[str]) -> Callable[[Any], None]:
    """A hook that keeps the address at which ARM says how far the request has come."""

    def keep(response: Any) -> None:
        if address := response.http_response.headers.get("Azure-AsyncOperation"):
            asked.append(str(address))

    return keep


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """ARM's answers as ours, the cloud's own words kept where it refuses."""
    try:
        yield
    except HttpResponseError as error:
        raise _ours(error, doing) from error
    except AzureError as error:
        raise PoolSilentError(f"{doing}: ARM could not be reached ({type(error).__name__})") from error


def _ours(error: HttpResponseError, doing: str) -> BatchAIError:
    status, body = error.status_code or 0, getattr(error, "error", None)
    code = _word(getattr(body, "code", "")) or f"Http{status}"
    message = str(getattr(body, "message", "") or error.reason or "")[:_MOST_MESSAGE]
    if status == 429:
        return ThrottledError(f"{doing}: ARM answered 429 {code}", _retry_after(error))
    if status == 412:
        return LostOwnershipError(f"{doing}: changed by somebody else meanwhile")
    if 400 <= status < 500 and status != 408:
        return PoolRefusedError(message or f"{doing}: ARM answered {status}", code)
    return PoolSilentError(f"{doing}: ARM answered {status} {code}")


def _retry_after(error: HttpResponseError) -> float:
    given = str(getattr(error.response, "headers", {}).get("Retry-After", ""))
    return float(given) if re.fullmatch(r"\d{1,5}", given) else _THROTTLED_SECONDS


def _word(code: object) -> str:
    """An error code; anything else a server may send instead is not repeated."""
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9]{1,80}", code) else ""
