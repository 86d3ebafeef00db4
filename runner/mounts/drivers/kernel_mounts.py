"""What the drivers that use `mount` (cifs, nfs, unmanaged) have in common: run it, check it, undo it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runner.machine import mountinfo
from runner.machine.commands import find_program, run
from runner.machine.mountinfo import real
from runner.mounts.diagnosis import mount_error
from runner.mounts.mount_points import make_mount_point, remove_mount_point
from runner.mounts.types import MountContext, MountedVolume, UnmountError, Volume
from runner.mounts.unmounting import forced, unmount
from runner.mounts.write_back import settle
from shared.errors import MountError


def fault(filesystem: str, helper: str, package: str) -> str | None:
    """Why this machine cannot mount a file system by kernel driver, or None."""
    if os.geteuid() != 0:
        return "the runner is not root"
    if find_program(helper) is None:
        return f"{helper} is not installed (apt-get install {package})"
    if not kernel_knows(filesystem):
        return f"this kernel has no {filesystem}"
    return None


def kernel_knows(filesystem: str) -> bool:
    """Whether the driver is loaded, built in, or there as a module."""
    loaded = Path("/proc/filesystems").read_text().split()
    if filesystem in loaded:
        return True
    modules = Path("/lib/modules") / os.uname().release
    built_in = modules / "modules.builtin"
    try:
        if f"/{filesystem}.ko" in built_in.read_text():
            return True
    except OSError:
        pass
    return any((modules / "kernel" / "fs").glob(f"**/{filesystem}.ko*"))


@contextmanager
def mounted(
    volume: Volume,
    target: Path,
    context: MountContext,
    *,
    driver: str,
    command: Sequence[str],
    port: int,
) -> Iterator[MountedVolume]:
    """Run `command`, which mounts at `target`; check that it did; undo on leaving.

    `port` is for the hint. Raises MountError with the tool's words, or UnmountError on leaving.
    """
    make_mount_point(volume, target)
    try:
        _mount(volume, target, context, command, port)
    except BaseException:
        unmount(target, context.say, context.timeout_seconds)
        remove_mount_point(target)
        raise
    try:
        yield MountedVolume(volume, target, driver, lambda say: settle(volume, real(target), context, say))
    finally:
        try:
            # unmount(8) writes what is left as well, and reports to nobody that it could not.
            settle(volume, real(target), context, context.say)
        finally:
            _undo(volume, target, context)


def _mount(volume: Volume, target: Path, context: MountContext, command: Sequence[str], port: int) -> None:
    result = run(command, timeout_seconds=context.timeout_seconds, secrets=volume.secrets)
    if not result.ok:
        raise mount_error(volume, f"{volume} could not be mounted: {result}.", str(result), port)
    found = mountinfo.mounted_at(target)
    if found is None:
        raise MountError(volume.code, f"{result} for {volume}, but nothing is mounted at {target}.")
    _protect(volume, target, context, found)


def _protect(volume: Volume, target: Path, context: MountContext, found: mountinfo.Mount) -> None:
    """nosuid and nodev, whatever the command or the file system's own helper made of them."""
    if {"nosuid", "nodev"} <= set(found.options):
        return
    options = ",".join(("remount", "bind", "nosuid", "nodev", *(o for o in found.options if o == "ro")))
    mount = find_program("mount") or "mount"
    result = run([mount, "-o", options, str(target)], timeout_seconds=context.timeout_seconds)
    if not result.ok:
        raise MountError(
            volume.code, f"{volume} could not be mounted without set-user-id programs: {result}."
        )


def _undo(volume: Volume, target: Path, context: MountContext) -> None:
    undone = unmount(target, context.say, context.timeout_seconds)
    if not undone.gone:
        raise UnmountError(
            volume.code, f"{volume} could not be unmounted from {target}: {undone}.", "Restart the machine."
        )
    remove_mount_point(target)
    if undone.forced:
        raise forced(volume, target, undone)
