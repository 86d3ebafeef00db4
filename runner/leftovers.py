"""What jobs have left on the node: it must be gone before the next one."""

import logging

from runner import cage as cages
from runner import folders, log_places, mounts
from runner.cage import Cage
from runner.config import RunnerConfig
from runner.mounts import mountinfo

log = logging.getLogger(__name__)


def refuse(config: RunnerConfig, cage: Cage, *, temps: bool = False) -> None:
    """What the job before, whose cage this is, has left must be gone before another may run here.

    `temps`: those of jobs too, which else stay until the next one, and it must be seen that the next one's
    folders can be made. Raises FolderError.
    """
    if fault := config.isolation.fault:
        raise folders.FolderError(fault)
    cage.kill()
    if left := cage.inmates():
        raise folders.FolderError(f"left by an earlier job and not to be killed: {cages.describe(left)}")
    jobs = config.root / "jobs"
    if mountinfo.mounted_under(jobs):
        # What could not be unmounted when its job ended may be by now.
        mounts.sweep(jobs, log_places.mount_context(config, log.info, lambda error: None))
    folders.refuse_mounts(jobs)
    if folders.is_full(config.root):
        # Temps stay until the next job, but none would come any more.
        folders.clear(jobs)
    if folders.is_full(config.root):
        raise folders.FolderError(f"the disk of {config.root} is full")
    if temps:
        folders.try_out(config.root, config.isolation)
