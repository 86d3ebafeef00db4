"""A container without any mount: downloaded at the start, new and changed files uploaded at the end.

For machines without FUSE. What the job deletes stays in the container; two jobs that change one file at the
same time overwrite each other (the later one wins, and the log says so), as with every blob mount.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from runner.machine import mountinfo, tree_removal
from runner.mounts import state_dirs
from runner.mounts.diagnosis import mount_error
from runner.mounts.drivers import blobfuse_options
from runner.mounts.drivers.copy_tree import Stamp, can_be_file, give_to_job_user, stamp, walk
from runner.mounts.mount_points import make_mount_point
from runner.mounts.state_dirs import Left
from runner.mounts.types import (
    BLOB_CONTAINER,
    ContainerFiles,
    MountContext,
    MountedVolume,
    UnmountError,
    Volume,
    listed,
)
from runner.secrets.redaction import masked
from shared.errors import MountError

NAME = "copy"
_THREADS = 8
_SHOWN = 5
_MIB = 1024 * 1024


@dataclass(frozen=True)
class _Copied:
    """The local state when it last was the container's; `etags` as of that time. By blob name."""

    stamps: dict[str, Stamp]
    etags: dict[str, str]


def available(volume: Volume, context: MountContext) -> str | None:
    """Whether the runner was given a way to read and write containers."""
    if volume.kind != BLOB_CONTAINER:
        return "it serves blob containers only"
    if context.containers is None:
        return "this runner was given no access to containers"
    return None


@contextmanager
def mount(volume: Volume, target: Path, context: MountContext) -> Iterator[MountedVolume]:
    """`target` as an ordinary directory with the container's files; uploaded back (also whenever it is to
    settle) and removed afterwards.

    Where an upload fails the other files are still uploaded, and the directory is kept and named.
    """
    if context.containers is None:  # `available` has said so already
        raise MountError(volume.code, f"{volume} cannot be copied: no access to containers was configured.")
    asked = blobfuse_options.read(volume)
    for note in asked.notes:
        context.say(note)
    make_mount_point(volume, target)
    home = state_dirs.make(context.work, NAME, target)
    try:
        files = context.containers(volume)
        copied = _download_all(volume, files, target, context)
    except BaseException as error:
        _remove(target, home)
        if isinstance(error, MountError) or not isinstance(error, Exception):
            raise
        raise _download_error(volume, error) from error

    def carry(context: MountContext) -> None:
        if not asked.read_only:
            _upload_changed(volume, files, target, copied, context)

    try:
        yield MountedVolume(volume, target, NAME, lambda say: carry(replace(context, say=say)))
    finally:
        carry(context)
        _remove(target, home)


def remove_left(left: Left) -> str | None:
    """Remove the copy that a killed runner left; says so. None: there is none."""
    if left.target.is_symlink() or not left.target.is_dir():
        return None
    tree_removal.discard(left.target)
    return f"removed the local copy at {left.target}"


def _download_error(volume: Volume, error: Exception) -> MountError:
    words = masked(f"{type(error).__name__}: {error}", volume.secrets)[:1500]
    return mount_error(volume, f"{volume} could not be downloaded: {words}", words, port=443)


def _download_all(volume: Volume, files: ContainerFiles, target: Path, context: MountContext) -> _Copied:
    found = {file.name: file for file in files.list()}
    names = _usable(found, context)
    size = sum(found[name].size for name in names)
    _refuse_if_too_big(volume, target, size)
    context.say(f"{volume}: downloading {len(names)} files ({size / _MIB:.1f} MiB) to {target}")
    for folder in sorted({str(Path(name).parent) for name in names}):
        (target / folder).mkdir(parents=True, exist_ok=True)
    failed = _in_parallel(names, lambda name: files.download(name, target / name))
    if failed:
        name, error = failed[0]
        raise RuntimeError(
            f"{len(failed)} of {len(names)} files failed, first {name!r}: {type(error).__name__}: {error}"
        )
    give_to_job_user(target, context)
    return _Copied(
        {name: stamp((target / name).lstat()) for name in names}, {name: found[name].etag for name in names}
    )


def _usable(found: Mapping[str, object], context: MountContext) -> list[str]:
    """Names that can be files here; the others are reported and left out (folder markers silently)."""
    folders = {name.rsplit("/", depth)[0] for name in found for depth in range(1, name.count("/") + 1)}
    usable: list[str] = []
    skipped: list[str] = []
    for name in sorted(found):
        if name.endswith("/") or (name in folders and getattr(found[name], "size", 0) == 0):
            continue  # what some tools write to make an empty folder visible
        (usable if can_be_file(name) and name not in folders else skipped).append(name)
    if skipped:
        context.say(
            f"{len(skipped)} blobs cannot be files on this machine and are left out: {listed(skipped)}"
        )
    return usable


def _refuse_if_too_big(volume: Volume, target: Path, size: int) -> None:
    free = shutil.disk_usage(target).free
    if size > free * 0.95:
        raise MountError(
            volume.code,
            f"{volume} holds {size / _MIB:.0f} MiB but only {free / _MIB:.0f} MiB are free on this machine.",
            "Use a machine with FUSE, where containers are mounted and not copied, or a larger disk.",
        )


def _upload_changed(
    volume: Volume, files: ContainerFiles, target: Path, copied: _Copied, context: MountContext
) -> None:
    now, odd = walk(target)
    changed = sorted(name for name, found in now.items() if copied.stamps.get(name) != found)
    if odd:
        message = listed(sorted(odd))
        context.say(f"{volume}: links, special files and what lies too deep are not uploaded: {message}")
    if not changed:
        return
    size = sum(now[name].size for name in changed)
    context.say(f"{volume}: uploading {len(changed)} new or changed files ({size / _MIB:.1f} MiB)")
    _report_overwritten(volume, files, [name for name in changed if name in copied.etags], copied, context)
    etags: dict[str, str] = {}

    def upload(name: str) -> None:
        etags[name] = files.upload(name, target / name)

    failed = _in_parallel(changed, upload)
    copied.etags.update(etags)
    copied.stamps.update({name: now[name] for name in etags})
    if failed:
        shown = "; ".join(f"{name}: {type(error).__name__}: {error}" for name, error in failed[:_SHOWN])
        raise UnmountError(
            volume.code,
            f"{len(failed)} of {len(changed)} files could not be uploaded to {volume}: "
            f"{masked(shown, volume.secrets)[:1500]}.",
            f"The files are kept on the machine in {target}.",
        )


def _report_overwritten(
    volume: Volume, files: ContainerFiles, names: Sequence[str], copied: _Copied, context: MountContext
) -> None:
    """Say which files somebody else changed meanwhile. Only a remark: a failure to look is not the job's."""
    if not names:
        return
    try:
        etags = {file.name: file.etag for file in files.list()}
    except Exception as error:
        context.say(f"{volume}: could not look for changes by others: {masked(str(error), volume.secrets)}")
        return
    lost = [name for name in names if etags.get(name, copied.etags[name]) != copied.etags[name]]
    if lost:
        context.say(
            f"{volume}: changed by somebody else too while the job ran, now overwritten: {listed(lost)}"
        )


def _in_parallel(names: Sequence[str], work: Callable[[str], None]) -> list[tuple[str, Exception]]:
    """Do the work for every name, a few at once; the failures, in order of the names."""

    def attempt(name: str) -> tuple[str, Exception] | None:
        try:
            work(name)
        except Exception as error:
            return name, error
        return None

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="copy") as pool:
        return [failure for failure in pool.map(attempt, names) if failure is not None]


def _remove(target: Path, home: Path) -> None:
    """Remove the local copy, unless something is mounted in it (then it is not ours to remove)."""
    if not mountinfo.mounted_under(target):
        tree_removal.discard(target)
    state_dirs.remove(home)
