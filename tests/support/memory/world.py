"""The World of tests.support.world over a storage account in memory: no process, no wait."""

from collections.abc import Callable
from typing import Any, cast

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
