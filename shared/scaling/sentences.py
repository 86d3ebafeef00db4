"""What was decided for a cluster, in one sentence for people. PURE."""

from collections.abc import Sequence

from shared.scaling.demand import Wish
from shared.scaling.fleet import Fleet, Member
from shared.times import spelled


def summary(
    wish: Wish, fleet: Fleet, capacity: int | None, replaced: Sequence[Member], surplus: Sequence[Member]
) -> str:
    """Why the cluster grows, shrinks, or stays as it is."""
    here = len(fleet.existing)
    parts = []
    if capacity is not None and capacity > here:
        parts.append(f"cluster grows {here} -> {capacity} because {wish.why}")
    if surplus:
        parts.append(f"cluster shrinks {here} -> {here - len(surplus)} because {_why_fewer(wish, surplus)}")
    parts += [f"machine {member.name} is replaced: {_fault(member)}" for member in replaced]
    return "; ".join(parts) or f"cluster stays at {here} because {wish.why}"


def _why_fewer(wish: Wish, surplus: Sequence[Member]) -> str:
    if not wish.follows_jobs:
        return wish.why
    idle = min(member.idle_seconds for member in surplus)
    many = f"{len(surplus)} nodes have" if len(surplus) > 1 else "1 node has"
    return f"{many} been idle for {spelled(idle)}" if idle else f"its maximum is {wish.most}"


def _fault(member: Member) -> str:
    node = member.node
    if node is None:
        return "it did not become a node"
    if not node.alive:
        return f"nothing was heard of it for {spelled(node.silent_seconds)}"
    return f"it is unusable ({node.detail or 'no detail'})"
