"""A mount of the node that is to be seen in a container which was started before it.

Where the node's mounts are shared they appear inside by themselves. Where they are not, the kernel is asked
for a copy of the mount and puts it there (`mount_copy`; Linux 5.2 and later).
"""

import sys
from pathlib import Path

from runner.machine import mountinfo
from runner.machine.commands import run
from runner.ssh.access import SshError
from runner.ssh.mount_copy import SCRIPT

_SECONDS = 10.0


def show_inside(pid: int | None, target: Path) -> None:
    """Make what is mounted at `target` appear there in the mount namespace of `pid`. Raises SshError."""
    if pid is None or mountinfo.mounted_in(pid, target):
        return
    done = run([sys.executable, "-I", str(SCRIPT), str(pid), str(target)], timeout_seconds=_SECONDS)
    if not done.ok:
        raise SshError(f"the job's shared folder cannot be shown in its container: {done.output}")
