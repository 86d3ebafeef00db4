"""What the timer's sweep sees of a cluster, as metrics (shared/telemetry). Nothing while they are off."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from shared.jobs.model import State
from shared.jobs.waiting_reason import NodeView
from shared.names.ids import ClusterId
from shared.stores.live_rows import LiveEntry
from shared.telemetry import metrics
from shared.telemetry.names import Attribute, Metric

#: Shown with 0 too: a gauge keeps its last value where none follows.
_LIVE = (State.QUEUED, State.RUNNING, State.TERMINATING)
_NODES = ("idle", "running", "preparing", "unusable", "leaving", "lost")


def measured(
    cluster: ClusterId, entries: Sequence[LiveEntry], nodes: Sequence[NodeView], now: datetime
) -> None:
    """Jobs and nodes of `cluster` by state, and what waits. A job that a runner holds while it assembles its
    nodes is still queued, but waits for no runner; a node that is not heard of is lost."""
    if not metrics.is_on():
        return
    about = {Attribute.CLUSTER: str(cluster)}
    jobs = Counter(str(entry.state) for entry in entries)
    for state in {*_LIVE, *jobs}:
        metrics.add(Metric.JOBS, jobs[str(state)], {**about, Attribute.STATE: str(state)})
    waiting = [entry for entry in entries if entry.state is State.QUEUED and not entry.owner]
    oldest = max((now - entry.created).total_seconds() for entry in waiting) if waiting else 0.0
    metrics.add(Metric.QUEUE_LENGTH, len(waiting), about)
    metrics.add(Metric.QUEUE_AGE, max(0.0, oldest), about)
    seen = Counter(node.state if node.alive else "lost" for node in nodes if not node.left)
    for state in {*_NODES, *seen}:
        metrics.add(Metric.NODES, seen[state], {**about, Attribute.NODE_STATE: state})
