"""The World of tests.support.world over a storage account in memory: no process, no wait."""

import copy
from collections.abc import Callable
from typing import Any, Self, TypeVar, cast

from shared.backend import Backend, backend_over
from shared.jobs.model import Job
from shared.stores import (
    cluster_table,
    gang_table,
    job_table,
    node_table,
    scaling_table,
    sweep_queue,
    sweep_table,
    workspace_table,
)
from shared.stores.connection import Connection
from tests.support.memory.account import MemoryAccount, MemoryConnection
from tests.support.memory.clock import FakeClock
from tests.support.memory.faults import Call, Crash, Faults
from tests.support.memory.pools import MemoryPools
from tests.support.world import World, settings_for

TABLES = (
    job_table.TABLE,
    cluster_table.TABLE,
    node_table.TABLE,
    gang_table.TABLE,
    workspace_table.TABLE,
    scaling_table.TABLE,
    sweep_table.TABLE,
)

W = TypeVar("W", bound="MemoryWorld")


class MemoryWorld(World):
    """A World whose time moves only with `clock.move`, and whose storage has `faults`."""

    def __init__(self, workspace: str = "ws", with_pools: bool = False, **changes: Any) -> None:
        self.account = MemoryAccount()
        self.pools = MemoryPools(self.account.clock) if with_pools else None
        settings = settings_for("memory", default_workspace=workspace, lease_seconds=60, **changes)
        for table in TABLES:
            self.account.tables.create_table(table)
        for container in (settings.jobs_container, settings.clusters_container, settings.accepted_container):
            self.account.blobs.create_container(container)
        self.account.queues.get_queue_client(sweep_queue.QUEUE).create_queue()
        super().__init__(settings)
        self.clock: FakeClock = self.account.clock  # type: ignore[assignment]
        self.restart()
        self.counter = self.account.counter

    @property
    def faults(self) -> Faults:
        return self.account.faults

    def start(self) -> Backend:
        connection = cast(Connection, MemoryConnection(self.settings, self.account))
        clock = self.account.clock
        return backend_over(connection, clock, clock.monotonic, self.pools, at_a_time=1)

    def copy(self) -> Self:
        """A world in the same state, with a fresh process: nothing remembered. Neither sees what happens in
        the other."""
        made = copy.copy(self)
        made.account = self.account.copy()
        made.clock, made.counter = made.account.clock, made.account.counter
        made.pools = self.pools and self.pools.copy(made.clock)
        made.backend = made.start()
        return made

    def state(self) -> object:
        """Equal for two moments where the same is stored."""
        return repr((self.account.state(), self.pools and self.pools.state()))

    def wait(self, seconds: float) -> None:
        self.clock.move(seconds)

    def calls(self, act: Callable[[], Any]) -> list[Call]:
        """The calls that `act` makes."""
        before = len(self.faults.calls)
        act()
        return self.faults.calls[before:]

    def job_or_none(self, name: str = "job") -> Job | None:
        found: Job | None = self.stores.jobs.get(self.id(name))
        return found


def memory_world(**changes: Any) -> MemoryWorld:
    """A MemoryWorld with its cluster."""
    made = MemoryWorld(**changes)
    made.create_cluster()
    made.counter.reset()
    return made


def every_crash(make: Callable[[], W], act: Callable[[W], object]) -> list[tuple[W, str]]:
    """A fresh process in a copy of the world of `make` for each state in which a process leaves storage when
    it ends at some call of `act`, before the request is sent or after it has arrived; and at which it was.

    A process that ends leaves what is stored. Where that is the same at several calls, as at those that read,
    the first stands for all.
    """
    world, seen, left = make().copy(), set[object](), list[tuple[W, str]]()

    def look(call: Call, arrived: bool) -> None:
        if (state := world.state()) not in seen:
            seen.add(state)
            number = len(world.faults.calls)
            left.append((world.copy(), f"call {number}, {'arrived' if arrived else 'not sent'}: {call}"))

    world.faults.at_each_call(look)
    act(world)
    return left


def crashed(world: MemoryWorld, at: int, arrived: bool, act: Callable[[], Any]) -> bool:
    """Let the process end at call `at` of `act`, and start another; False where `act` made fewer calls."""
    world.faults.crash(at, arrived)
    try:
        act()
    except Crash:
        world.restart()
        return True
    world.faults.heal()
    return False
