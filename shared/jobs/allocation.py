"""Which nodes serve a cluster: its scaleSettings against the machines that have joined it. PURE.

Nobody starts or stops machines here (docs/adr/0096): a runner works for its cluster as long as it is up. The
scaleSettings say how many of them take jobs and are counted; the others stand by, as if they were not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.jobs.waiting_reason import NodeView

#: What becomes of a job on a node that no longer serves: put back at once, ended, or left alone. The words
#: are those of nodeDeallocationOption (REST specification).
REQUEUE, TERMINATE, WAIT = "requeue", "terminate", "waitforjobcompletion"


@dataclass(frozen=True)
class Scale:
    """How many nodes a cluster should have. `most` None: as many as come."""

    least: int = 0
    most: int | None = None
    follows_jobs: bool = False  #: auto-scale: idle nodes beyond the least are as good as released
    initial: int = 0  #: auto-scale: nodes at the beginning
    leaving: str = REQUEUE  #: what becomes of a job on a node that no longer serves


def scale_of(settings: Mapping[str, Any]) -> Scale:
    """The scale that scaleSettings ask for; {} asks for nothing."""
    if manual := settings.get("manual"):
        target = int(manual.get("targetNodeCount", 0))
        return Scale(target, target, leaving=str(manual.get("nodeDeallocationOption", REQUEUE)))
    if auto := settings.get("autoScale"):
        # What follows the jobs takes no node away from one.
        initial = int(auto.get("initialNodeCount", 0))
        least, most = auto["minimumNodeCount"], auto["maximumNodeCount"]
        return Scale(least, most, follows_jobs=True, initial=initial, leaving=WAIT)
    return Scale()


def serving(nodes: Sequence[NodeView], scale: Scale) -> frozenset[str]:
    """The nodes that take jobs, at most `scale.most` of those alive: who works comes first, who is unusable
    last, and who has served so far comes before who has stood by, so that asking again changes nothing."""
    usable = [node for node in nodes if node.alive and node.state != "leaving"]
    ordered = sorted(
        usable, key=lambda n: (n.state != "running", n.state == "unusable", bool(n.standby), n.node_id)
    )
    return frozenset(node.node_id for node in ordered[: scale.most])


def wanted_standby(nodes: Sequence[NodeView], scale: Scale) -> dict[str, str]:
    """What each node that is alive has to learn (`NodeView.standby`): "" for one that serves. One that leaves
    by itself hears nothing new."""
    serve = serving(nodes, scale)

    def word(node: NodeView) -> str:
        if node.state == "leaving":
            return node.standby
        return "" if node.node_id in serve else scale.leaving

    return {node.node_id: word(node) for node in nodes if node.alive}


def present(nodes: Sequence[NodeView], scale: Scale) -> tuple[tuple[str, str], ...]:
    """(node id, state) of the nodes that are counted: those that serve, and those that leave because they
    still work though they do not serve any more."""
    serve = serving(nodes, scale)
    shown = []
    for node in nodes:
        if node.alive and (node.node_id in serve or node.state == "leaving"):
            shown.append((node.node_id, node.state))
        elif node.alive and node.state == "running":
            shown.append((node.node_id, "leaving"))
    if not scale.follows_jobs:
        return tuple(shown)
    idle = [entry for entry in shown if entry[1] == "idle"]
    spare = len(idle) - max(0, scale.least - (len(shown) - len(idle)))
    released = set(idle[len(idle) - max(0, spare) :])
    return tuple(entry for entry in shown if entry not in released)


def is_steady(nodes: Sequence[NodeView], scale: Scale) -> bool:
    """Whether the cluster has as many nodes as it should have, and none that leaves."""
    counted = present(nodes, scale)
    return len(counted) >= scale.least and all(state != "leaving" for _, state in counted)
