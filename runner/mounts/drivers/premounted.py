"""A share whose directory already is on this machine: a symbolic link, no mount, no privilege needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.mounts import state_dirs
from runner.mounts.state_dirs import Left
from runner.mounts.types import FILE_SHARE, MountContext, MountedVolume, UnmountError, Volume
from runner.mounts.write_back import settle
from shared.errors import MountError

NAME = "premounted"


def available(volume: Volume, context: MountContext) -> str | None:
    """Whether the settings name a local directory for the share."""
    if volume.kind != FILE_SHARE:
        return "it serves file shares only"
    if _key(volume) not in context.premounted:
        return f"no local directory is configured for {_key(volume)}"
    return None


@contextmanager
def mount(volume: Volume, target: Path, context: MountContext) -> Iterator[MountedVolume]:
    """`target` as a symbolic link to the directory; the link is removed afterwards, never its destination."""
    directory = context.premounted[_key(volume)]
    if not directory.is_dir():
        raise MountError(
            volume.code,
            f"{volume} should be at {directory} on this machine, but there is no such directory.",
            "Create the share, check its name, or correct the runner's setting for premounted shares.",
        )
    source = directory.resolve()
    if not _may_write(source, context):
        words = "outputDirectories are its own, everything else there can only be read"
        context.say(f"{volume}: the job's user may not write to {directory}: {words}")
    home = state_dirs.make(context.work, NAME, target)
    try:
        _link(volume, target, source)
        try:
            yield MountedVolume(volume, target, NAME, lambda say: settle(volume, source, context, say))
        finally:
            try:
                settle(volume, source, context, context.say)
            finally:
                _unlink(volume, target, source)
    finally:
        state_dirs.remove(home)


def remove_left(left: Left) -> str | None:
    """Remove the link that a killed runner left, never its destination; says so. None: there is none."""
    if not left.target.is_symlink():
        return None
    left.target.unlink()
    return f"removed the link {left.target}"


def _may_write(directory: Path, context: MountContext) -> bool:
    """By its mode; what a file system makes of that is its own affair."""
    if context.user_id is None:
        return True
    found = directory.stat()
    bits = 0o002
    bits |= 0o200 if found.st_uid == context.user_id else 0
    bits |= 0o020 if found.st_gid == context.group_id else 0
    return bool(found.st_mode & bits)


def _key(volume: Volume) -> str:
    return f"{volume.account}/{volume.share}"


def _link(volume: Volume, target: Path, source: Path) -> None:
    if target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
        target.rmdir()  # an empty mount point that an earlier run left
    try:
        target.symlink_to(source, target_is_directory=True)
    except FileExistsError:
        raise MountError(
            volume.code,
            f"{target} already exists, so {volume} is not put there.",
            "Give every volume a relativeMountPath of its own.",
        ) from None


def _unlink(volume: Volume, target: Path, source: Path) -> None:
    """Remove the link if it still is the one we made. The job may have put something else in its place."""
    if not target.is_symlink():
        if target.exists():
            raise UnmountError(
                volume.code,
                f"{target} was a link to {source}; the job replaced it by something else.",
                "What is there now did not reach the share; it is left where it is.",
            )
        return
    if target.readlink() != source:
        raise UnmountError(volume.code, f"{target} was changed by the job: it no longer points to {source}.")
    target.unlink()
