"""The model behind bench/scale.py: runners, jobs and Azure's limits in virtual time.

What a step costs is not assumed: each is taken by the real managers on the account in memory, and counted.
The simulation then moves jobs through these steps. Every limit is a server that works at its rate: what is
asked for faster waits.
"""

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.support.memory.tables import MemoryTable
from tests.support.memory.world import MemoryWorld, memory_world

#: Azure's scalability targets, a second: entities of a table's partition, messages of a queue, requests of an
#: account.
PARTITION, QUEUE, ACCOUNT = 2_000.0, 2_000.0, 20_000.0
#: What an instance of the function app accepts a second, and how many there may be (infra/main.bicep).
ACCEPTED, INSTANCES = 40.0, 40
#: Of a call within a region.
CALL_SECONDS = 0.01
#: From a free runner to its next look at the queues while jobs come (runner/config.py), and what it writes.
POLL_SECONDS, RENEW_SECONDS, REPORT_SECONDS = 0.5, 30.0, 12.0
#: Between processes of two jobs on a node: folders, logs, the end of what is left.
TURNOVER_SECONDS = 0.3


#: What happens at a time, in a workspace.
Act = Callable[[float, int], None]


@dataclass(frozen=True)
class Step:
    """What one step of a job's life asks of storage."""

    calls: Counter[str]  #: by "<verb> <service>"
    entities: int  #: of the table's partition
    messages: int

    @property
    def total(self) -> int:
        return self.calls.total()


@dataclass(frozen=True)
class Profile:
    submit: Step
    claim: Step
    finish: Step

    @property
    def entities(self) -> int:
        return self.submit.entities + self.claim.entities + self.finish.entities

    @property
    def calls(self) -> Counter[str]:
        return self.submit.calls + self.claim.calls + self.finish.calls


def profile() -> Profile:
    """The steps of a job that does nothing, as a warm process takes them."""
    world = memory_world()
    world.accept("before")
    world.finish(world.must_claim())
    submit = _step(world, lambda: world.accept("job"))
    claims = []
    claim = _step(world, lambda: claims.append(world.must_claim()))
    return Profile(submit, claim, _step(world, lambda: world.finish(claims[0])))


def _step(world: MemoryWorld, act: Callable[[], object]) -> Step:
    sent: list[int] = []
    submit = MemoryTable.submit_transaction

    def counted(table: MemoryTable, operations: list[tuple[object, ...]], **options: object) -> object:
        sent.append(len(operations))
        return submit(table, operations, **options)

    MemoryTable.submit_transaction = counted  # type: ignore[method-assign,assignment]
    try:
        world.counter.reset()
        act()
    finally:
        MemoryTable.submit_transaction = submit  # type: ignore[method-assign]
    calls = world.counter.snapshot()
    single = sum(n for call, n in calls.items() if call.endswith("table")) - len(sent)
    messages = sum(n for call, n in calls.items() if call.endswith("queue"))
    return Step(calls, sum(sent) + single, messages)


class Limit:
    """A server with a rate. What is taken is done when those before have been served."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.busy_until = 0.0
        self.taken = 0.0

    def take(self, now: float, amount: float) -> float:
        """When `amount` asked for at `now` is done."""
        self.busy_until = max(now, self.busy_until) + amount / self.rate
        self.taken += amount
        return self.busy_until


@dataclass
class Outcome:
    """What a simulation saw."""

    waits: list[float] = field(default_factory=list)  #: accepted -> started
    ended: list[float] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    shares: dict[str, float] = field(default_factory=dict)  #: of each limit, on average

    @property
    def seconds(self) -> float:
        return max(self.ended)

    def wait(self, share: float) -> float:
        """The wait that `share` of the jobs do not exceed."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Case:
    runners: int
    jobs: int
    workspaces: int
    lengths: Callable[[random.Random], float]


class Simulation:
    """All jobs are dropped at once, in turn into the workspaces, each with a cluster and as many runners."""

    def __init__(self, case: Case, steps: Profile, seed: int = 7) -> None:
        self._case, self._steps = case, steps
        self._chance = random.Random(seed)
        self._account, self._app = Limit(ACCOUNT), Limit(ACCEPTED * INSTANCES)
        self._partitions = [Limit(PARTITION) for _ in range(case.workspaces)]
        self._queues = [Limit(QUEUE) for _ in range(case.workspaces)]
        self._waiting: list[deque[float]] = [deque() for _ in range(case.workspaces)]
        self._idle = [0] * case.workspaces
        self._events: list[tuple[float, int, Act, int]] = []
        self._number = itertools.count()
        self._dropped = 0
        self._at_work = 0.0
        self._seen = Outcome()

    def run(self) -> Outcome:
        for runner in range(self._case.runners):
            self._at(0.0, self._look, runner % self._case.workspaces)
        self._at(0.0, self._drop, 0)
        while self._events:
            now, _, act, where = heapq.heappop(self._events)
            act(now, where)
        return self._reported()

    def _at(self, when: float, act: Act, where: int) -> None:
        heapq.heappush(self._events, (when, next(self._number), act, where))

    def _drop(self, now: float, where: int) -> None:
        self._at(self._do(now, self._steps.submit, where), self._ready, where)
        self._dropped += 1
        if self._dropped < self._case.jobs:
            self._at(self._app.take(now, 1), self._drop, self._dropped % self._case.workspaces)

    def _ready(self, now: float, where: int) -> None:
        self._waiting[where].append(now)
        if self._idle[where]:
            self._idle[where] -= 1
            self._at(now + self._chance.uniform(0.0, POLL_SECONDS), self._look, where)

    def _look(self, now: float, where: int) -> None:
        if not self._waiting[where]:
            self._idle[where] += 1
            return
        start = self._do(now, self._steps.claim, where)
        self._seen.waits.append(start - self._waiting[where].popleft())
        length = self._case.lengths(self._chance)
        self._at_work += length
        self._at(start + length, self._end, where)

    def _end(self, now: float, where: int) -> None:
        done = self._do(now, self._steps.finish, where)
        self._seen.ended.append(done)
        self._at(done + TURNOVER_SECONDS, self._look, where)

    def _do(self, now: float, step: Step, where: int) -> float:
        """When a step that begins now is done: at the pace of the slowest limit, and of its calls."""
        return max(
            now + CALL_SECONDS * step.total,
            self._account.take(now, step.total),
            self._partitions[where].take(now, step.entities),
            self._queues[where].take(now, step.messages),
        )

    def _reported(self) -> Outcome:
        seen = self._seen
        seconds = seen.seconds
        calls = Counter({call: n * self._case.jobs for call, n in self._steps.calls.items()})
        renewals = int(self._at_work / RENEW_SECONDS)
        reports = int(self._case.runners * seconds / REPORT_SECONDS)
        calls.update({"PATCH table": renewals, "PUT queue": renewals, "PUT table": reports})
        seen.calls = calls
        busiest = max(limit.taken for limit in self._partitions) + renewals / self._case.workspaces
        seen.shares = {
            "partition": busiest / PARTITION / seconds,
            "queue": max(limit.taken for limit in self._queues) / QUEUE / seconds,
            "account": calls.total() / ACCOUNT / seconds,
            "function app": self._app.taken / self._app.rate / seconds,
        }
        return seen


def mixed(chance: random.Random) -> float:
    """Most jobs are short, most time is spent in the long ones: of each kind the average, 60 % of 10 s, 30 %
    of 2 min, 10 % of 1 h."""
    average = chance.choices((10.0, 120.0, 3600.0), (60, 30, 10))[0]
    return chance.expovariate(1 / average)


def nothing(_: random.Random) -> float:
    """Jobs that do nothing: what the machinery itself can do."""
    return 0.0


def cases(jobs: int) -> Iterator[Case]:
    lengths = (nothing, mixed)
    for length, workspaces, runners in itertools.product(lengths, (1, 10), (10, 100, 1000)):
        yield Case(runners, jobs, workspaces, length)
