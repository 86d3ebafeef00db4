"""What jobs have left on the node: it must be gone before the next one."""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from runner.isolation import job_folders, kernel_objects
from runner.isolation.node_config import NodeConfig
from runner.isolation.setup import SHARED_PLACES, needed_by_jobs
from runner.logs import routing
from runner.machine import mountinfo
from runner.machine.commands import run
from runner.mounts import mount
from runner.processes import process_table
from runner.processes.process_tracker import ProcessTracker
from runner.secrets.settings import for_others
from shared.environment.layout import job_temp_root

log = logging.getLogger(__name__)

_SECONDS = 30.0


def forget(config: NodeConfig) -> None:
    """Remove what a job can leave outside its own folders, where its user is a job's alone: kernel objects,
    keys, files in the temp folders of the machine. Before a job and after it, when its processes are gone.

    Raises FolderError.
    """
    user = config.isolation.user
    if not user.exclusive:
        return
    words = [sys.executable, "-I", "-S", kernel_objects.__file__, "clear", str(user.uid), str(user.gid)]
    done = run(words, timeout_seconds=_SECONDS, environment=for_others())
    if not done.ok:
        raise job_folders.FolderError(
            f"left in the kernel by a job of {user.name} and not to be removed: {done}"
        )
    if not config.isolation.private_temp:
        needed = needed_by_jobs(config)
        for entry in _of_user(user.uid):
            if not any(path.is_relative_to(entry) for path in needed):
                job_folders.clear(entry)


def _of_user(uid: int) -> Iterator[Path]:
    """What belongs to the user right in the machine's temp folders, where nobody else can take it away."""
    for place in SHARED_PLACES:
        try:
            with os.scandir(place) as entries:
                names = [entry.path for entry in entries if entry.stat(follow_symlinks=False).st_uid == uid]
        except OSError:
            continue  # no such place, or what lay there went meanwhile: it is looked at again
        yield from map(Path, names)


def clear(config: NodeConfig, tracker: ProcessTracker, *, temps: bool = False) -> None:
    """What the job before, whose process tracker this is, has left must be gone before another may run here.

    `temps`: those of jobs too, which else stay until the next one, and it must be seen that the next one's
    folders can be made. Raises FolderError.
    """
    if fault := config.isolation.fault:
        raise job_folders.FolderError(fault)
    if left := tracker.kill()[1]:
        raise job_folders.FolderError(
            f"left by an earlier job and not to be killed: {process_table.describe(left)}"
        )
    jobs = Path(job_temp_root(str(config.root)))
    if mountinfo.mounted_under(jobs):
        # What could not be unmounted when its job ended may be by now.
        mount.sweep(jobs, routing.mount_context(config, log.info, lambda error: None))
    job_folders.refuse_mounts(jobs)
    if job_folders.is_full(config.root):
        # Temps stay until the next job, but none would come any more.
        job_folders.clear(jobs)
    if job_folders.is_full(config.root):
        raise job_folders.FolderError(f"the disk of {config.root} is full")
    if temps:
        forget(config)
        job_folders.try_out(config.root, config.isolation)
