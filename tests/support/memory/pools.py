"""Pools in memory: `shared.scaling.pools.Pools`, with what can fail set beforehand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.errors import LostOwnershipError, PoolRefusedError, PoolSilentError, ThrottledError
from shared.scaling.pools import Machine, MachineState, Operation, Pool, Progress


@dataclass
class MemorySet:
    """One pool. Machines are made as soon as a capacity is asked for; nobody starts a runner on them."""

    pool: Pool
    version: int = 1

    @property
    def kept(self) -> list[Machine]:
        return [m for m in self.pool.machines if m.state is not MachineState.DELETING]


@dataclass
class MemoryPools:
    """Passes the contract of tests/support/contract/pools.py."""

    now: Callable[[], datetime]
    sets: dict[str, MemorySet] = field(default_factory=dict)
    quota: int | None = None  #: a larger capacity is refused
    available: int | None = None  #: machines beyond it fail when they are made
    throttled: int = 0  #: so many calls are asked to wait
    retry_after: float = 17.0
    down: bool = False
    forbidden: bool = False  #: the app's identity may not list anything
    lost_answers: int = 0
    before: Callable[[], object] | None = None  #: called once, before the next change arrives
    calls: list[str] = field(default_factory=list)
    _number: int = -1
    _operations: dict[str, Operation] = field(default_factory=dict)

    def add(self, name: str, cluster: str, spot: bool = False, size: str = "STANDARD_NC6") -> None:
        """A pool without machines."""
        self.sets[name] = MemorySet(Pool(name, cluster, 0, spot=spot, size=size))

    def copy(self, now: Callable[[], datetime]) -> "MemoryPools":
        """Pools in the same state, with a clock of their own; neither sees what happens in the other."""
        return replace(
            self,
            now=now,
            sets={name: replace(found) for name, found in self.sets.items()},
            calls=list(self.calls),
            _operations=dict(self._operations),
        )

    def state(self) -> object:
        """Equal for two moments between which nothing has changed."""
        return [(name, found.version, found.pool) for name, found in self.sets.items()]

    def evict(self, machine: str) -> None:
        """The cloud takes a machine away."""
        for found in self.sets.values():
            left = tuple(m for m in found.pool.machines if m.name != machine)
            if len(left) < len(found.pool.machines):
                self._change(found, found.pool.capacity - 1, left)

    def finish_deletions(self) -> None:
        """What is being deleted is gone."""
        for found in self.sets.values():
            found.pool = replace(found.pool, machines=tuple(found.kept))

    def look(self) -> Sequence[Pool]:
        self._call("look")
        if self.forbidden:
            raise PoolRefusedError("does not have authorization to read scale sets", "AuthorizationFailed")
        return tuple(replace(found.pool, etag=str(found.version)) for found in self.sets.values())

    def set_capacity(self, pool: Pool, capacity: int) -> str:
        if capacity < len(pool.machines):
            raise ValueError(capacity)
        self._call(f"set_capacity {pool.name} {capacity}")
        found = self.sets[pool.name]
        if pool.etag != str(found.version):
            raise LostOwnershipError(pool.name)
        more = capacity - len(found.kept)
        if self.quota is not None and more > 0 and self._total() + more > self.quota:
            raise PoolRefusedError("it results in exceeding approved Cores quota", "OperationNotAllowed")
        total = self._total()
        made = tuple(self._made(pool.name, total + number) for number in range(more))
        failed = [machine for machine in made if machine.state is MachineState.FAILED]
        self._change(found, capacity, (*found.pool.machines, *made))
        operation = f"operation-{self._next_number()}"
        self._operations[operation] = (
            Operation(Progress.FAILED, "AllocationFailed", "Allocation failed: no sufficient capacity")
            if failed
            else Operation(Progress.DONE)
        )
        self._answer()
        return operation

    def delete(self, pool: Pool, machines: Sequence[str]) -> None:
        self._call(f"delete {' '.join(machines)}")
        found = self.sets[pool.name]
        gone = {m.key for m in found.kept} & {name.lower() for name in machines}
        after = tuple(
            replace(m, state=MachineState.DELETING) if m.key in gone else m for m in found.pool.machines
        )
        self._change(found, found.pool.capacity - len(gone), after)
        self._answer()

    def operation(self, asked: str) -> Operation:
        self._call("operation")
        return self._operations.get(asked, Operation(Progress.DONE))

    def close(self) -> None:
        pass

    def _made(self, name: str, before: int) -> Machine:
        fits = self.available is None or before < self.available
        state = MachineState.PRESENT if fits else MachineState.FAILED
        return Machine(f"{name}_{self._next_number():08x}", state, self.now())

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _total(self) -> int:
        return sum(len(found.kept) for found in self.sets.values())

    def _change(self, found: MemorySet, capacity: int, machines: tuple[Machine, ...]) -> None:
        found.pool = replace(found.pool, capacity=capacity, machines=machines)
        found.version += 1

    def _call(self, call: str) -> None:
        if self.before and not call.startswith(("look", "operation")):
            before, self.before = self.before, None
            before()
        self.calls.append(call)
        if self.throttled:
            self.throttled -= 1
            raise ThrottledError("429", self.retry_after)
        if self.down:
            raise PoolSilentError("503")

    def _answer(self) -> None:
        if self.lost_answers:
            self.lost_answers -= 1
            raise PoolSilentError("no answer")
