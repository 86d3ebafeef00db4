"""A node as people are shown it. PURE."""

from dataclasses import dataclass
from datetime import datetime

from shared.jobs.waiting_reason import NodeView


@dataclass(frozen=True)
class KnownNode:
    """What is known of a node, or of a machine that is none yet."""

    view: NodeView
    address: str = ""
    version: str = ""  #: of its runner
    drain: bool = False  #: marked to leave
    gpu_readings: str = ""  #: how busy its GPUs were at its last report: a JSON list; "": not reported
    heard: datetime | None = None  #: its last report, by the storage service's clock
