"""Why a job waits: a closed list of reasons, each with what happens next. PURE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.jobs import layouts
from shared.jobs.growth import Growth
from shared.jobs.model import Job, State
from shared.jobs.queue_order import Ahead, QueueOrder
from shared.names.ids import group_in, name_in
from shared.times import timestamp


class WaitingReason(StrEnum):
    """Closed list; the words are shown to people and matched by programs."""

    NO_NODE_ALIVE = "NoNodeAlive"
    WAITING_FOR_NODE = "WaitingForNode"
    NODES_UNUSABLE = "NodesUnusable"
    GANG_INCOMPLETE = "GangIncomplete"
    GANG_TOO_LARGE = "GangTooLarge"
    RETRY_BACKOFF = "RetryBackoff"
    SCALED_TO_ZERO = "ScaledToZero"
    CLUSTER_GROWING = "ClusterGrowing"
    CLUSTER_CANNOT_GROW = "ClusterCannotGrow"
    NODE_DOES_NOT_START = "NodeDoesNotStart"
    QUOTA_REACHED = "QuotaReached"


#: The code of a cluster's own error where jobs wait for that reason.
NODE_STUCK = str(WaitingReason.NODE_DOES_NOT_START)


@dataclass(frozen=True)
class Waiting:
    """The reason a queued job has not started."""

    reason: WaitingReason
    message: str
    next_step: str
    until: datetime | None = None  #: UTC; when the wait is over, where that is known
    #: What of the message is news: "" for all of it. How long something has lasted is reported and is none.
    gist: str = ""
    #: What the message says, for programs: of a limit (fair_share.py).
    numbers: Mapping[str, object] = field(default_factory=dict, compare=False)

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "reason": str(self.reason),
            "message": self.message,
            "next": self.next_step,
        }
        if self.until:
            shown["until"] = timestamp(self.until)
        return shown | ({"quota": dict(self.numbers)} if self.numbers else {})

    def says_the_same(self, other: "Waiting") -> bool:
        """Whether whoever knows the other one knows this."""
        mine, theirs = self.gist or self.message, other.gist or other.message
        return (self.reason, mine, self.until) == (other.reason, theirs, other.until)


#: How far the release of a node's machine is: asked to leave; its deletion decided, which nobody takes back.
RELEASED, DELETED = "released", "deleted"


@dataclass(frozen=True)
class NodeView:
    """A node as the reason sees it. `alive` is decided by the storage service's clock."""

    node_id: str
    state: str
    alive: bool
    detail: str = ""
    job: str = ""  #: uuid of the run it works on
    standby: str = (
        ""  #: not "": it takes no jobs, for its cluster is to have fewer nodes (shared.jobs.allocation)
    )
    drain: bool = False  #: marked to finish its job and leave, by whomever
    release: str = ""  #: not "": its machine is deleted once it has left (RELEASED, DELETED)
    left: bool = False  #: its runner has said that it is gone
    state_seconds: float | None = None  #: for how long it has been in its state; None: an older runner's
    silent_seconds: float = 0.0  #: since it was last heard of, or its row written
    layout: int = field(
        default=layouts.LATEST, compare=False
    )  #: of a job's entries that its runner can work with
    etag: str = field(default="", compare=False)  #: of the row this was read from


def why(
    job: Job,
    queue: QueueOrder,
    nodes: Sequence[NodeView],
    runner_command: str,
    gang: Sequence[str] = (),
    most: int | None = None,
    growth: Growth | None = None,
) -> Waiting | None:
    """The reason `job` waits, or None when it does not wait. `queue` may include the job itself;
    `runner_command` starts a runner of `{cluster}`; `gang`: the nodes that it has together already, if it is
    held; `most`: nodes its cluster may have (None: any number); `growth`: how its pool stands, if
    it has one."""
    if job.state is not State.QUEUED:
        return None
    if job.withheld:
        return over_a_limit(f"when it was submitted, {job.withheld}")
    if job.held:
        return incomplete(job, gang or [str(job.owner)])
    alive = [node for node in nodes if node.alive and not node.standby]
    name, command = f"cluster {job.cluster}", runner_command.replace("{cluster}", str(job.cluster))
    if most is not None and most < job.node_count:
        return _scaled_down(job, name, most)
    if growth and (waits := _for_machines(job, name, alive, growth)):
        return waits
    if not alive:
        return Waiting(
            WaitingReason.NO_NODE_ALIVE,
            f"no node of {name} is alive" + (f" ({len(nodes)} known, all silent)" if nodes else ""),
            f"It starts as soon as the cluster has a node. To start a runner for it: {command}",
        )
    usable = [node for node in alive if node.state != "unusable"]
    if not usable:
        detail = "; ".join(f"{node.node_id}: {node.detail or 'no detail'}" for node in alive)
        return Waiting(
            WaitingReason.NODES_UNUSABLE,
            f"every node of {name} is unusable: {detail}",
            "Mend or replace a node.",
        )
    if job.node_count > len(usable):
        return Waiting(
            WaitingReason.GANG_TOO_LARGE,
            f"the job needs {job.node_count} nodes and {name} has {len(usable)}",
            f"Add nodes to the cluster ({command}) or lower nodeCount.",
        )
    if job.errors:
        return Waiting(
            WaitingReason.RETRY_BACKOFF,
            f"attempt {job.attempt} ended early ({_last_error(job)}); it will be tried again{_until(job)}",
            "Nothing to do: another runner takes it.",
            job.retry_at,
        )
    idle = sum(1 for node in usable if node.state == "idle")
    ahead = queue.ahead_of(job, len(usable))
    place = f"position {ahead.jobs + 1} in the queue of {name}; {idle} of {len(usable)} nodes idle"
    turn, next_step = _turn(job.node_count, ahead, idle)
    return Waiting(WaitingReason.WAITING_FOR_NODE, "; ".join(filter(None, (place, turn))), next_step)


def over_a_limit(
    message: str, until: datetime | None = None, numbers: Mapping[str, object] | None = None
) -> Waiting:
    """That a job waits for a limit, or, after one, for the timer."""
    next_step = "Nothing to do: the timer looks every minute who is next, who uses the fewest nodes first. "
    more = "For more, ask who operates this installation (BATCHAI_LIMITS)."
    return Waiting(WaitingReason.QUOTA_REACHED, message, next_step + more, until, "", numbers or {})


def _for_machines(job: Job, name: str, alive: Sequence[NodeView], growth: Growth) -> Waiting | None:
    """That a job waits for machines of its cluster's pool, if it does."""
    idle = sum(1 for node in alive if node.state == "idle")
    if idle >= job.node_count:
        return None
    if not growth.lacking:
        asks = "Nothing to do: machines are asked for when the pool is looked at next, within a minute."
        return None if alive else Waiting(WaitingReason.CLUSTER_GROWING, f"{name} has no node now", asks)
    if growth.silent:
        return Waiting(
            WaitingReason.CLUSTER_CANNOT_GROW,
            f"{name} gets no more machines ({growth.lacking} are lacking): the cloud has not answered since "
            f"{growth.silent:%Y-%m-%d %H:%M:%S} UTC",
            "Nothing to do: it is asked again every minute. Whether it is down: https://status.azure.com",
        )
    if growth.refused:
        return Waiting(
            WaitingReason.CLUSTER_CANNOT_GROW,
            f"{name} gets no more machines ({growth.lacking} are lacking): {growth.refused}",
            growth.advice,
            growth.retry_at,
        )
    if growth.late:
        return Waiting(WaitingReason.NODE_DOES_NOT_START, *growth.late_words(name), gist=growth.late)
    message, gist = growth.words(name)
    return Waiting(WaitingReason.CLUSTER_GROWING, message, "Nothing to do: it starts on them.", gist=gist)


def _turn(needs: int, ahead: Ahead, idle: int) -> tuple[str, str]:
    """Why idle nodes are not for a job that needs `needs`, if they are not, and what happens next. A job
    ahead that needs more nodes than there are is passed over."""
    if idle and ahead.nodes + needs > idle and ahead.served:
        many = f"{ahead.served} jobs wait ahead" if ahead.served > 1 else "1 job waits ahead"
        larger = ahead.largest > needs
        message = f"a larger job waits ahead, for {ahead.largest} nodes" if larger else many
        return message, "Nothing to do: what waits ahead gets the nodes first."
    if needs > idle:
        free = f"{needs} nodes are" if needs > 1 else "a node is"
        message = f"it needs {needs}" if needs > 1 else ""
        return message, f"Nothing to do: it starts as soon as {free} free."
    passed = "a job ahead asks for more nodes than there are" if ahead.served < ahead.jobs else ""
    return passed, "It is about to start."


def _scaled_down(job: Job, name: str, most: int) -> Waiting:
    group, workspace = group_in(job.cluster.workspace), name_in(job.cluster.workspace)
    place = f"{f'-g {group} ' if group else ''}-w {workspace} -n {job.cluster.cluster}"
    again = f"batchai cluster resize {place} -t {job.node_count}"
    if most == 0:
        text = f"{name} is scaled to 0 nodes: whatever machines it has stand by"
        return Waiting(WaitingReason.SCALED_TO_ZERO, text, f"Give it nodes: {again}")
    text = f"the job needs {job.node_count} nodes and {name} is scaled to {most}"
    return Waiting(WaitingReason.GANG_TOO_LARGE, text, f"Give it more nodes ({again}) or lower nodeCount.")


def incomplete(job: Job, nodes: Sequence[str]) -> Waiting:
    """That a held job has `nodes` and waits for the others."""
    return Waiting(
        WaitingReason.GANG_INCOMPLETE,
        f"{len(nodes)} of {job.node_count} nodes are together: {', '.join(nodes)}",
        "Nothing to do: it starts as soon as as many nodes are free.",
    )


def _until(job: Job) -> str:
    return f" after {job.retry_at:%H:%M:%S} UTC" if job.retry_at else ""


def _last_error(job: Job) -> str:
    return job.errors[-1].code if job.errors else "no error recorded"


def is_alive(heard: datetime | None, service_time: datetime, lease_seconds: float) -> bool:
    """Whether a node was heard of within a lease of the storage service's time."""
    return heard is not None and service_time - heard <= timedelta(seconds=lease_seconds)
