"""A cluster's machines and nodes side by side: which machine works, starts, is at fault, leaves. PURE."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.jobs.queue_order import QueuedEntry
from shared.jobs.waiting_reason import NodeView
from shared.scaling.pools import Machine, MachineState, Pool
from shared.scaling.state import ScalingState


@dataclass(frozen=True)
class ScalingDelays:
    """How long something may last before it is acted on, in seconds."""

    scale_in_seconds: float = 600.0  #: a node that nobody needs
    node_start_seconds: float = 900.0  #: a machine without a node
    unusable_seconds: float = 300.0  #: a node that cannot take jobs
    silent_seconds: float = 300.0  #: a node that is not heard of
    ask_again_seconds: float = 60.0  #: what was asked for and is not seen


@dataclass(frozen=True)
class Member:
    """A machine of the pool, with its node where it has one."""

    machine: Machine
    node: NodeView | None = None
    busy: bool = False  #: a job runs on it, or its node's lease may still hold

    @property
    def name(self) -> str:
        return self.node.node_id if self.node else self.machine.name

    @property
    def was_never_made(self) -> bool:
        """Whether it is on the cloud's list only."""
        return self.node is None and self.machine.state is MachineState.FAILED

    @property
    def stands_by(self) -> bool:
        """Whether its node serves nobody, or it has none yet."""
        return self.node is None or bool(self.node.standby) or self.node.state == "unusable"

    @property
    def rests(self) -> bool:
        """Whether its node is idle."""
        return self.node is not None and self.node.alive and self.node.state == "idle" and not self.busy

    @property
    def idle_seconds(self) -> float:
        """For how long its node has had nothing to do; 0 where that is not known."""
        return self.node.state_seconds or 0.0 if self.node and self.node.state == "idle" else 0.0


@dataclass
class Fleet:
    """Every machine in one list each, `existing` and `complete` aside."""

    good: list[Member] = field(default_factory=list)  #: works, rests or starts
    starting: list[Member] = field(default_factory=list)  #: those of `good` that have no node that takes jobs
    faulty: list[Member] = field(default_factory=list)  #: to be replaced
    kept: list[Member] = field(default_factory=list)  #: somebody drained it by hand: left alone
    leaving: list[Member] = field(default_factory=list)  #: asked to leave, or on its way out
    gone: list[Member] = field(default_factory=list)  #: those of `leaving` whose runner has left
    guests: list[NodeView] = field(default_factory=list)  #: nodes on machines of somebody's own
    orphans: list[NodeView] = field(default_factory=list)  #: nodes whose machine is gone
    busy_elsewhere: int = 0  #: jobs on nodes that are neither good nor guests
    complete: bool = True  #: every node that is heard of and was a machine of the pool is in its list

    @property
    def existing(self) -> list[Member]:
        """Machines that cost: all but those that the cloud is deleting."""
        return [*self.good, *self.faulty, *self.kept, *self.leaving]


def fleet_of(
    jobs: Sequence[QueuedEntry],
    nodes: Sequence[NodeView],
    pool: Pool,
    state: ScalingState,
    now: datetime,
    delays: ScalingDelays,
) -> Fleet:
    """The fleet of a cluster as its pool and nodes were just read."""
    fleet, owners = Fleet(), {job.owner for job in jobs if job.owner}
    of_machines = {node.node_id.lower(): node for node in nodes}
    for machine in pool.machines:
        node = of_machines.pop(machine.key, None)
        if machine.state is not MachineState.DELETING:
            busy = node is not None and _is_busy(node, owners)
            _place(fleet, Member(machine, node, busy), state, now, delays)
    for node in of_machines.values():
        _place_stranger(fleet, node, pool, _is_busy(node, owners))
    fleet.busy_elsewhere = _count_busy(fleet, nodes, owners)
    return fleet


def _is_busy(node: NodeView, owners: set[str]) -> bool:
    """Whether a job is on the node. One that is silent has a job as long as the job's row says so."""
    return node.node_id in owners or (node.alive and (node.state == "running" or bool(node.job)))


def _place(fleet: Fleet, member: Member, state: ScalingState, now: datetime, delays: ScalingDelays) -> None:
    node = member.node
    if node and node.release:
        fleet.leaving.append(member)
        if not member.busy and (node.left or not node.alive):
            fleet.gone.append(member)
    elif node and (node.drain or (node.state == "leaving" and node.alive)):
        # By hand, or the cloud takes it away: it does not come back, and nobody deletes what is somebody's.
        fleet.kept.append(member)
    elif _is_at_fault(member, state, now, delays):
        fleet.faulty.append(member)
    elif node and node.left:
        fleet.kept.append(member)
    else:
        fleet.good.append(member)
        if not (node and node.alive and node.state in ("idle", "running")):
            fleet.starting.append(member)


def _count_busy(fleet: Fleet, nodes: Sequence[NodeView], owners: set[str]) -> int:
    counted = {member.name for member in fleet.good} | {guest.node_id for guest in fleet.guests}
    return sum(1 for node in nodes if node.node_id not in counted and _is_busy(node, owners))


def _is_at_fault(member: Member, state: ScalingState, now: datetime, delays: ScalingDelays) -> bool:
    node = member.node
    if member.busy:
        return False
    if node is None:
        known = state.known(member.machine.name)
        waited = now - known.waits_since() if known else timedelta()
        failed = member.machine.state is MachineState.FAILED
        return failed or waited >= timedelta(seconds=delays.node_start_seconds)
    if not node.alive:
        return not node.left and node.silent_seconds >= delays.silent_seconds
    lasts = node.state_seconds or 0.0
    return node.state == "unusable" and lasts >= delays.unusable_seconds


def _place_stranger(fleet: Fleet, node: NodeView, pool: Pool, busy: bool) -> None:
    """A node that is on no machine of the list."""
    if not pool.made(node.node_id):
        if node.alive and node.state not in ("leaving", "unusable"):
            fleet.guests.append(node)
    elif node.alive and not node.release:
        fleet.complete = False  # the list is older than the node
    elif not (node.alive and busy):
        fleet.orphans.append(node)
