"""What a job that waits says of its cluster's pool. PURE."""

from datetime import datetime

from shared.jobs.growth import Growth
from shared.scaling.fleet import ScalingDelays
from shared.scaling.state import ScalingState

#: Of the time that a machine has to become a node: after so much of it people are asked to look.
_LATE = 0.5


def growth_of(state: ScalingState, now: datetime, delays: ScalingDelays, group: str) -> Growth:
    """How the pool stands, by what was seen of it last."""
    waited = [
        ((now - machine.waits_since()).total_seconds(), machine.name)
        for machine in state.machines
        if not machine.ready or machine.gone
    ]
    asked = (now - state.asked_at).total_seconds() if state.asked_at else 0.0
    seconds, late = max(waited, default=(asked, ""))
    refusal, is_late = state.refusal, late and seconds >= _LATE * delays.node_start_seconds
    return Growth(
        wanted=state.wanted,
        lacking=state.lacking,
        asked_seconds=seconds,
        usual_seconds=state.usual_seconds,
        usual_of=len(state.starts),
        refused=refusal.message if refusal else "",
        code=refusal.code if refusal else "",
        retry_at=state.retry_at if refusal else None,
        silent=state.silent,
        late=late if is_late else "",
        late_seconds=seconds,
        replaced_seconds=delays.node_start_seconds,
        group=group,
    )
