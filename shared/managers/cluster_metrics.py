"""What the timer's sweep sees of a cluster: a line of the log where something waits or fails, and metrics
(shared/telemetry) where they are on."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from shared.jobs.model import State
from shared.jobs.waiting_reason import NodeView
from shared.names.ids import ClusterId
from shared.stores.live_rows import LiveEntry
from shared.telemetry import metrics
from shared.telemetry.names import Attribute, Metric

log = logging.getLogger(__name__)

#: Shown with 0 too: a gauge keeps its last value where none follows.
_LIVE = (State.QUEUED, State.RUNNING, State.TERMINATING)
_NODES = ("idle", "running", "preparing", "leaving", "unusable", "lost")


def measured(
    cluster: ClusterId, entries: Sequence[LiveEntry], nodes: Sequence[NodeView], now: datetime
) -> None:
    """Jobs and nodes of `cluster` by state, and what waits. A job that a runner holds while it assembles its
    nodes is still queued, but waits for no runner; a node that is not heard of is lost."""
    waiting = [entry for entry in entries if entry.state is State.QUEUED and not entry.owner]
    oldest = max((now - entry.created).total_seconds() for entry in waiting) if waiting else 0.0
    seen = Counter(node.state if node.alive else "lost" for node in nodes if not node.left)
    if waiting or seen["unusable"] or seen["lost"]:
        log.info("%s", _line(cluster, len(waiting), oldest, seen), extra={"action": "cluster"})
    if not metrics.is_on():
        return
    about = {Attribute.CLUSTER: str(cluster)}
    jobs = Counter(str(entry.state) for entry in entries)
    for state in {*_LIVE, *jobs}:
        metrics.add(Metric.JOBS, jobs[str(state)], {**about, Attribute.STATE: str(state)})
    metrics.add(Metric.QUEUE_LENGTH, len(waiting), about)
    metrics.add(Metric.QUEUE_AGE, max(0.0, oldest), about)
    for state in {*_NODES, *seen}:
        metrics.add(Metric.NODES, seen[state], {**about, Attribute.NODE_STATE: state})


def _line(cluster: ClusterId, waiting: int, oldest: float, nodes: Counter[str]) -> str:
    """For the log; infra/alerts.json and infra/workbook.json read it."""
    states = ", ".join(f"{state} {nodes[state]}" for state in _NODES)
    return f"cluster {cluster}: jobs waiting {waiting}, the oldest for {oldest:.0f} s; nodes {states}"
