"""Resources as JSON, in the form of the Compute API 2026-04-01."""

from datetime import UTC, datetime
from typing import Any

from local.arm.model import Operation, Provisioning, ScaleSet, Vm

_POWER = {
    Provisioning.CREATING: "creating",
    Provisioning.SUCCEEDED: "running",
    Provisioning.DELETING: "stopping",
}


def scale_set(found: ScaleSet, updating: bool) -> dict[str, Any]:
    """`updating`: an operation on it runs."""
    state = "Deleting" if found.deleting else "Updating" if updating else "Succeeded"
    return {
        "name": found.key.name,
        "id": found.key.id,
        "type": "Microsoft.Compute/virtualMachineScaleSets",
        "location": found.location,
        "tags": found.tags,
        "sku": {"name": found.sku, "tier": "Standard", "capacity": found.capacity},
        "etag": found.etag,
        "properties": {**found.properties, "orchestrationMode": "Flexible", "provisioningState": state},
    }


def vm(found: Vm, owner: ScaleSet, with_view: bool) -> dict[str, Any]:
    """A machine of a flexible set: a virtual machine as any other."""
    properties: dict[str, Any] = {
        "vmId": f"{found.name[-8:]}-0000-4000-8000-{found.name[-8:]:0>12}",
        "virtualMachineScaleSet": {"id": owner.key.id},
        "hardwareProfile": {"vmSize": owner.sku},
        "osProfile": {"computerName": found.computer_name},
        "priority": "Spot" if owner.spot else "Regular",
        "provisioningState": found.state.value,
        "timeCreated": _time(found.created),
    }
    if with_view:
        properties["instanceView"] = instance_view(found)
    return {
        "name": found.name,
        "id": found.id,
        "type": "Microsoft.Compute/virtualMachines",
        "location": owner.location,
        "tags": owner.tags,
        "properties": properties,
    }


def vm_of_set(found: Vm, owner: ScaleSet, with_view: bool) -> dict[str, Any]:
    """The same machine in the list of its set: there its id lies below the set, and it has an instance id."""
    whole = vm(found, owner, with_view)
    return whole | {
        "id": f"{owner.key.id}/virtualMachines/{found.name}",
        "type": "Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
        "instanceId": found.name,
    }


def instance_view(found: Vm) -> dict[str, Any]:
    """What a machine does now; a failure with the service's words."""
    provisioning: dict[str, Any] = {
        "code": f"ProvisioningState/{found.state.value.lower()}",
        "level": "Error" if found.error else "Info",
        "displayStatus": f"Provisioning {found.state.value.lower()}",
        "time": _time(found.created),
    }
    if found.error:
        code, message = found.error
        provisioning |= {"code": f"{provisioning['code']}/{code}", "message": message}
    statuses = [provisioning]
    if power := _POWER.get(found.state):
        statuses.append({"code": f"PowerState/{power}", "level": "Info", "displayStatus": f"VM {power}"})
    return {"computerName": found.computer_name, "statuses": statuses}


def set_view(found: ScaleSet) -> dict[str, Any]:
    """The instance view of a whole set: how many machines are in which state."""
    counts: dict[str, int] = {}
    for machine in found.vms.values():
        code = f"ProvisioningState/{machine.state.value.lower()}"
        counts[code] = counts.get(code, 0) + 1
    summary = [{"code": code, "count": count} for code, count in sorted(counts.items())]
    return {"virtualMachine": {"statusesSummary": summary}, "statuses": []}


def operation(found: Operation) -> dict[str, Any]:
    """As a poll of Azure-AsyncOperation sees it."""
    shown: dict[str, Any] = {"name": found.id, "status": found.status, "startTime": _time(found.begun)}
    if found.ended:
        shown["endTime"] = _time(found.ended)
    if found.error:
        shown["error"] = {"code": found.error[0], "message": found.error[1]}
    return shown


def scheduled_events(found: Vm | None) -> dict[str, Any]:
    """The document of Scheduled Events for one machine."""
    event = found.event if found else None
    if found is None or event is None:
        return {"DocumentIncarnation": 1, "Events": []}
    announced = {
        "EventId": event.event_id,
        "EventType": event.kind,
        "EventStatus": "Scheduled",
        "ResourceType": "VirtualMachine",
        "Resources": [found.name],
        "NotBefore": f"{event.not_before:%a, %d %b %Y %H:%M:%S} GMT",
        "Description": "",
        "EventSource": "Platform",
        "DurationInSeconds": -1,
    }
    return {"DocumentIncarnation": 2, "Events": [announced]}


def _time(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}+00:00"
