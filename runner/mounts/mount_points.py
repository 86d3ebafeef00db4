"""Where a volume is mounted: the mount point, made inside the root without ever following a symbolic link."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from runner.machine import mountinfo
from runner.mounts.types import Volume
from shared.errors import MountError
from shared.names.paths import mount_path_fault, plain_parts


def prepare(volume: Volume, root: Path) -> Path:
    """Make the folders above the target, inside `root` (made too); return the target, which may be absent.

    Raises MountError for a path that leaves the root, also through a symbolic link.
    """
    relative = volume.relative_mount_path
    fault = mount_path_fault(relative)
    if fault:
        raise MountError(
            volume.code,
            f"relativeMountPath {relative[:200]!r} of {volume} is not allowed: it {fault}.",
            "Give a plain relative path such as 'data'.",
        )
    root.mkdir(parents=True, exist_ok=True)
    parts = plain_parts(relative)
    try:
        _make_folders(root, parts[:-1])
    except OSError as error:
        raise MountError(
            volume.code,
            f"the folder for {volume} cannot be made at {relative!r} under {root}: {error.strerror}.",
            "Another volume or a file of the same name is in the way; give every volume a path of its own.",
        ) from None
    return root.joinpath(*parts)


def _make_folders(root: Path, parts: Sequence[str]) -> None:
    """mkdir -p below root; O_NOFOLLOW at every step, so that no symbolic link leads out of it."""
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            try:
                os.mkdir(part, 0o755, dir_fd=here)
            except FileExistsError:
                pass
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)


def lies_inside(target: Path, root: Path) -> bool:
    """Whether the way from `root` to `target` is free of links. Looks at folders above it only: the volume
    itself may hang."""
    inner = target.relative_to(root)
    return target.parent.resolve() == root.resolve() / inner.parent


def make_mount_point(volume: Volume, target: Path) -> None:
    """An empty directory at `target`. Raises MountError where something is there, be it a dead mount."""
    found = mountinfo.mounted_at(target)
    if found is not None:
        raise MountError(
            volume.code,
            f"{target} already is a mount point ({found.fstype} from {found.source}).",
            "Either two volumes share one relativeMountPath, or an earlier run left it: unmount it.",
        )
    try:
        target.mkdir(mode=0o755, exist_ok=True)
        mode = target.lstat().st_mode
        empty = stat.S_ISDIR(mode) and not any(target.iterdir())
    except OSError:
        empty = False
    if not empty:
        raise MountError(
            volume.code,
            f"{target} is not an empty directory, so {volume} is not put there.",
            "Give every volume a relativeMountPath of its own.",
        )


def remove_mount_point(target: Path) -> None:
    """rmdir, nothing stronger: what is not empty may be somebody's data. Silent where that does not work."""
    if mountinfo.mounted_at(target) is None:
        try:
            target.rmdir()
        except OSError:
            pass
