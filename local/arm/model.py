"""Scale sets of flexible orchestration and their virtual machines, as the stand-in keeps them."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

#: What a scale set, a resource group or a prefix of host names may be called here.
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.()-]{0,63}")


class Provisioning(StrEnum):
    """`provisioningState` of a virtual machine."""

    CREATING = "Creating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"  #: it was never allocated, and counts towards the capacity until it is deleted
    DELETING = "Deleting"


@dataclass(frozen=True)
class SetKey:
    """Where a scale set is; ARM ignores the case of all three."""

    subscription: str
    group: str
    name: str

    @property
    def folded(self) -> tuple[str, str, str]:
        return self.subscription.lower(), self.group.lower(), self.name.lower()

    @property
    def id(self) -> str:
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
        return f"{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{self.name}"


@dataclass
class Vm:
    """A virtual machine of a scale set."""

    name: str  #: of the resource: `<set>_<8 hex digits>`, its instance id too
    computer_name: str  #: its host name: the prefix of its set and six more
    owner: SetKey
    created: datetime
    state: Provisioning = Provisioning.CREATING
    error: tuple[str, str] | None = None  #: code and message of a failure
    ready_at: float = 0.0  #: on the monotonic clock: when it has started
    gone_at: float | None = None  #: on the monotonic clock: when it is taken away, announced before
    event: "Event | None" = None  #: what Scheduled Events says of it

    @property
    def id(self) -> str:
        owner = self.owner
        group = f"/subscriptions/{owner.subscription}/resourceGroups/{owner.group}"
        return f"{group}/providers/Microsoft.Compute/virtualMachines/{self.name}"


@dataclass(frozen=True)
class Event:
    """An announcement of Scheduled Events."""

    event_id: str
    kind: str  #: Preempt or Terminate
    not_before: datetime


@dataclass
class ScaleSet:
    """A scale set and its machines."""

    key: SetKey
    location: str
    sku: str
    capacity: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)  #: as they were put
    vms: dict[str, Vm] = field(default_factory=dict)  #: by name
    version: int = 1  #: its etag
    deleting: bool = False

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    @property
    def spot(self) -> bool:
        return str(self._profile("priority")).lower() == "spot"

    @property
    def prefix(self) -> str:
        os_profile = self._profile("osProfile")
        found = os_profile.get("computerNamePrefix") if isinstance(os_profile, dict) else None
        return str(found or f"{self.key.name[:9]}-")

    @property
    def kept(self) -> list[Vm]:
        """Its machines without those that are being deleted: as many as its capacity at rest."""
        return [vm for vm in self.vms.values() if vm.state is not Provisioning.DELETING]

    def _profile(self, member: str) -> Any:
        return self.properties.get("virtualMachineProfile", {}).get(member)


@dataclass
class Operation:
    """A long-running operation."""

    id: str
    begun: datetime
    sets: SetKey
    status: str = "InProgress"
    ended: datetime | None = None
    error: tuple[str, str] | None = None
    vms: tuple[str, ...] = ()  #: the machines that it makes or deletes
