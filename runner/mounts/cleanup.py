"""What a killed runner left behind: found in mountinfo and in the drivers' own notes, undone, reported."""

from pathlib import Path

from runner.machine import mountinfo, tree_removal
from runner.mounts import state_dirs
from runner.mounts.drivers import rclone_process
from runner.mounts.registry import LEFT_BEHIND
from runner.mounts.state_dirs import Left
from runner.mounts.types import MountContext
from runner.mounts.unmounting import unmount


def sweep(root: Path, context: MountContext) -> tuple[str, ...]:
    """Undo every mount, link and copy left below `root`; what was done, in order. Never raises for a failure.

    For the start of a runner: no job may run below `root`. An rclone that outlived its runner finishes its
    uploads first. A copied container's changes are dropped: the next attempt begins from the container.
    """
    left = state_dirs.left_behind(context.work, root)
    done = [line for one in left if (line := _finish_uploads(one, context))]
    for mount in mountinfo.mounted_under(root):
        target = Path(mount.target)
        undone = unmount(target, context.say, context.timeout_seconds)
        verdict = "unmounted" if undone.gone else "COULD NOT unmount"
        done.append(f"{verdict} {mount.fstype} at {target}: {undone}")
    done += [line for one in left if (line := _tidy(one))]
    for line in done:
        context.say(f"left by an earlier run: {line}")
    return tuple(done)


def _finish_uploads(left: Left, context: MountContext) -> str | None:
    if left.socket is None or mountinfo.mounted_at(left.target) is None:
        return None
    fault = rclone_process.wait_for_uploads(
        left.socket, context.say, context.upload_timeout_seconds, context.timeout_seconds
    )
    return f"rclone at {left.target}: {fault or 'all uploads done'}"


def _tidy(left: Left) -> str | None:
    """Remove the driver's files, unless something is still mounted there."""
    if mountinfo.mounted_under(left.target):
        return None
    line = None
    lost = rclone_process.dirty(left.home / "cache")
    if lost:
        line = f"{left.target}: {len(lost)} files were never uploaded: {', '.join(lost[:5])}"
    if (remove := LEFT_BEHIND.get(left.driver)) and (removed := remove(left)):
        line = removed
    if left.socket is not None and left.socket.parent != left.home:
        tree_removal.discard(left.socket.parent)
    state_dirs.remove(left.home)
    return line
