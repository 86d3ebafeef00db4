"""The end of a FUSE mount: unmount, see its program gone, judge by how that ended.

Facts (rclone 1.75, seen): where fusermount3 takes the mount away, lazily or not, the program ends with status
0; one that heeds a signal unmounts by itself and ends with 128 + n. One that was killed is still there, as a
dying process, when its mount already answers with errors: only its exit status shows it, once it is gone.
"""

from dataclasses import dataclass

from runner.machine.commands import kill_group, wait
from runner.mounts.drivers.fuse_process import FuseProcess
from runner.mounts.types import MountContext, UnmountError, Volume
from runner.mounts.unmounting import Undone, unmount


@dataclass(frozen=True)
class Ending:
    """How a mount that is gone has ended."""

    undone: Undone
    died: str  #: how its program ended without being asked to, "" where it did not
    words: str  #: the end of the program's log


def end(volume: Volume, process: FuseProcess, context: MountContext, gone_seconds: float) -> Ending:
    """Unmount and see the process end, for which it has `gone_seconds` before it is killed.

    Raises UnmountError where mount or process is still there.
    """
    before = process.ended()
    undone = unmount(process.target, context.say, context.timeout_seconds)
    status = wait(process.child, gone_seconds)
    stuck = False
    if status is None:
        context.say(f"{process.name} has not ended {gone_seconds:.0f} s after its unmount and is killed")
        stuck = not kill_group(process.child)
    if not undone.gone or stuck:
        raise UnmountError(
            volume.code,
            f"{volume} could not be unmounted from {process.target}: {undone}"
            f"{f'; {process.name} does not end' if stuck else ''}.",
            "Restart the machine.",
        )
    return Ending(undone, _death(before, undone, status), process.words())


def _death(before: int | None, undone: Undone, status: int | None) -> str:
    """`before`: its status before we unmounted; `status`: None where it was we who killed it."""
    if before is not None or not undone.found:
        return f"ended with status {before if before is not None else status} while the job ran"
    if status:
        return f"ended with status {status} in the last moments of the job, or when it was unmounted"
    return ""
