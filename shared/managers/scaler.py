"""Scaler: lets clusters that have a pool grow and shrink, as shared.scaling decides.

Every step can be repeated, by a sweep that comes after one that died, and by two at the same time: the row of
the table says first what is asked for, over the row as it was read; the cloud is asked in absolute terms, for
the pool as it was listed; a machine is deleted once its node's row says so, over that row as it was read.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from shared.errors import BatchAIError, PoolRefusedError, PoolSilentError, ThrottledError
from shared.jobs.allocation import Scale
from shared.jobs.growth import Growth
from shared.jobs.queue_order import QueuedEntry
from shared.jobs.waiting_reason import NodeView
from shared.managers.cluster_reader import ClusterReader, scale_of_row
from shared.managers.live_jobs import LiveJobs, queued
from shared.managers.node_reports import NodeReports
from shared.managers.pool_changes import PoolChanges
from shared.managers.pool_look import PoolLook
from shared.names.ids import ClusterId
from shared.scaling import state as states
from shared.scaling.decision import decide
from shared.scaling.demand import Wish, wish_of
from shared.scaling.fleet import ScalingDelays
from shared.scaling.growth import growth_of
from shared.scaling.pools import Pools
from shared.scaling.state import ScalingState
from shared.settings import Settings
from shared.stores.cluster_table import ClusterRow
from shared.stores.scaling_table import ScalingRow, ScalingTable

log = logging.getLogger(__name__)

#: Between two looks at one cluster that jobs bring about; the sweep sees what comes meanwhile.
_NUDGE_SECONDS = 5.0
_NOTHING = Scale(0, 0)


class Scaler:
    """The only writer of the table of scaling, and the only one who asks for machines. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        pools: Pools | None,
        scaling: ScalingTable,
        clusters: ClusterReader,
        nodes: NodeReports,
        live: LiveJobs,
        monotonic: Callable[[], float],
    ) -> None:
        """`pools` None: nobody starts or stops machines here, and nothing is read or written for it."""
        self._settings = settings
        self._pools = pools
        self._scaling = scaling
        self._clusters = clusters
        self._nodes = nodes
        self._live = live
        self._monotonic = monotonic
        self._nudged: dict[ClusterId, float] = {}
        self._left_alone_until = 0.0  #: the cloud asks for it; by the monotonic clock
        self._delays = ScalingDelays(settings.scale_in_seconds, settings.node_start_seconds)

    def begin(self, now: datetime) -> PoolLook | None:
        """A look at the pools for one sweep; None where there are none, or the cloud wants to be left alone.
        `now`: by the storage service's clock."""
        if self._pools is None or self._monotonic() < self._left_alone_until:
            return None
        try:
            return PoolLook(self._settings, self._pools, self._scaling.read(), now)
        except BatchAIError as error:
            log.warning("not scaled: %s", error, extra={"action": "scale"})
            return None

    def end(self, look: PoolLook, clusters: Sequence[ClusterRow]) -> None:
        """Give back the machines of clusters that are gone, and note that the cloud was asked."""
        known = {str(row.id).lower() for row in clusters}
        for row in [row for key, row in look.rows.items() if key not in known]:
            try:
                self._give_back(look, row)
            except BatchAIError as error:
                log.warning("not scaled: %s", error, extra={"action": "scale", "cluster": str(row.cluster)})
        if look.looked:
            self._scaling.note_look(look.now)

    def job_came(self, cluster: ClusterId) -> None:
        """As `nudge`, for a job: of many that come at once each need not bring about a look of its own."""
        at = self._monotonic()
        if at - self._nudged.get(cluster, -_NUDGE_SECONDS) >= _NUDGE_SECONDS:
            self._nudged[cluster] = at
            self.nudge(cluster)

    def nudge(self, cluster: ClusterId) -> None:
        """Look at one cluster now. Never raises for the cloud or for storage: the next sweep does it too."""
        if self._pools is None:
            return
        try:
            if row := self._clusters.fresh(cluster):
                nodes, now = self._clusters.look_at(row)
                if look := self.begin(now):
                    self.turn(look, row, nodes, queued(self._live.of(row.id)))
        except BatchAIError as error:
            log.warning("not scaled: %s", error, extra={"action": "scale", "cluster": str(cluster)})

    def growth(self, cluster: ClusterId) -> Growth | None:
        """How the pool of a cluster stands, None where it has none."""
        if self._pools is None:
            return None
        row, now = self._scaling.get(cluster)
        return self._growth(row.state, now) if row else None

    def growth_seen(self, look: PoolLook | None, cluster: ClusterId) -> Growth | None:
        """As `growth`, by what a look has seen."""
        row = look.row(cluster) if look else None
        return self._growth(row.state, look.now) if look and row else None

    def state(self, cluster: ClusterId) -> ScalingState | None:
        """What is kept of a cluster with a pool, None for any other."""
        row = self._scaling.get(cluster)[0] if self._pools else None
        return row.state if row else None

    def _growth(self, state: ScalingState, now: datetime) -> Growth:
        return growth_of(state, now, self._delays, self._settings.arm.resource_group)

    def turn(
        self, look: PoolLook, row: ClusterRow, nodes: Sequence[NodeView], jobs: Sequence[QueuedEntry]
    ) -> bool:
        """Decide for one cluster and do it; whether anything was done. Raises what the cloud or storage says
        where that keeps it from being done."""
        scale = _NOTHING if row.deleting else scale_of_row(row)
        if scale.most is None and (most := self._settings.default_most_nodes):
            scale = Scale(0, most, follows_jobs=True)
        if scale.most is None or self._pools is None:
            return False
        hold = self._settings.scale_in_seconds
        wish = wish_of(scale, jobs, row.resized or row.created, look.now, hold)
        kept = look.row(row.id)
        if kept and kept.state.unseen and kept.state.is_paused(look.now):
            return False
        if look.is_known(row) and (kept is None or self._rests(look, kept, wish, nodes, jobs)):
            return False
        try:
            pool = look.pool_of(row, *_wanted_machines(row))
            if pool is None:
                self._forget(look, row.id)
                return False
            kept = kept or ScalingRow(row.id, ScalingState())
            now = self._changes(look).after_operation(kept, look.now)
            seen = states.observed(now, pool, nodes, look.now)
            decision = decide(wish, jobs, nodes, pool, seen, look.now, self._delays)
            if not decision.quiet and not self._is_current(row):
                return False  # who changed it has looked, or the next sweep does
            return self._changes(look).do(kept, seen, decision, pool, nodes)
        except PoolRefusedError as error:
            kept = kept or ScalingRow(row.id, ScalingState())
            state = states.refused(kept.state, error.code, str(error), look.now)
            self._changes(look).keep(kept, replace(state, unseen=True, wanted=wish.nodes, lacking=wish.nodes))
            raise
        except PoolSilentError:
            kept = look.row(row.id) or kept
            alive = sum(1 for node in nodes if node.alive)
            # A cluster of which nobody has seen a pool may have none: it is news only where it has no node.
            if kept or (wish.nodes and not alive):
                kept = kept or ScalingRow(row.id, ScalingState())
                self._changes(look).keep(kept, states.silent(kept.state, wish.nodes, alive, look.now))
            raise
        except ThrottledError as error:
            self._left_alone_until = self._monotonic() + error.seconds
            raise

    def _rests(
        self,
        look: PoolLook,
        kept: ScalingRow,
        wish: Wish,
        nodes: Sequence[NodeView],
        jobs: Sequence[QueuedEntry],
    ) -> bool:
        """Whether nothing is to be done by what the cloud said last, and nothing is under way. What the nodes
        say is noted."""
        now, pool = look.now, kept.state.last_seen(str(kept.cluster))
        seen = states.observed(kept.state, pool, nodes, now)
        decision = decide(wish, jobs, nodes, pool, seen, now, self._delays)
        if not decision.quiet or seen.operation or (decision.lacking and not seen.is_paused(now)):
            return False
        self._changes(look).keep(
            kept, states.concluded(seen, decision.lacking, decision.leaving, wish.nodes, now)
        )
        return True

    def _is_current(self, row: ClusterRow) -> bool:
        """Whether a cluster still asks for what `row` says. A sweep reads all clusters first: by the time it
        comes to one, machines may have been asked for, or let go, by what it says since."""
        now = self._clusters.fresh(row.id)
        if now is None:
            return row.deleting
        return (now.properties, now.deleting) == (row.properties, row.deleting)

    def _changes(self, look: PoolLook) -> PoolChanges:
        assert self._pools is not None
        return PoolChanges(self._pools, self._scaling, self._nodes, look)

    def _give_back(self, look: PoolLook, kept: ScalingRow) -> None:
        """The machines of a cluster that is gone."""
        gone = ClusterRow(kept.cluster, "", look.now, deleting=True)
        nodes, _ = self._clusters.look_at(gone)
        self.turn(look, gone, nodes, ())
        left = look.row(kept.cluster)
        if left and not left.state.machines and not left.state.capacity and not nodes:
            self._forget(look, kept.cluster)

    def _forget(self, look: PoolLook, cluster: ClusterId) -> None:
        """A cluster has no pool any more."""
        if look.rows.pop(str(cluster).lower(), None):
            self._scaling.remove(cluster)

    def close(self) -> None:
        """Close the cloud's clients."""
        if self._pools:
            self._pools.close()


def _wanted_machines(row: ClusterRow) -> tuple[bool, str]:
    """(whether Spot machines, which VM size) the cluster's document asks for."""
    properties = json.loads(row.properties)
    return properties.get("vmPriority") == "lowpriority", str(properties.get("vmSize") or "")
