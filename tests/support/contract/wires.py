"""Faults set in either kind of storage in the same words."""

from typing import Protocol

from tests.support.memory.world import MemoryWorld
from tests.support.wire import WiredStorage
from tests.support.world import World

_TABLE_WRITES = ("POST", "PUT", "PATCH", "MERGE", "DELETE")


class FaultyStorage(Protocol):
    """A World whose wire to storage has faults."""

    world: World

    def lose_answer_of_next_write(self, service: str) -> None:
        """The next write takes effect; its sender hears nothing."""

    def throttle(self, service: str) -> None:
        """Every request is answered 503 ServerBusy until `heal`."""

    def refuse_next_write(self, service: str, status: int, code: str) -> None:
        """The next write is refused so."""

    def heal(self) -> None:
        """No fault any more."""


class InMemory:
    def __init__(self, world: MemoryWorld) -> None:
        self.world = world

    def lose_answer_of_next_write(self, service: str) -> None:
        # What the client makes of it: a repetition, whose answer counts.
        self.world.faults.lose_first_answer(lambda call: call.service == service and call.writes)

    def throttle(self, service: str) -> None:
        self.world.faults.throttle(lambda call: call.service == service, times=10_000)

    def refuse_next_write(self, service: str, status: int, code: str) -> None:
        self.world.faults.refuse(lambda call: call.service == service and call.writes, status, code)

    def heal(self) -> None:
        self.world.faults.heal()


class OverWires:
    def __init__(self, world: World, wires: WiredStorage) -> None:
        self.world, self._wires = world, wires

    def lose_answer_of_next_write(self, service: str) -> None:
        getattr(self._wires, service).lose_answer(lambda method, path: method in _TABLE_WRITES)

    def throttle(self, service: str) -> None:
        wire = getattr(self._wires, service)
        wire.refusals.append((lambda method, path: True, 503, "ServerBusy"))

    def refuse_next_write(self, service: str, status: int, code: str) -> None:
        wire = getattr(self._wires, service)

        def meant(method: str, path: str) -> bool:
            if method not in _TABLE_WRITES:
                return False
            wire.refusals.clear()
            return True

        wire.refusals.append((meant, status, code))

    def heal(self) -> None:
        for wire in (self._wires.blob, self._wires.queue, self._wires.table):
            wire.refusals.clear()
