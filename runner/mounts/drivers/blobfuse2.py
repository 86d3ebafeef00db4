"""blobfuse2, the successor of the blobfuse that Batch AI mounted containers with.

It asks for the container before it mounts, and a file is uploaded when it is closed, so there is little to
wait for at the end; what could not be uploaded is in its log. Runs in the foreground as our own child: its
end is seen, its process is known.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.machine import mountinfo
from runner.machine.commands import find_program
from runner.mounts import diagnosis, state_dirs
from runner.mounts.diagnosis import mount_error
from runner.mounts.drivers import blobfuse_config, blobfuse_options, fuse_process, fuse_unmount
from runner.mounts.drivers.blobfuse_log import UploadLog
from runner.mounts.drivers.fuse_process import FuseProcess
from runner.mounts.mount_points import make_mount_point, remove_mount_point
from runner.mounts.types import (
    BLOB_CONTAINER,
    MountContext,
    MountedVolume,
    UnmountError,
    Volume,
    listed,
)
from runner.mounts.unmounting import forced, unmount
from runner.mounts.write_back import not_arrived, settle
from runner.secrets.settings import without_settings
from shared.errors import MountError

NAME = "blobfuse2"
_GONE_SECONDS = 30.0


def available(volume: Volume, context: MountContext) -> str | None:
    """Whether FUSE and blobfuse2 are on this machine."""
    if volume.kind != BLOB_CONTAINER:
        return "it serves blob containers only"
    if find_program("blobfuse2") is None:
        return "blobfuse2 is not installed (scripts/install-blobfuse2)"
    return fuse_process.fuse_fault()


@contextmanager
def mount(volume: Volume, target: Path, context: MountContext) -> Iterator[MountedVolume]:
    """The container at `target`; leaving unmounts and sees the process end."""
    options = blobfuse_options.read(volume)
    for note in options.notes:
        context.say(note)
    diagnosis.check_service(volume)
    make_mount_point(volume, target)
    home = state_dirs.make(context.work, NAME, target)
    try:
        process = _start(volume, options, target, home, context)
    except BaseException:
        state_dirs.remove(home)
        remove_mount_point(target)
        raise
    uploads = UploadLog(process.log)
    try:
        yield MountedVolume(volume, target, NAME, lambda say: _settle(volume, process, uploads, context, say))
    finally:
        _undo(volume, process, home, context)


def _start(
    volume: Volume,
    options: blobfuse_options.BlobfuseOptions,
    target: Path,
    home: Path,
    context: MountContext,
) -> FuseProcess:
    config = home / "config.yaml"
    config.touch(mode=0o600)
    config.write_text(
        blobfuse_config.config_text(volume, options, context, home, fuse_process.may_allow_others())
    )
    command = [
        find_program("blobfuse2") or "blobfuse2", "mount", str(target), f"--config-file={config}",
        "--disable-version-check=true",
    ]  # fmt: skip
    environment = without_settings(os.environ) | dict(blobfuse_config.secret_environment(volume))
    try:
        process = fuse_process.start(command, environment, target, home / "blobfuse2.log", volume.secrets)
    except OSError as error:
        raise MountError(volume.code, f"blobfuse2 could not be started: {error}.") from None
    try:
        fault = fuse_process.wait_until_mounted(process, context.timeout_seconds)
        if fault:
            message = f"blobfuse2 could not mount {volume} ({volume.service_url}): {fault}"
            raise mount_error(volume, message, fault, port=443)
    except BaseException:
        unmount(target, context.say, context.timeout_seconds)
        fuse_process.wait_until_gone(process, 5.0)
        raise
    return process


def _settle(
    volume: Volume,
    process: FuseProcess,
    uploads: UploadLog,
    context: MountContext,
    say: Callable[[str], None],
) -> None:
    """An upload is over when its file is closed; blobfuse2 may hear of that a moment after the job's end.
    Raises UnmountError."""
    settle(volume, mountinfo.real(process.target), context, say)
    if suspected := uploads.suspected():
        raise not_arrived(volume, f"{listed(suspected)} could not be uploaded")


def _undo(volume: Volume, process: FuseProcess, home: Path, context: MountContext) -> None:
    """Raises UnmountError where it is still there, or where blobfuse2 had died under the job, or could not
    upload everything."""
    ending = fuse_unmount.end(volume, process, context, _GONE_SECONDS)
    lost = UploadLog(process.log).lost()
    state_dirs.remove(home)
    remove_mount_point(process.target)
    if ending.died:
        raise UnmountError(
            volume.code,
            f"blobfuse2, which served {volume}, {ending.died}: {ending.words}",
            "Files that the job had closed before are in the container, others are not.",
        )
    if lost:
        raise UnmountError(
            volume.code,
            f"{len(lost)} files did not reach {volume}: {listed(lost)}. {ending.words}",
            "The program that wrote them got an error when it closed them.",
        )
    if ending.undone.forced:
        raise forced(volume, process.target, ending.undone)
