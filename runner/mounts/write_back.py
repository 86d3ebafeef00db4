"""Whether what was written at a mounted path has left this machine, asked of the kernel in bounded time.

For when every process that wrote is gone. A file is closed by then, as far as its process can know; the
program behind a FUSE mount may not know yet.
"""

import time
from collections.abc import Callable
from pathlib import Path

from runner.machine import mountinfo
from runner.machine.commands import find_program, run
from runner.machine.mountinfo import Mount
from runner.mounts.types import MountContext, UnmountError, Volume

#: What fusectl shows of each FUSE mount (Documentation/filesystems/fuse: control filesystem).
_CONNECTIONS = Path("/sys/fs/fuse/connections")
_FILESYSTEMS = Path("/proc/filesystems")
#: Not on a device of their own, and of this machine nevertheless.
_LOCAL = frozenset(("overlay", "tmpfs", "ramfs", "zfs"))
_REPORT_SECONDS = 10.0


def sync(volume: Volume, target: Path, timeout_seconds: float) -> None:
    """syncfs(2): what the kernel still holds of the file system at `target` is written, and an error of an
    earlier write that no process has heeded comes to light. Raises UnmountError."""
    result = run([find_program("sync") or "sync", "-f", str(target)], timeout_seconds=timeout_seconds)
    if not result.ok:
        raise not_arrived(volume, str(result))


def wait_for_answers(
    volume: Volume, mount: Mount, say: Callable[[str], None], timeout_seconds: float
) -> bool:
    """Wait until the program behind a FUSE mount has answered every request, the last close of every file
    among them. False where this machine does not say (fusectl is not mounted). Raises UnmountError."""
    begun = reported_at = time.monotonic()
    while left := requests(mount):
        now = time.monotonic()
        if now - begun > timeout_seconds:
            raise not_arrived(volume, f"{left} requests got no answer within {timeout_seconds:.0f} s")
        if now - reported_at > _REPORT_SECONDS:
            say(f"{volume}: waiting for the answer to {left} requests")
            reported_at = now
        time.sleep(0.01)
    return left is not None


def requests(mount: Mount) -> int | None:
    """How many requests the program behind a FUSE mount has not answered; None where nothing shows it."""
    try:
        return int((_CONNECTIONS / mount.device.rpartition(":")[2] / "waiting").read_text())
    except (OSError, ValueError):
        return None


def is_remote(mount: Mount) -> bool:
    """Whether what is written there has farther to go than to a disk or the memory of this machine."""
    kind = mount.fstype.partition(".")[0]
    on_devices = {line.strip() for line in _FILESYSTEMS.read_text().splitlines() if line.startswith("\t")}
    return kind not in _LOCAL and kind not in on_devices


def settle(volume: Volume, target: Path, context: MountContext, say: Callable[[str], None]) -> None:
    """Both of it for the mount that holds `target`, a path without links. Raises UnmountError."""
    mount = mountinfo.holding(target)
    if mount is None or not is_remote(mount):
        return
    sync(volume, target, context.timeout_seconds)
    if mount.is_fuse:
        # Its program may upload before it answers.
        wait_for_answers(volume, mount, say, context.upload_timeout_seconds)


def not_arrived(volume: Volume, why: str) -> UnmountError:
    """What is reported of a volume that lacks what was written to it, as far as is known."""
    return UnmountError(
        volume.code,
        f"not everything that was written to {volume} has reached it: {why}.",
        "Look there before you rely on the job's output.",
    )
