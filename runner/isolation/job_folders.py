"""The folders of a job on its node: made before, removed after, never through a mount."""

import json
import os
import stat
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from runner.isolation import kept_folders
from runner.isolation.isolation import NOT_ISOLATED, Isolation
from runner.isolation.job_user import JobUser
from runner.isolation.path_writer import SCRIPT
from runner.machine import mountinfo, tree_removal
from runner.machine.commands import run
from runner.machine.trusted_path import TrustedPath
from shared.environment.layout import NodeLayout, job_temp_root
from shared.errors import BatchAIError
from shared.names.ids import JobId

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PRIVATE = 0o700
_OUTPUT_SECONDS = 30.0
_NO_JOB = JobId("probe", "probe", "probe")
_NEXT_TO_NOTHING = 64 * 1024  # bytes


class FolderError(BatchAIError):
    """A folder of the node could not be made or cleared."""


@contextmanager
def _as_our_error(words: str) -> Iterator[None]:
    """Whatever fails inside is the node's fault, also what nobody has thought of."""
    try:
        yield
    except FolderError:
        raise
    except Exception as error:
        kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
        raise FolderError(f"{words}: {kind}{error}") from error


def make(layout: NodeLayout, isolation: Isolation = NOT_ISOLATED, kept: str = "") -> None:
    """Clear what earlier jobs left in the temp root and make the folders of this one. `kept`: a folder below
    its mount root that it will have, too, or "". Raises FolderError.

    The original wiped the temps of all jobs when a node started a new one.
    """
    user = isolation.user
    with _as_our_error(f"the node's folder {layout.root} cannot be prepared"):
        _clear_for(layout, user, kept)
        Path(layout.mount_root).mkdir(parents=True, exist_ok=True)
        empty_temps(layout, isolation)
        Path(layout.job_temp).mkdir(parents=True, exist_ok=True)
        for folder in (layout.job_temp, layout.job_mount_root):
            _make_common(Path(folder), user)
        for folder in (layout.shared_job_temp, layout.working_directory):
            _make_private(Path(folder), user)


def _clear_for(layout: NodeLayout, user: JobUser, kept: str) -> None:
    root = Path(layout.job_temp_root)
    refuse_mounts(root)
    if kept and user.is_own:
        try:
            kept_folders.keep(root, kept)
            return
        except OSError:
            pass  # made so that it can be removed
    clear(root)


def try_out(root: Path, isolation: Isolation) -> None:
    """Clear the temps of all jobs, make the folders of one, and clear these. Raises FolderError: then no job
    could begin here."""
    make(NodeLayout(str(root), _NO_JOB), isolation)
    clear(Path(job_temp_root(str(root))))


def _make_common(folder: Path, user: JobUser) -> None:
    """A folder in which the job can make what it likes, but cannot put anything in the place of what the
    runner has made there: only whoever owns an entry of a sticky folder, or the folder, may rename or remove
    it."""
    folder.mkdir(exist_ok=True)
    if user.is_own:
        folder.chmod(0o700)
    else:
        os.chown(folder, -1, user.gid)
        folder.chmod(0o1770)


def make_anew(folder: Path) -> None:
    """An empty folder for the runner alone. Raises FolderError."""
    with _as_our_error(f"{folder} cannot be made"):
        tree_removal.remove(folder)
        folder.mkdir(parents=True, mode=0o700)


def _make_private(folder: Path, user: JobUser) -> None:
    folder.mkdir(mode=_PRIVATE)
    user.give(folder)


def empty_temps(layout: NodeLayout, isolation: Isolation) -> None:
    """The folders of a job that no other job may see anything of, empty: before it and after it.

    Raises FolderError.
    """
    user = isolation.user
    for folder in _temps(layout, isolation):
        if user.is_own and _is_untouched(folder):
            continue
        clear(folder)
        with _as_our_error(f"{folder} cannot be made"):
            _make_private(folder, user)


def _is_untouched(folder: Path) -> bool:
    """Whether a folder is as `_make_private` has made it for this process's own user, with nothing in it."""
    try:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) != _PRIVATE:
            return False
        if found.st_uid != os.geteuid():
            return False
        with os.scandir(folder) as entries:
            return next(entries, None) is None and not mountinfo.mounted_under(folder)
    except OSError:
        return False


def _temps(layout: NodeLayout, isolation: Isolation) -> Iterator[Path]:
    yield Path(layout.temp)
    yield from (Path(folder) for folder, _ in covers(layout, isolation))
    if isolation.user.exclusive:
        yield Path(isolation.user.home)


def covers(layout: NodeLayout, isolation: Isolation) -> tuple[tuple[str, str], ...]:
    """(folder, the place of the machine that the job sees it at)."""
    if not isolation.private_temp:
        return ()
    # Shared memory must stay in memory.
    memory = f"/dev/shm/batchai-{isolation.label}"
    places = ((layout.temp, "/tmp"), (layout.var_temp, "/var/tmp"), (memory, "/dev/shm"))
    return tuple((folder, place) for folder, place in places if Path(place).is_dir())


def make_output(trusted_path: TrustedPath, user: JobUser) -> None:
    """Make an output directory that the user can write to. Raises FolderError.

    In a child with a time limit: it may lie on a volume whose server hangs.
    """
    request = {"do": "create", "root": trusted_path.root, "inner": trusted_path.inner, "user": user.to_act_as}
    command = [sys.executable, "-S", "-E", str(SCRIPT), json.dumps(request)]
    result = run(command, timeout_seconds=_OUTPUT_SECONDS)
    if result.timed_out:
        raise FolderError(
            f"the output directory {trusted_path} cannot be made: no answer from its file system"
        )
    if not result.ok:
        raise FolderError(f"the output directory {trusted_path} cannot be made: {result.output}")


def put(layout: NodeLayout, path: str, text: str) -> None:
    """Write a file of the job's temp. Raises OSError.

    The job, or the image of its container, may have been at work there: no symbolic link is followed, and
    whatever has the name is replaced.
    """
    with _replacing(layout, path) as descriptor, os.fdopen(os.dup(descriptor), "w") as file:
        file.write(text)


def put_empty(layout: NodeLayout, path: str, user: JobUser) -> int:
    """Make an empty file of the user's in the job's temp, as `put`; a descriptor through which it can be
    read, whatever the job puts in its place later. Raises OSError."""
    with _replacing(layout, path) as descriptor:
        user.give(descriptor)
        return os.dup(descriptor)


@contextmanager
def _replacing(layout: NodeLayout, path: str) -> Iterator[int]:
    """A new file, which gets its name once the block has ended well."""
    *parts, name = PurePosixPath(path).relative_to(layout.root).parts
    here = os.open(layout.root, _FOLDER)
    try:
        for part in parts:
            below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
        new = f".{name}.{uuid.uuid4().hex}"
        descriptor = os.open(new, _NEW_FILE, 0o644, dir_fd=here)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        os.rename(new, name, src_dir_fd=here, dst_dir_fd=here)
    finally:
        os.close(here)


def clear(root: Path) -> None:
    """Remove a folder of temps, or whatever has its name. Raises FolderError; while anything is mounted below
    it, too: the data of a volume would be deleted otherwise."""
    refuse_mounts(root)
    with _as_our_error(f"{root} cannot be cleared"):
        tree_removal.remove(root)


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
