"""Which runner of the stack should work for which cluster. Values in, values out.

A runner works for one cluster at a time. Jobs are served in the order in which a cluster serves them, by
priority and then by age, each with the nodes it asks for; a job of several nodes that is next keeps the free
ones until the others are free too.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.names.ids import PRIORITIES, ClusterId


@dataclass(frozen=True)
class JobStatus:
    """A node as it stands now."""

    node_id: str
    cluster: ClusterId
    busy: bool  #: it works on a job
    movable: bool = True  #: it is the stack's own; others were started by hand and stay where they are


@dataclass(frozen=True)
class Want:
    """A job that has not ended, and the nodes it needs on its cluster."""

    cluster: ClusterId
    nodes: int
    priority: str
    created: datetime
    taken: bool = False  #: a runner has it
    running: bool = False  #: all its nodes have it


def key(cluster: ClusterId) -> str:
    """What distinguishes clusters: ARM names ignore case."""
    return str(cluster).lower()


def moves(
    nodes: Iterable[JobStatus],
    wants: Iterable[Want],
    troubled: Collection[str] = (),
    clusters: Collection[str] = (),
    home: ClusterId | None = None,
) -> dict[str, ClusterId]:
    """The cluster that each node should go to, for the nodes that should go to another.

    `troubled`: keys of clusters on which a node of ours was of no use a moment ago; their jobs, like those
    that ask for more nodes than there are, get what nobody else needs. `clusters`: keys of those that exist;
    a free node of any other returns `home`.
    """
    left = list(nodes)
    placed: dict[str, ClusterId] = {}
    ordered = sorted(wants, key=lambda want: _rank(want, left, troubled))
    wanted = {key(want.cluster) for want in ordered}
    for want in ordered:
        here = [node for node in left if key(node.cluster) == key(want.cluster)]
        seats = sorted(here, key=lambda node: not node.busy)[: want.nodes]
        lacking = 0 if want.running else want.nodes - len(seats)
        others = [node for node in left if node.movable and not node.busy and node not in here]
        # Those that nobody else asks for first: it saves a move.
        others.sort(key=lambda node: key(node.cluster) in wanted)
        placed |= {node.node_id: want.cluster for node in others[:lacking]}
        left = [node for node in left if node not in seats and node not in others[:lacking]]
    if home and key(home) in clusters:
        strays = [n for n in left if n.movable and not n.busy and key(n.cluster) not in clusters]
        placed |= {node.node_id: home for node in strays}
    return placed


def _rank(want: Want, nodes: list[JobStatus], troubled: Collection[str]) -> tuple[int, int, datetime]:
    """Jobs under way keep what they have, whatever their rank; those that cannot start come last."""
    reachable = sum(node.movable or key(node.cluster) == key(want.cluster) for node in nodes)
    hopeless = want.nodes > reachable or key(want.cluster) in troubled
    turn = 0 if want.taken else 2 if hopeless else 1
    return turn, PRIORITIES.index(want.priority), want.created
