"""A small world in which a cluster scales: jobs come, machines come up, fail, are taken away, and refuse."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.jobs.allocation import Scale
from shared.jobs.model import State
from shared.jobs.queue_order import QueuedEntry
from shared.jobs.waiting_reason import RELEASED, NodeView
from shared.scaling import state as states
from shared.scaling.decision import Decision, decide
from shared.scaling.demand import wish_of
from shared.scaling.fleet import ScalingDelays
from shared.scaling.pools import Machine, MachineState, Pool
from shared.scaling.state import ScalingState
from tests.support.examples import examples

STEP = 30.0
LEASE = 90.0
START = datetime(2026, 3, 1, tzinfo=UTC)
DELAYS = ScalingDelays()


@dataclass
class SimJob:
    name: str
    nodes: int
    lasts: float
    comes: float
    on: tuple[str, ...] = ()
    ends: float = 0.0
    ended: bool = False


@dataclass
class SimMachine:
    name: str
    up: float  #: when its runner comes up; infinity: never
    row: NodeView | None = None
    since: float = 0.0  #: of its node's state
    written: float = 0.0  #: its row
    deleting: bool = False
    dead: bool = False  #: taken away: it is not listed any more
    runs: bool = False  #: its runner


@dataclass
class World:
    """Time passes in steps; in each the cluster is looked at, and what was decided is done."""

    scale: Scale
    jobs: list[SimJob]
    delays: list[float]  #: of machines in the order in which they are made
    evictions: list[float]  #: when one machine is taken away
    quota: int = 100
    quota_until: float = 0.0
    time: float = 0.0
    capacity: int = 0
    made: int = 0
    state: ScalingState = field(default_factory=ScalingState)
    machines: list[SimMachine] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    log: list[tuple[float, int]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.time)

    def run(self, until: Callable[["World"], bool], most_steps: int = 2_000) -> None:
        for _ in range(most_steps):
            if until(self):
                return
            self.step()
        raise AssertionError(f"never: {self.decisions[-1]}, {self.state}, {self.machines}")

    def step(self) -> None:
        self.time += STEP
        self._cloud()
        self._runners()
        self._controller()

    def _cloud(self) -> None:
        for machine in self.machines:
            machine.dead = machine.dead or machine.deleting
        while self.evictions and self.evictions[0] <= self.time:
            self.evictions.pop(0)
            if victims := [m for m in self.machines if not m.dead]:
                victim = victims[0]
                victim.dead, victim.runs = True, False
                self.capacity = max(0, self.capacity - 1)
                for job in self.jobs:
                    if victim.name in job.on:
                        job.on = ()
        while len([m for m in self.machines if not m.dead and not m.deleting]) < self.capacity:
            delay = self.delays[self.made % len(self.delays)]
            self.machines.append(SimMachine(f"pool_{self.made}", self.time + delay))
            self.made += 1

    def _runners(self) -> None:
        for job in self.jobs:
            if job.on and job.ends <= self.time:
                job.on, job.ended = (), True
        for machine in self.machines:
            if machine.up <= self.time and not machine.runs and machine.row is None and not machine.dead:
                machine.runs, machine.since = True, self.time
                machine.row = NodeView(machine.name, "idle", True)
            if machine.runs and machine.row:
                machine.written = self.time
                busy = any(machine.name in job.on for job in self.jobs)
                if machine.row.drain and not busy:
                    machine.runs = False
                    machine.row = replace(machine.row, state="leaving", left=True, job="")
        waiting = [job for job in self.jobs if job.comes <= self.time and not job.ended and not job.on]
        for job in sorted(waiting, key=lambda each: each.comes):
            idle = [m for m in self.machines if m.runs and m.row and not m.row.drain and not self._busy(m)]
            if len(idle) >= job.nodes:
                job.on = tuple(m.name for m in idle[: job.nodes])
                job.ends = self.time + job.lasts
        for machine in self.machines:
            if machine.runs and machine.row:
                state = "running" if self._busy(machine) else "idle"
                if state != machine.row.state:
                    machine.since = self.time
                shown = "leaving" if machine.row.drain else state
                work = next((j.name for j in self.jobs if machine.name in j.on), "")
                machine.row = replace(machine.row, state=shown, job=work)

    def _busy(self, machine: SimMachine) -> bool:
        return any(machine.name in job.on for job in self.jobs)

    def nodes(self) -> list[NodeView]:
        rows = []
        for machine in self.machines:
            if machine.row:
                silent = self.time - machine.written
                rows.append(
                    replace(
                        machine.row,
                        alive=silent < LEASE,
                        silent_seconds=silent,
                        state_seconds=self.time - machine.since,
                    )
                )
        return rows

    def entries(self) -> list[QueuedEntry]:
        live = [job for job in self.jobs if job.comes <= self.time and not job.ended]
        return [
            QueuedEntry(
                job.name,
                State.RUNNING if job.on else State.QUEUED,
                "normal",
                job.nodes,
                START + timedelta(seconds=job.comes),
                job.on[0] if job.on else "",
            )
            for job in live
        ]

    def pool(self) -> Pool:
        shown = {True: MachineState.DELETING, False: MachineState.PRESENT}
        listed = tuple(Machine(m.name, shown[m.deleting]) for m in self.machines if not m.dead)
        return Pool("pool", "c", self.capacity, listed)

    def decide(self) -> Decision:
        wish = wish_of(self.scale, self.entries(), START, self.now, 600)
        return decide(wish, self.entries(), self.nodes(), self.pool(), self.state, self.now, DELAYS)

    def _controller(self) -> None:
        self.state = states.observed(self.state, self.pool(), self.nodes(), self.now)
        decision = self.decide()
        self._check(decision)
        self._do(decision)
        self.decisions.append(decision)
        self.log.append((self.time, len(self.pool().machines)))
        wish = wish_of(self.scale, self.entries(), START, self.now, 600)
        self.state = states.concluded(self.state, decision.lacking, decision.leaving, wish.nodes, self.now)
        again = self.decide()
        # What a deletion frees space for may be asked for at once.
        assert again.quiet or (decision.delete and not (again.drain or again.delete)), (decision, again)

    def _check(self, decision: Decision) -> None:
        most = self.scale.most or 0
        assert decision.capacity is None or self.pool().machines.__len__() <= decision.capacity <= most
        for name in (*decision.drain, *decision.delete):
            assert not any(name in job.on for job in self.jobs), f"{name} works"

    def _do(self, decision: Decision) -> None:
        if decision.capacity is not None:
            self.state = states.asked(self.state, decision.capacity, self.now)
            if decision.capacity > self.quota and self.time < self.quota_until:
                self.state = states.refused(self.state, "QuotaExceeded", "no", self.now)
            else:
                self.capacity = decision.capacity
        if decision.faulty:
            self.state = replace(self.state, replaced=(*self.state.replaced, self.now))
        for machine in self.machines:
            if machine.name in decision.drain:
                row = machine.row or NodeView(machine.name, "leaving", True)
                machine.row = replace(row, drain=True, release=RELEASED, state="leaving")
                machine.written = self.time
            if machine.name in decision.delete:
                assert not machine.runs or machine.row is None
                machine.deleting, self.capacity = True, self.capacity - 1
        for name in decision.forget:
            found = next(m for m in self.machines if m.name == name)
            assert found.dead
            found.row = None
        self.machines = [m for m in self.machines if not (m.dead and m.row is None)]

    def at_rest(self) -> bool:
        """Whether nothing happens any more, the last refusal of the quota included."""
        if self.evictions or self.time < self.quota_until + 2_000:
            return False
        return (
            all(job.ended or job.nodes > (self.scale.most or 0) for job in self.jobs) and not self.evictions
        )


JOBS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from([10.0, 40.0, 400.0, 2000.0]), st.integers(0, 60)),
    max_size=12,
).map(lambda drawn: [SimJob(f"j{i}", n, lasts, 60.0 * at) for i, (n, lasts, at) in enumerate(drawn)])
SCALES = st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 2)).map(
    lambda drawn: Scale(drawn[0], sum(drawn[:2]), follows_jobs=True, initial=drawn[2])
)
WORLDS = st.builds(
    World,
    SCALES,
    JOBS,
    delays=st.lists(st.sampled_from([30.0, 120.0, 240.0, 600.0]), min_size=1, max_size=4),
    evictions=st.lists(st.integers(1, 100).map(lambda at: 40.0 * at), max_size=4).map(sorted),
    quota=st.integers(0, 3),
    quota_until=st.sampled_from([0.0, 900.0, 4000.0]),
)


@given(WORLDS)
@settings(max_examples=examples(150))
def test_everything_queued_starts_and_in_the_end_only_the_minimum_is_left(world: World) -> None:
    """On the way `World` checks each decision: never above the maximum, nobody who works, and repeated with
    what it has done it does nothing."""
    world.run(World.at_rest)

    def shrunk(w: World) -> bool:
        rows = [m.name for m in w.machines if m.row]
        names = [m.name for m in w.pool().machines]
        return len(names) == w.scale.least and sorted(rows) == sorted(names)

    world.run(shrunk)
    for _ in range(20):
        world.step()
    assert shrunk(world), "it stays so"
    assert all(decision.quiet for decision in world.decisions[-10:])


@given(st.integers(1, 3), st.integers(0, 3), JOBS)
@settings(max_examples=examples(60))
def test_a_target_is_reached_and_held(first: int, second: int, jobs: list[SimJob]) -> None:
    world = World(Scale(first, first), jobs, [120.0], [])
    for _ in range(10):
        world.step()
    assert len(world.pool().machines) == first
    world.scale = Scale(second, second)

    def there(w: World) -> bool:
        return len(w.pool().machines) == second

    world.run(there)
    world.run(lambda w: w.decisions[-1].quiet and len(w.nodes()) == second)


@given(st.lists(st.sampled_from([60.0, 90.0, 300.0, 570.0]), min_size=20, max_size=20))
@settings(max_examples=examples(40))
@example([570.0] * 20)
def test_a_stream_of_short_jobs_does_not_flap(pauses: list[float]) -> None:
    """One machine is enough for jobs one after the other, and it stays between them."""
    jobs, at = [], 0.0
    for number, pause in enumerate(pauses):
        jobs.append(SimJob(f"j{number}", 1, 20.0, at))
        at += pause + 20.0
    world = World(Scale(0, 3, follows_jobs=True), jobs, [60.0], [])
    world.run(World.at_rest)
    grown = [decision.capacity for decision in world.decisions if decision.capacity]
    shrunk = [decision for decision in world.decisions if decision.drain]
    assert len(grown) + len(shrunk) <= 4, (grown, shrunk)


def test_a_machine_that_never_becomes_a_node_is_replaced_ever_more_slowly() -> None:
    world = World(Scale(1, 1, follows_jobs=True), [], [float("inf")], [])
    while world.time < 6 * 3600:
        world.step()
    times = [at for at, decision in zip(world.log, world.decisions, strict=True) if decision.faulty]
    assert 4 <= len(times) <= 16, times
    assert all(decision.stuck for decision in world.decisions if decision.faulty)


def test_a_machine_that_failed_is_replaced_at_once() -> None:
    pool = Pool("pool", "c", 1, (Machine("pool_0", MachineState.FAILED),))
    state = states.observed(ScalingState(), pool, [], START)
    wish = wish_of(Scale(1, 1), [], START, START, 0)
    decision = decide(wish, [], [], pool, state, START, DELAYS)
    assert (decision.drain, decision.capacity, decision.delete) == (("pool_0",), None, ())
    assert decision.sentence == "machine pool_0 is replaced: it did not become a node"
