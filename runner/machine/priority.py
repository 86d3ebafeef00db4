"""Who comes first where processors are busy: the runner, whose lease must be renewed, then its jobs."""

import os
from pathlib import Path

#: Of a runner that may (root, as a rule), and how far below where it was started its jobs are (nice(1)).
_RAISED, _JOBS_BELOW = 10, 5
_raised_by = 0


def raise_own() -> None:
    """Put this process before others, with what it starts from now on; nothing happens where it may not.

    For the start of a runner, before its first thread. Where the kernel weighs sessions against each other
    (sched(7): autogroup) that of this process is raised too, or its own priority would count inside only.
    """
    global _raised_by
    before = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = max(-20, before - _RAISED)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, wanted)
    except PermissionError:
        return
    _raised_by = before - wanted
    try:
        Path("/proc/self/autogroup").write_text(str(wanted))
    except OSError:
        return  # a kernel without


def below_runner() -> int:
    """How much nicer than this process a job must be."""
    return _JOBS_BELOW + _raised_by
