"""The cloud behind the stand-in: what requests change at once, and what becomes of it over time.

Requests change what is wanted, under one lock. `tick` makes it so: it starts and ends machines, and it alone
does, from one thread. Behaviour as documented for flexible orchestration, and as the Kubernetes autoscaler
relies on it: a machine that is deleted lowers the capacity, one that could not be allocated stays as Failed
until it is deleted, a newer change of the capacity preempts the older operation.
"""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from local.arm.errors import ArmError, bad_request, not_found
from local.arm.faults import Faults, no_capacity, quota_exceeded
from local.arm.machines import Machine, Machines
from local.arm.model import Event, Operation, Provisioning, ScaleSet, SetKey, Vm

_MOST_OPERATIONS = 1000
_SUFFIX = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class Cloud:
    """Scale sets, their machines and operations. Methods for requests raise ArmError."""

    def __init__(
        self,
        machines: Machines,
        start_seconds: float = 0.0,
        notice_seconds: float = 2.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`start_seconds`: from the request to a machine that runs; `notice_seconds`: from the announcement
        of a deletion to the end of a machine that has not ended by itself."""
        self.lock = threading.RLock()
        self.faults = Faults()
        self.events_url: Callable[[str], str] = lambda name: ""  #: of a machine, by the name of its resource
        self._machines = machines
        self._start_seconds = start_seconds
        self._notice_seconds = notice_seconds
        self._monotonic = monotonic
        self._sets: dict[tuple[str, str, str], ScaleSet] = {}
        self._operations: dict[str, Operation] = {}
        self._running: dict[str, Machine] = {}  #: of `tick` alone

    def sets(self, subscription: str, group: str = "") -> list[ScaleSet]:
        """Those of a subscription, or of one of its resource groups, by name."""
        wanted = (subscription.lower(), group.lower())
        found = [s for (sub, g, _), s in self._sets.items() if sub == wanted[0] and group.lower() in ("", g)]
        return sorted(found, key=lambda found: found.key.folded)

    def scale_set(self, key: SetKey) -> ScaleSet:
        """Raises ArmError where there is none."""
        found = self._sets.get(key.folded)
        if found is None:
            raise not_found("virtualMachineScaleSets", key.name, key.group)
        return found

    def vm(self, subscription: str, group: str, name: str) -> Vm:
        """Raises ArmError where there is none."""
        for found in self.sets(subscription, group):
            for vm in found.vms.values():
                if vm.name.lower() == name.lower():
                    return vm
        raise not_found("virtualMachines", name, group)

    def operation(self, name: str) -> Operation:
        """Raises ArmError where there is none."""
        if name not in self._operations:
            raise ArmError(404, "OperationNotFound", f"The operation '{name}' could not be found.")
        return self._operations[name]

    def everything(self) -> list[Vm]:
        """Every machine of every set."""
        return [vm for found in self._sets.values() for vm in found.vms.values()]

    def machine(self, name: str) -> Vm | None:
        """A machine by the name of its resource, wherever it is."""
        return next((vm for vm in self.everything() if vm.name == name), None)

    def is_updating(self, found: ScaleSet) -> bool:
        """Whether an operation on it runs."""
        running = (op for op in self._operations.values() if op.status == "InProgress")
        return any(op.sets == found.key for op in running)

    def add(self, made: ScaleSet) -> None:
        """A new scale set, without machines as yet."""
        self._sets[made.key.folded] = made

    def resize(self, changed: ScaleSet, capacity: int) -> Operation:
        """Ask for `capacity` machines: more are made; of too many the oldest go (the default policy)."""
        kept = sorted(changed.kept, key=lambda vm: vm.created)
        more = capacity - len(kept)
        if more > 0:
            self._check_quota(changed, more)
        for older in self._operations.values():
            if older.sets == changed.key and older.status == "InProgress":
                older.status, older.ended = "Canceled", datetime.now(UTC)
                older.error = (
                    "OperationPreempted",
                    "The operation was preempted by a more recent operation.",
                )
        touched = [self._make(changed) for _ in range(more)] if more > 0 else kept[: max(0, -more)]
        for vm in touched[: max(0, -more)]:
            self._delete(vm)
        changed.capacity = capacity
        changed.version += 1
        return self._begin(changed, touched)

    def delete_vms(self, changed: ScaleSet, names: Sequence[str]) -> Operation:
        """Delete these machines; the capacity falls by as many."""
        by_name = {vm.name.lower(): vm for vm in changed.kept}
        for name in names:
            if name.lower() not in by_name:
                raise bad_request(
                    "InvalidParameter",
                    f"The provided instanceId {name} is not an active Virtual Machine Scale Set VM "
                    "instanceId.",
                )
        vms = [by_name[name] for name in dict.fromkeys(name.lower() for name in names)]
        for vm in vms:
            self._delete(vm)
        changed.capacity -= len(vms)
        changed.version += 1
        return self._begin(changed, vms)

    def delete_set(self, gone: ScaleSet) -> Operation:
        """Delete a scale set with its machines."""
        gone.deleting = True
        return self.delete_vms(gone, [vm.name for vm in gone.kept])

    def evict(self, vm: Vm, seconds: float) -> None:
        """Take a Spot machine away in `seconds`, announced until then. Raises ArmError for another one."""
        if not self.scale_set(vm.owner).spot:
            raise ArmError(409, "OperationNotAllowed", f"VM '{vm.name}' is no Spot virtual machine.")
        vm.gone_at = self._monotonic() + seconds
        vm.event = _event("Preempt", seconds)

    def _check_quota(self, changed: ScaleSet, more: int) -> None:
        limit = self.faults.quota
        used = sum(len(s.kept) for s in self.sets(changed.key.subscription))
        if limit is not None and used + more > limit:
            raise quota_exceeded(changed.location, changed.sku, limit, used, more)

    def _make(self, owner: ScaleSet) -> Vm:
        suffix = "".join(secrets.choice(_SUFFIX) for _ in range(6))
        name = f"{owner.key.name}_{secrets.token_hex(4)}"
        vm = Vm(name, owner.prefix + suffix, owner.key, datetime.now(UTC))
        vm.ready_at = self._monotonic() + self._start_seconds
        allocated = sum(other.state is not Provisioning.FAILED for other in self.everything())
        available = self._machines.available if self.faults.available is None else self.faults.available
        if allocated >= min(available, self._machines.available):
            vm.state, vm.error = Provisioning.FAILED, no_capacity(owner.sku, owner.location, owner.spot)
        owner.vms[name] = vm
        return vm

    def _delete(self, vm: Vm) -> None:
        vm.state = Provisioning.DELETING
        vm.gone_at = self._monotonic() + self._notice_seconds
        vm.event = _event("Terminate", self._notice_seconds)

    def _begin(self, changed: ScaleSet, vms: Sequence[Vm]) -> Operation:
        begun = Operation(
            secrets.token_hex(16), datetime.now(UTC), changed.key, vms=tuple(v.name for v in vms)
        )
        self._operations[begun.id] = begun
        while len(self._operations) > _MOST_OPERATIONS:
            del self._operations[next(iter(self._operations))]
        self._settle()
        return begun

    def tick(self) -> None:
        """Start what is to start, end what is to end. From one thread only."""
        with self.lock:
            everything = self.everything()
        for vm in everything:
            self._advance(vm)
        with self.lock:
            for found in [s for s in self._sets.values() if s.deleting and not s.vms]:
                del self._sets[found.key.folded]
            self._settle()

    def _advance(self, vm: Vm) -> None:
        now, machine = self._monotonic(), self._running.get(vm.name)
        due = vm.gone_at is not None and now >= vm.gone_at
        if vm.state is Provisioning.CREATING and now >= vm.ready_at:
            self._switch_on(vm)
        elif due or (vm.state is Provisioning.DELETING and (machine is None or machine.is_off)):
            self._remove(vm, machine)
        elif vm.state is Provisioning.SUCCEEDED and machine:
            machine.keep_up()

    def _switch_on(self, vm: Vm) -> None:
        owner = self._sets[vm.owner.folded]
        if not self.faults.never_starts:
            own = {"BATCHAI_SCHEDULED_EVENTS_URL": self.events_url(vm.name), "BATCHAI_VM_NAME": vm.name}
            try:
                self._running[vm.name] = self._machines.start(vm.name, owner.tags, own)
            except OSError as error:
                vm.error = (
                    "OSProvisioningClientError",
                    f"OS Provisioning failed for VM '{vm.name}': {error}",
                )
        with self.lock:
            # A request may have deleted it meanwhile.
            if vm.state is Provisioning.CREATING:
                vm.state = Provisioning.FAILED if vm.error else Provisioning.SUCCEEDED

    def _remove(self, vm: Vm, machine: Machine | None) -> None:
        if machine:
            machine.power_off()
            del self._running[vm.name]
        with self.lock:
            owner = self._sets[vm.owner.folded]
            if vm.state is not Provisioning.DELETING:  # evicted: nobody has asked for one fewer
                owner.capacity -= 1
                owner.version += 1
            del owner.vms[vm.name]

    def _settle(self) -> None:
        """End the operations that have come to their end."""
        for running in (op for op in self._operations.values() if op.status == "InProgress"):
            found = self._sets.get(running.sets.folded)
            vms = [found.vms[name] for name in running.vms if name in found.vms] if found else []
            if any(vm.state in (Provisioning.CREATING, Provisioning.DELETING) for vm in vms):
                continue
            failed = next((vm.error for vm in vms if vm.error), None)
            running.status, running.error = ("Failed" if failed else "Succeeded"), failed
            running.ended = datetime.now(UTC)

    def close(self, grace_seconds: float) -> None:
        """Shut every machine down and wait until it is off, for `grace_seconds` at most. As `tick`, from
        its thread."""
        for machine in self._running.values():
            machine.shut_down()
        deadline = self._monotonic() + grace_seconds
        while any(not m.is_off for m in self._running.values()) and self._monotonic() < deadline:
            time.sleep(0.05)
        for machine in self._running.values():
            with suppress(OSError):
                machine.power_off()
        self._running.clear()


def _event(kind: str, seconds: float) -> Event:
    not_before = datetime.now(UTC) + timedelta(seconds=seconds)
    return Event(secrets.token_hex(16).upper(), kind, not_before)
