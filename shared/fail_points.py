"""Places where a test makes a runner die or stall, around each step of docs/explanation/protocol.md.

A runner that is started with BATCHAI_FAIL_POINT=<point>:<how>[:<file>] gets there and: kill (SIGKILL),
stop (SIGSTOP) or fault (an exception). With a file it happens only to the process that manages to create it:
once among runners that share the setting. Unset, as always outside tests, a point costs one comparison.
"""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

POINTS = (
    "received",  # the message is ours, the row is still queued
    "claimed",  # the row is ours, and with it the lease; nothing has been done yet
    "mounted",  # volumes are there, no process yet
    "started",  # processes run
    "stopped",  # processes have ended, volumes are still there
    "unmounted",  # volumes are gone, logs not yet sealed
    "sealed",  # everything is uploaded, the row still says running
    "ended",  # the row has ended, status.json does not say so
    "reported",  # status.json is written, the message is still there
    "deleted",  # the message is gone
)

#: Further points of a job of several nodes, on the node that is named.
GANG_POINTS = (
    "opened",  # leader: the gang's row and its own are written, nobody has been asked yet
    "hinted",  # leader: the hints are sent
    "joined",  # helper: its seat is taken
    "assembled",  # leader: the gang's row says so, the job's row is still queued
    "gang_running",  # leader: the job's row says running, nobody prepares yet
    "prepared",  # any: its preparation has ended, the others do not know
    "launching",  # leader: every node may start its processes
    "done",  # any: its own processes have ended well, the others do not know
    "ending",  # leader: every node has been asked to stop
    "part_reported",  # helper: its report is written, it has not yet left
    "disbanded",  # leader: the job's row has ended, the gang's rows are gone
)

_wanted = ""


class FailPointError(RuntimeError):
    """The fault that a test asked for."""


def prepare(env: Mapping[str, str]) -> None:
    """Read what a test asks for. Raises ValueError when it asks for a point that there is not."""
    global _wanted
    _wanted = env.get("BATCHAI_FAIL_POINT", "")
    points = POINTS + GANG_POINTS
    if _wanted and _wanted.partition(":")[0] not in points:
        raise ValueError(f"BATCHAI_FAIL_POINT: '{_wanted}' is none of {', '.join(points)}")


def reach(point: str) -> None:
    """Die, stall or fail here if a test asked for it."""
    if _wanted:
        _reach(point)


def _reach(point: str) -> None:
    wanted, _, rest = _wanted.partition(":")
    how, _, once = rest.partition(":")
    if wanted != point or not _first(once):
        return
    if how == "fault":
        raise FailPointError(f"fail point {point}")
    os.kill(os.getpid(), signal.SIGSTOP if how == "stop" else signal.SIGKILL)


def _first(once: str) -> bool:
    if not once:
        return True
    try:
        Path(once).open("x").close()
    except FileExistsError:
        return False
    return True
