"""The folders of a job on its node: made before, removed after, never through a mount."""

import os
import shutil
from pathlib import Path

from runner.mounts import mountinfo
from runner.mounts.commands import run
from shared.errors import BatchAIError
from shared.layout import NodeLayout

_OUTPUT_SECONDS = 30.0
_NEXT_TO_NOTHING = 64 * 1024  # bytes


class FolderError(BatchAIError):
    """A folder of the node could not be made or cleared."""


def make(layout: NodeLayout) -> None:
    """Clear what earlier jobs left in the temp root and make the folders of this one. Raises FolderError.

    The original wiped the temps of all jobs when a node started a new one.
    """
    try:
        clear(Path(layout.job_temp_root))
        for folder in (
            layout.job_mount_root,
            layout.shared_job_temp,
            layout.working_directory,
            layout.mount_root,
        ):
            Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"the node's folder {layout.root} cannot be prepared: {error}") from error


def make_output(folder: str) -> None:
    """Make an output directory. Raises FolderError.

    In a child with a time limit: it may lie on a volume whose server hangs.
    """
    result = run(["mkdir", "-p", "--", folder], timeout_seconds=_OUTPUT_SECONDS)
    if not result.ok:
        raise FolderError(f"the output directory cannot be made: {result}")


def clear(root: Path) -> None:
    """Remove a folder of temps. Raises FolderError while anything is mounted below it: the data of a volume
    would be deleted otherwise."""
    refuse_mounts(root)
    # rmtree unlinks symbolic links and does not follow them.
    if root.exists():
        shutil.rmtree(root)


def is_full(root: Path) -> bool:
    """Whether next to nothing can be written on the disk that holds `root`."""
    try:
        disk = os.statvfs(root)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _NEXT_TO_NOTHING


def refuse_mounts(root: Path) -> None:
    """Raises FolderError while anything is mounted at or below `root`."""
    # Read from the kernel's table: asking a dead mount would hang or lie.
    if mounted := mountinfo.mounted_under(root):
        raise FolderError(f"still mounted below {root}: {', '.join(mount.target for mount in mounted)}")
