"""What happened to a job, in order: a closed list of events, kept short enough for the job's row. PURE.

Times are those of the machine where a thing happened (function app or runner); they are for people to read
and are never compared to decide anything.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.jobs.open_enums import OpenStrEnum
from shared.names.table_limits import escaped


class EventKind(OpenStrEnum):
    """Closed list; the words are shown to people and matched by programs."""

    NODE_STARTED = "NodeStarted"  #: the job's node came up (or its runner), while the job waited
    NODE_READY = "NodeReady"  #: the cluster's volumes are there and its setup task has run: it takes jobs
    CLAIMED = "Claimed"  #: a runner has it
    ASSEMBLED = "Assembled"  #: every node of a job of several is there; detail: which
    NODE_BEGAN = "NodeBegan"  #: another node of a job of several begins its part; the first one's is Claimed
    MOUNTED = "Mounted"  #: its volumes are there
    IMAGE_READY = "ImageReady"  #: its image is there; detail: which
    CONTAINER_STARTED = "ContainerStarted"  #: its container runs
    PREPARATION_STARTED = "PreparationStarted"  #: jobPreparation runs
    PREPARED = "Prepared"  #: jobPreparation ended well
    STARTED = "Started"  #: its processes run
    STOPPED = "Stopped"  #: its processes have ended
    GPUS_IDLE = "GpusIdle"  #: the node's GPUs did nothing for as long as its cluster allows; detail: how long
    VOLUME_FAULT = "VolumeFault"  #: a volume is still there, or lacks what was written to it; detail: what
    UPLOADED = "Uploaded"  #: volumes unmounted, logs sealed
    TERMINATION_REQUESTED = "TerminationRequested"  #: detail: who asked, where that is known
    RUNNER_LOST = "RunnerLost"  #: the lease ran out; detail: how much of its logs is known
    HANDED_BACK = "HandedBack"  #: the runner stopped or was about to lose its machine
    RETRY_SCHEDULED = "RetryScheduled"  #: a fault that is not the user's
    MESSAGE_SENT_AGAIN = "MessageSentAgain"  #: the sweeper replaced a lost message
    ENDED = "Ended"  #: detail: the reason


@dataclass(frozen=True)
class JobEvent:
    """One line of a job's history. `attempt` 0: before the first."""

    at: datetime  #: UTC
    kind: EventKind
    attempt: int = 0
    node: str = ""
    detail: str = ""


#: With the next two this fits its column (`columns.MOST_EVENTS`).
MOST_EVENTS = 60
_FIRST_KEPT = 10
_MOST_DETAIL, _MOST_NODE = 200, 80  #: UTF-16 units as JSON writes them


def appended(events: tuple[JobEvent, ...], *more: JobEvent) -> tuple[JobEvent, ...]:
    """`events` and those of `more` that are not among them, details cut; of a long history the first ones
    and the latest are kept. A runner reports its attempt with every renewal, and once more at the end."""
    cut = (
        replace(event, node=escaped(event.node, _MOST_NODE), detail=escaped(event.detail, _MOST_DETAIL))
        for event in more
    )
    known = {_identity(event) for event in events}
    found = (*events, *(event for event in cut if _identity(event) not in known))
    if len(found) <= MOST_EVENTS:
        return found
    return (*found[:_FIRST_KEPT], *found[len(found) - MOST_EVENTS + _FIRST_KEPT :])


def _identity(event: JobEvent) -> tuple[datetime, str, int, str]:
    # Without its detail, which a row may hold shortened.
    return event.at, str(event.kind), event.attempt, event.node
