"""A world in memory whose cluster has a pool: machines come up as nodes, and their runners take jobs, leave
when they are asked to, and are silent when their machine is gone. Managers, tables and queues are the real
ones."""

import json
from dataclasses import dataclass, replace
from typing import Any, Self

from shared.jobs.model import State
from shared.managers.claims import Claim
from shared.names.ids import ClusterId
from shared.scaling.pools import MachineState
from shared.stores.node_table import NodeRow
from tests.support.memory.pools import MemoryPools
from tests.support.memory.world import MemoryWorld
from tests.support.world import CLUSTER

START_SECONDS = 120.0


def cluster_document(scale: dict[str, Any] | None, **members: Any) -> dict[str, Any]:
    """A cluster.json with these scaleSettings."""
    properties = CLUSTER["properties"] | members | ({"scaleSettings": scale} if scale else {})
    return {"properties": properties}


def auto(least: int, most: int, initial: int = 0) -> dict[str, Any]:
    counts = {"minimumNodeCount": least, "maximumNodeCount": most, "initialNodeCount": initial}
    return {"autoScale": counts}


@dataclass
class Runner:
    """The runner of one machine: what its program reports and does, without a thread."""

    world: "ScaledWorld"
    name: str
    since: float  #: of its state
    claim: Claim | None = None
    ends: float = 0.0
    left: bool = False
    state: str = "idle"
    stuck: bool = False  #: it reports nothing any more

    def turn(self, works: bool) -> None:
        """Report, then do what a runner does in a moment."""
        if self.left or self.stuck:
            return
        world = self.world
        found = world.backend.nodes.node(world.cluster, self.name)
        drain = bool(found and found[0].drain)
        if self.claim and world.clock.monotonic() >= self.ends:
            world.finish(self.claim)
            self.claim, self.since = None, world.clock.monotonic()
        elif self.claim:
            lease, job = world.backend.attempts.renew(self.claim.job, self.claim.lease)
            self.claim = replace(self.claim, lease=lease, job=job)
        if not self.claim and not drain and works and self.state == "idle":
            self.take()
        if drain and not self.claim:
            self.left = True
        self.report(found[0] if found else None)

    def take(self) -> None:
        """Look for a job."""
        world = self.world
        if claim := world.claim(self.name):
            self.claim, self.since = claim, world.clock.monotonic()
            self.ends = world.clock.monotonic() + world.job_seconds

    def report(self, found: NodeRow | None) -> None:
        world = self.world
        state = "leaving" if self.left else "running" if self.claim else self.state
        row = NodeRow(
            world.cluster,
            self.name,
            state,
            1,
            job=self.claim.job.uuid if self.claim else "",
            standby=found.standby if found else "",
            left=self.left,
            state_seconds=world.clock.monotonic() - self.since,
        )
        world.backend.nodes.report(row)


class ScaledWorld(MemoryWorld):
    """`step` lets time go on: the cloud, the runners, then the sweep."""

    pools: MemoryPools

    def __init__(self, scale: dict[str, Any] | None, job_seconds: float = 60.0, **changes: Any) -> None:
        self.job_seconds = job_seconds
        self.runners: dict[str, Runner] = {}
        self.works = True  #: whether runners look for jobs
        super().__init__(with_pools=True, **changes)
        self.pools.add("pool", f"{self.cluster.workspace}/{self.cluster.cluster}")
        self.create_cluster(cluster_document(scale))
        self.pools.calls.clear()
        self.counter.reset()

    def copy(self) -> Self:
        made = super().copy()
        made.runners = {name: replace(runner, world=made) for name, runner in self.runners.items()}
        return made

    def step(self, seconds: float = 30.0, sweeps: bool = True) -> None:
        self.clock.move(seconds)
        self.pools.finish_deletions()
        self.run_runners()
        if sweeps:
            report = self.backend.sweeper.sweep()
            assert report.faults == 0

    def run_runners(self) -> None:
        there = {m.name: m for found in self.pools.sets.values() for m in found.kept}
        for gone in [name for name in self.runners if name not in there]:
            runner = self.runners.pop(gone)
            assert runner.left or runner.stuck or runner.claim is None or gone in self.evicted, gone
        for name, machine in there.items():
            assert machine.created
            up = (self.clock() - machine.created).total_seconds() >= START_SECONDS
            if name not in self.runners and up and machine.state is MachineState.PRESENT:
                self.runners[name] = Runner(self, name, self.clock.monotonic())
        for runner in self.runners.values():
            runner.turn(self.works)

    @property
    def evicted(self) -> set[str]:
        return self._evicted

    _evicted: set[str] = set()  # noqa: RUF012

    def evict(self, name: str) -> None:
        self._evicted = self._evicted | {name}
        self.pools.evict(name)

    def until(self, is_so: Any, steps: int = 200) -> None:
        """Step until it is so."""
        for _ in range(steps):
            if is_so():
                return
            self.step()
        raise AssertionError((self.pools.sets, self.nodes(), self.backend.scaler.state(self.cluster)))

    def machines(self) -> list[str]:
        """Those that cost."""
        return [machine.name for machine in self.pools.sets["pool"].kept]

    def is_empty(self) -> bool:
        """Whether no machine is left, and no node."""
        return not self.machines() and not self.nodes()

    def nodes(self) -> list[NodeRow]:
        return self.backend.nodes.nodes(self.cluster)[0]

    def resize(self, scale: dict[str, Any]) -> None:
        data = json.dumps(cluster_document(scale)).encode()
        assert self.backend.cluster_manager.resize(self.cluster, data).accepted

    def waiting(self, name: str = "job") -> dict[str, Any]:
        """Why a job waits, as status.json says it."""
        found: dict[str, Any] = self.status(name).get("waiting", {})
        return found

    def other_cluster(self, number: int, scale: dict[str, Any]) -> None:
        """A further cluster with a pool of its own."""
        cluster = ClusterId(self.cluster.workspace, f"c{number}")
        self.pools.add(f"pool{number}", str(cluster))
        data = json.dumps(cluster_document(scale)).encode()
        place = f"{self.settings.clusters_container}/{cluster}/cluster.json"
        assert self.backend.cluster_manager.accept(cluster, data, place).accepted


def scaled_world(least: int = 0, most: int = 3, **more: Any) -> ScaledWorld:
    """A ScaledWorld that follows its jobs."""
    return ScaledWorld(auto(least, most), **more)


def names(count: int) -> list[str]:
    """Of so many jobs."""
    return [f"job{number}" for number in range(count)]


def ended(world: ScaledWorld, count: int) -> bool:
    return all(world.job(name).state is State.SUCCEEDED for name in names(count))


def ended_job(world: ScaledWorld, name: str = "job") -> bool:
    return world.job(name).state is State.SUCCEEDED
