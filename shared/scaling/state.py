"""What one look at a pool leaves to the next: asked for what and when, refused why, how long machines take.
PURE. All times are the storage service's."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.jobs.waiting_reason import NodeView
from shared.scaling.pools import Machine, MachineState, Pool

#: Starts that are remembered, to know how long one takes.
_STARTS = 5
#: Pauses after refusals of the cloud, in seconds: they double from the first to the last.
_FIRST_PAUSE, _LAST_PAUSE = 60.0, 900.0
#: Days for which it is kept how long machines were there.
_SPENT_DAYS = 400
#: Machines that were replaced so long ago say nothing of the next one.
_REPLACED = timedelta(hours=6)


@dataclass(frozen=True)
class KnownMachine:
    """A machine of the pool as it was last seen."""

    name: str
    state: MachineState
    since: datetime  #: when it was asked for, as far as is known
    ready: bool = False  #: its node has taken jobs
    gone: datetime | None = None  #: since when it has no node any more

    @property
    def key(self) -> str:
        return self.name.lower()

    def waits_since(self) -> datetime:
        """Since when its node is waited for."""
        return self.gone or self.since


@dataclass(frozen=True)
class Refusal:
    """Why the cloud gives no machines, in its own words."""

    code: str
    message: str
    at: datetime


@dataclass(frozen=True)
class ScalingState:
    """Of one cluster and its pool."""

    pool: str = ""
    capacity: int = 0
    settled: bool = True
    unseen: bool = False  #: the cloud refused even to list the pools when it was last asked
    silent: datetime | None = None  #: since when the cloud does not answer
    machines: tuple[KnownMachine, ...] = ()
    asked: int | None = None  #: the capacity that was last asked for
    asked_at: datetime | None = None
    operation: str = ""  #: where the cloud says how far it has come
    refusal: Refusal | None = None
    refusals: int = 0  #: one after the other
    retry_at: datetime | None = None  #: nothing is asked for before
    starts: tuple[float, ...] = ()  #: seconds from asking for a machine to its node's first job or rest
    replaced: tuple[datetime, ...] = ()  #: when machines that were at fault were let go
    stuck: tuple[str, ...] = ()  #: machines that did not become nodes, until one does
    wanted: int = 0  #: nodes
    lacking: int = 0  #: machines of them that are still to come, or to become nodes
    steady: bool = True
    changed: datetime | None = None  #: when `steady` last changed
    sentence: str = ""  #: what was last decided, and why
    #: for how many seconds machines were there that are gone, by the UTC day they went: what idle time costs
    spent: tuple[tuple[str, float], ...] = ()

    @property
    def usual_seconds(self) -> float | None:
        """How long a machine takes to become a node."""
        return sum(self.starts) / len(self.starts) if self.starts else None

    def is_paused(self, now: datetime) -> bool:
        """Whether the cloud has refused and is not asked again yet."""
        return self.retry_at is not None and now < self.retry_at

    def last_seen(self, cluster: str) -> Pool:
        """The pool as it was listed last."""
        machines = tuple(Machine(known.name, known.state) for known in self.machines)
        return Pool(self.pool, cluster, self.capacity, machines, self.settled)

    def known(self, name: str) -> KnownMachine | None:
        """A machine of this name."""
        return next((known for known in self.machines if known.key == name.lower()), None)


def observed(state: ScalingState, pool: Pool, nodes: Sequence[NodeView], now: datetime) -> ScalingState:
    """The state after a look at the pool."""
    of_machines = {node.node_id.lower(): node for node in nodes}
    machines, starts = [], list(state.starts)
    for machine in pool.machines:
        before = state.known(machine.name)
        after = _seen(before, machine, of_machines.get(machine.key), state.asked_at or now, now)
        if after.ready and not (before and before.ready):
            rest = of_machines[machine.key].state_seconds or 0.0
            starts.append(max(0.0, (now - after.since).total_seconds() - rest))
        machines.append(after)
    if len(starts) > len(state.starts):
        state = replace(state, refusal=None, refusals=0, retry_at=None, stuck=())
    return replace(
        state,
        pool=pool.name,
        capacity=pool.capacity,
        settled=pool.settled,
        unseen=False,
        silent=None,
        machines=tuple(machines),
        spent=_spent(state, pool, now),
        starts=tuple(starts[-_STARTS:]),
        replaced=tuple(at for at in state.replaced if now - at < _REPLACED),
    )


def _spent(state: ScalingState, pool: Pool, now: datetime) -> tuple[tuple[str, float], ...]:
    """What machines that are gone since the last look have been there for, added to what is kept."""
    there = {machine.key for machine in pool.machines}
    seconds = sum((now - known.since).total_seconds() for known in state.machines if known.key not in there)
    if not seconds:
        return state.spent
    days, today = dict(state.spent), f"{now:%Y-%m-%d}"
    days[today] = round(days.get(today, 0.0) + seconds, 1)
    return tuple(sorted(days.items())[-_SPENT_DAYS:])


def _seen(
    before: KnownMachine | None, machine: Machine, node: NodeView | None, asked: datetime, now: datetime
) -> KnownMachine:
    known = before or KnownMachine(machine.name, machine.state, asked)
    known = replace(known, state=machine.state)
    if node is None:
        return replace(known, gone=known.gone or now) if known.ready else known
    works = node.alive and node.state in ("idle", "running")
    return replace(known, ready=known.ready or works, gone=None)


def asked(state: ScalingState, capacity: int, now: datetime) -> ScalingState:
    """Before the cloud is asked for a capacity."""
    return replace(state, asked=capacity, asked_at=now, operation="")


def accepted(state: ScalingState, operation: str) -> ScalingState:
    """The cloud has said yes; whether it can will be seen."""
    return replace(state, operation=operation, refusal=None)


def refused(state: ScalingState, code: str, message: str, now: datetime) -> ScalingState:
    """The cloud said no, at once or later."""
    pause = min(_LAST_PAUSE, _FIRST_PAUSE * 2.0 ** min(state.refusals, 10))
    return replace(
        state,
        refusal=Refusal(code, message, state.refusal.at if state.refusal else now),
        refusals=state.refusals + 1,
        retry_at=now + timedelta(seconds=pause),
        operation="",
    )


def silent(state: ScalingState, wanted: int, alive: int, now: datetime) -> ScalingState:
    """The cloud has not answered: what it was last seen to have stays, and of the nodes that are `wanted`
    those are lacking that are not `alive`."""
    return replace(state, silent=state.silent or now, wanted=wanted, lacking=max(0, wanted - alive))


def concluded(state: ScalingState, lacking: int, leaving: int, wanted: int, now: datetime) -> ScalingState:
    """After a decision. `lacking`: machines are still to come, or to become nodes; `leaving`: on their way
    out."""
    steady = not lacking and not leaving
    if not lacking:
        state = replace(state, asked=None, asked_at=None, operation="", refusal=None, refusals=0)
        state = replace(state, stuck=(), silent=None)
    if steady != state.steady or state.changed is None:
        state = replace(state, steady=steady, changed=now)
    return replace(state, wanted=wanted, lacking=lacking)


def to_json(state: ScalingState) -> str:
    """As it is kept."""
    return json.dumps(asdict(state), default=_text, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> ScalingState:
    """What was kept; what a newer version added is left out, what it has dropped is as at first."""
    raw: dict[str, Any] = {k: v for k, v in json.loads(text).items() if k in _FIELDS}
    for name in ("asked_at", "retry_at", "changed", "silent"):
        raw[name] = _time(raw.get(name))
    refusal = raw.get("refusal")
    raw["refusal"] = Refusal(refusal["code"], refusal["message"], _moment(refusal["at"])) if refusal else None
    raw["machines"] = tuple(_known(machine) for machine in raw.get("machines", ()))
    raw["replaced"] = _tuple(raw.get("replaced", ()), _moment)
    raw["starts"] = _tuple(raw.get("starts", ()), float)
    raw["stuck"] = _tuple(raw.get("stuck", ()), str)
    raw["spent"] = _tuple(raw.get("spent", ()), lambda day: (str(day[0]), float(day[1])))
    return ScalingState(**raw)


def _known(raw: dict[str, Any]) -> KnownMachine:
    state, since = MachineState(raw["state"]), _moment(raw["since"])
    return KnownMachine(raw["name"], state, since, bool(raw.get("ready")), _time(raw.get("gone")))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _time(text: str | None) -> datetime | None:
    return _moment(text) if text else None


def _tuple(values: Iterable[Any], read: Callable[[Any], Any]) -> tuple[Any, ...]:
    return tuple(read(value) for value in values)


_FIELDS = frozenset(ScalingState.__dataclass_fields__)
