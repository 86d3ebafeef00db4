"""Carrying out what was decided for one cluster's machines. Used by the Scaler alone.

Order: the row that says what is asked for, the cloud's capacity, marks on nodes, deletions, rows of machines
that are gone, and the row again with what the cloud said. A crash after any of them leaves what the next look
decides anew.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.errors import ConflictError, LostOwnershipError, PoolRefusedError, StoreError
from shared.jobs.waiting_reason import DELETED, NodeView
from shared.managers.node_reports import NodeReports
from shared.managers.pool_look import PoolLook
from shared.scaling import state as states
from shared.scaling.decision import Decision
from shared.scaling.pools import Pool, Pools, Progress
from shared.scaling.state import ScalingState
from shared.stores.scaling_table import ScalingRow, ScalingTable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PoolChanges:
    """Made for one look."""

    pools: Pools
    scaling: ScalingTable
    nodes: NodeReports
    look: PoolLook

    def after_operation(self, kept: ScalingRow, now: datetime) -> ScalingState:
        """What is kept, with what has become of the growth that was asked for last."""
        state = kept.state
        if not state.operation:
            return state
        operation = self.pools.operation(state.operation)
        if operation.progress is Progress.FAILED:
            return states.refused(state, operation.code, operation.message, now)
        return state if operation.progress is Progress.RUNNING else replace(state, operation="")

    def do(
        self, kept: ScalingRow, state: ScalingState, decision: Decision, pool: Pool, nodes: Sequence[NodeView]
    ) -> bool:
        """Do it; whether there was anything to do. Raises StoreError, ThrottledError."""
        if decision.quiet:
            self._conclude(kept, state, decision)
            return False
        extra = {"action": "scale", "cluster": str(kept.cluster), "pool": pool.name}
        log.info("%s: %s", kept.cluster, decision.sentence, extra=extra)
        state = replace(state, sentence=decision.sentence)
        if decision.capacity is not None or decision.drain:
            state = self._intent(state, decision)
            row = self._put(replace(kept, state=state))
            if row is None:
                return False  # another look is at it
            kept = row
        try:
            if decision.capacity is not None:
                state = self._ask(state, pool, decision.capacity)
            for node_id in decision.drain:
                self.nodes.release(kept.cluster, node_id)
            self._delete(kept, decision.delete, pool, nodes)
            for node in nodes:
                if node.node_id in decision.forget:
                    self.nodes.forget_gone(kept.cluster, node)
        finally:
            self._conclude(kept, state, decision)
        return True

    def keep(self, kept: ScalingRow, state: ScalingState) -> None:
        """Write what has changed of what is kept; who was faster has seen at least as much."""
        if state == kept.state and kept.etag:
            return
        self._put(replace(kept, state=state))

    def _conclude(self, kept: ScalingRow, state: ScalingState, decision: Decision) -> None:
        now = self.look.now
        after = states.concluded(state, decision.lacking, decision.leaving, decision.wanted, now)
        self.keep(kept, after)

    def _intent(self, state: ScalingState, decision: Decision) -> ScalingState:
        now = self.look.now
        if decision.capacity is not None:
            state = states.asked(state, decision.capacity, now)
        if decision.faulty:
            state = replace(state, replaced=(*state.replaced, now))
        return replace(state, stuck=decision.stuck or state.stuck)

    def _put(self, row: ScalingRow) -> ScalingRow | None:
        try:
            written = self.scaling.put(row)
        except (LostOwnershipError, ConflictError):
            return None
        self.look.rows[row.key] = written
        return written

    def _ask(self, state: ScalingState, pool: Pool, capacity: int) -> ScalingState:
        try:
            return states.accepted(state, self.pools.set_capacity(pool, capacity))
        except PoolRefusedError as error:
            log.warning("no machines: %s", error, extra={"action": "scale_refused", "pool": pool.name})
            return states.refused(state, error.code, str(error), self.look.now)
        except LostOwnershipError:
            return replace(state, asked=None)  # the next look asks for what is right then

    def _delete(self, kept: ScalingRow, names: Sequence[str], pool: Pool, nodes: Sequence[NodeView]) -> None:
        """Delete machines whose nodes' rows are as they were read when it was decided."""
        of_names = {node.node_id: node for node in nodes}
        certain = []
        for name in names:
            node = of_names[name]
            if node.release == DELETED or self.nodes.decide_deletion(kept.cluster, node):
                certain.append(name)
        if not certain:
            return
        try:
            self.pools.delete(pool, certain)
        except PoolRefusedError as error:
            raise StoreError(f"machines of {pool.name} were not deleted: {error.code} {error}") from error
