"""What becomes of a cluster's machines: how many there should be, who leaves, who is deleted, and why. PURE.

A machine is removed in three steps, each by what the last one left: its node is asked to leave, which a
runner that has just claimed a job does after that job; its machine is deleted once the runner has left, or
was not heard of since it was asked; its row is removed once the machine is gone. So a claim wins or the way
out wins, never both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.jobs.queue_order import QueuedEntry
from shared.jobs.waiting_reason import NodeView
from shared.scaling import fleet as fleets
from shared.scaling import sentences
from shared.scaling.demand import Wish
from shared.scaling.fleet import Fleet, Member, ScalingDelays
from shared.scaling.pools import Pool
from shared.scaling.state import ScalingState

#: Pauses between replacements of machines at fault, in seconds: they double, for what ails one machine of a
#: cluster may ail them all (a key that opens no volume), and every new one costs.
_FIRST_PAUSE, _LAST_PAUSE = 300.0, 3600.0


@dataclass(frozen=True)
class Decision:
    """What is to be done now. Done already, it is decided no more."""

    capacity: int | None = None  #: machines to ask for; None: as many as were asked for
    drain: tuple[str, ...] = ()  #: nodes to be asked to leave
    delete: tuple[str, ...] = ()  #: machines whose nodes have left
    forget: tuple[str, ...] = ()  #: nodes whose machines are gone
    faulty: tuple[str, ...] = ()  #: those of `drain` that are at fault, though the cloud had made them
    stuck: tuple[str, ...] = ()  #: those of `faulty` that never became nodes
    wanted: int = 0  #: nodes
    lacking: int = 0  #: machines that are still to come or to become nodes
    leaving: int = 0
    sentence: str = ""

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to do."""
        return self.capacity is None and not (self.drain or self.delete or self.forget)


def decide(
    wish: Wish,
    jobs: Sequence[QueuedEntry],
    nodes: Sequence[NodeView],
    pool: Pool,
    state: ScalingState,
    now: datetime,
    delays: ScalingDelays,
) -> Decision:
    """The decision for a cluster whose pool and nodes are as they were just read."""
    fleet = fleets.fleet_of(jobs, nodes, pool, state, now, delays)
    keep = _keep(wish, fleet)
    limit = max(0, wish.most - len(fleet.guests))
    replaced = _replaced(fleet, state, now, keep)
    surplus = _surplus(fleet, wish, keep, limit, delays)
    held = [member for member in fleet.faulty if member not in replaced]
    lacking = keep - len(fleet.good) - len(held)
    growth = min(lacking, limit - len(fleet.existing))
    capacity = _capacity(fleet, pool, state, growth, now, delays)
    drain = (*replaced, *surplus)
    return Decision(
        capacity=capacity,
        drain=_names(drain),
        delete=_names(fleet.gone),
        forget=tuple(node.node_id for node in fleet.orphans),
        faulty=tuple(member.name for member in replaced if not member.was_never_made),
        stuck=tuple(member.name for member in replaced if member.node is None),
        wanted=wish.nodes,
        lacking=max(0, keep - len(fleet.good) + len(fleet.starting)),
        leaving=len(drain) + len(fleet.leaving),
        sentence=sentences.summary(wish, fleet, capacity, replaced, surplus),
    )


def _keep(wish: Wish, fleet: Fleet) -> int:
    """How many good machines there should be: nodes on other machines serve too, and a job on a machine that
    leaves needs no further one."""
    needed = wish.nodes - (fleet.busy_elsewhere if wish.follows_jobs else 0)
    return max(0, max(needed, wish.least) - len(fleet.guests))


def _names(members: Sequence[Member]) -> tuple[str, ...]:
    return tuple(member.name for member in members)


def _replaced(fleet: Fleet, state: ScalingState, now: datetime, keep: int) -> list[Member]:
    """The machines at fault that go now: at once where they are not needed, or the cloud could not make them
    (it is asked for others more and more rarely); else with pauses between."""
    if len(fleet.good) >= keep or not state.replaced:
        return fleet.faulty
    pause = min(_LAST_PAUSE, _FIRST_PAUSE * 2.0 ** min(len(state.replaced) - 1, 10))
    if now - state.replaced[-1] >= timedelta(seconds=pause):
        return fleet.faulty
    return [member for member in fleet.faulty if member.was_never_made]


def _surplus(fleet: Fleet, wish: Wish, keep: int, limit: int, delays: ScalingDelays) -> list[Member]:
    """Machines that are not needed: beyond the target or the maximum whoever has no job, else only those
    whose nodes have been idle for long. Who stands by comes first, then who has been idle longest."""
    most = limit if wish.follows_jobs else keep
    unemployed = [member for member in fleet.good if not member.busy]
    ordered = sorted(unemployed, key=lambda m: (not m.stands_by, -m.idle_seconds, m.name))
    must_go = ordered[: max(0, len(fleet.good) - most)]
    may_go = [
        m for m in ordered if m not in must_go and m.idle_seconds >= delays.scale_in_seconds and m.rests
    ]
    return must_go + may_go[: max(0, len(fleet.good) - len(must_go) - keep)]


def _capacity(
    fleet: Fleet, pool: Pool, state: ScalingState, growth: int, now: datetime, delays: ScalingDelays
) -> int | None:
    """The capacity to ask for, if any: never fewer than there are machines, for which are deleted is decided
    here."""
    if state.is_paused(now):
        return None
    listed = len(pool.machines)
    since = now - state.asked_at if state.asked_at else timedelta.max
    if growth > 0:
        wanted = max(len(fleet.existing) + growth, listed)
        if wanted > pool.capacity and wanted != state.asked:
            return wanted
        # Asked for already: an answer may have been lost, or a machine taken away meanwhile.
        again = delays.node_start_seconds if state.operation else delays.ask_again_seconds
        return wanted if since >= timedelta(seconds=again) and pool.settled else None
    # What the cloud never gave, and nobody wants any more, is taken back.
    unseen = pool.capacity > listed and pool.settled and not state.operation and fleet.complete
    return listed if unseen and since >= timedelta(seconds=delays.node_start_seconds) else None
