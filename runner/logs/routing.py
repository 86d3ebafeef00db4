"""Where a job's logs go, and what the volume drivers of this machine are given."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from runner.isolation.job_user import JobUser
from runner.isolation.node_config import NodeConfig
from runner.logs.log_writers import Writers
from runner.logs.path_folder import PathFolder
from runner.logs.shipper import LogShipper, Until
from runner.logs.stream import OpenFile
from runner.mounts.from_document import place_of, trusted_path_of
from runner.mounts.types import BLOB_CONTAINER, FILE_SHARE, MountContext, Volume
from shared.documents.spec import JobSpec, MountVolumes
from shared.environment.variables import Placement, log_directory
from shared.errors import LaunchError, MountError
from shared.jobs.model import StreamSeal
from shared.stores.connection import CallCounter
from shared.stores.volumes.blob_containers import ContainerAddress, ContainerFolder, FilesOfContainer
from shared.stores.volumes.file_shares import ShareAddress, ShareFolder


class Logs(Protocol):
    """The log files of one attempt."""

    def add(self, name: str) -> Path: ...
    def carry(self, name: str, file: OpenFile, most: int) -> None: ...
    def start(self) -> None: ...
    def progress(self) -> tuple[StreamSeal, ...]: ...
    def finish(self, until: Until) -> tuple[StreamSeal, ...]: ...


class VolumeLogs:
    """Logs on a volume that can be written to only while it is mounted: see `while_mounted`."""

    def __init__(
        self, spool: Path, folder: PathFolder, attempt: int, held: Callable[[], bool] = lambda: True
    ) -> None:
        self._folder = folder
        self._shipper = LogShipper(spool, folder, attempt, held)
        self._seals: tuple[StreamSeal, ...] | None = None

    def add(self, name: str) -> Path:
        """Begin a log file; the local path to write to."""
        return self._shipper.add(name)

    def carry(self, name: str, file: OpenFile, most: int) -> None:
        """See LogShipper."""
        self._shipper.carry(name, file, most)

    def start(self) -> None:
        """Begin to carry, as soon as there is a volume."""
        self._shipper.start()

    def volume_is_there(self) -> None:
        self._folder.open()

    def progress(self) -> tuple[StreamSeal, ...]:
        """What has arrived so far."""
        return self._shipper.progress()

    def finish(self, until: Until) -> tuple[StreamSeal, ...]:
        """Send what is left; the second time nothing: the volume is gone."""
        if self._seals is None:
            self._seals = self._shipper.finish(until)
        return self._seals


def folder_on_node(spec: JobSpec, placement: Placement) -> str:
    """The folder of a job's logs where it lies below the node's own folder for its mounts, or ""."""
    below = f"{placement.layout.job_mount_root}/"
    try:
        folder = log_directory(spec, placement)
    except LaunchError:
        return ""
    return folder if folder.startswith(below) and spec.mount_volumes == MountVolumes() else ""


@contextmanager
def while_mounted(logs: Logs, until: Until) -> Iterator[None]:
    """Around everything between mounting and unmounting: logs on the volume itself must be whole before that.

    What is said later (the undoing of volumes, the outcome) such a log file does not hold.
    """
    if not isinstance(logs, VolumeLogs):
        yield
        return
    logs.volume_is_there()
    try:
        yield
    finally:
        logs.finish(until)


def open_logs(
    path: str,
    roots: Mapping[str, Iterable[Volume]],
    spool: Path,
    run: str,
    attempt: int,
    counter: CallCounter | None = None,
    *,
    node_root: Path,
    user: JobUser,
    held: Callable[[], bool] = lambda: True,
    writers: Writers | None = None,
) -> Logs:
    """The logs for an (expanded) stdouterr folder: over REST when it lies on a share or in a container, files
    of `user` on any other volume (see `while_mounted`), and on the node otherwise.

    `run` is the job's uuid, "" for logs that are no job's; `held` says whether the attempt still is this
    runner's; `writers`: the runner's, kept from job to job.
    """
    place = place_of(path, roots)
    if place and place.volume.kind == FILE_SHARE:
        volume = place.volume
        share = ShareAddress(volume.account, volume.share, volume.key, volume.endpoint)
        return LogShipper(spool, ShareFolder(share, place.inner, counter, run, attempt), attempt, held)
    if place and place.volume.kind == BLOB_CONTAINER:
        container = _container(place.volume)
        blobs = ContainerFolder(container, place.inner, counter, run, attempt)
        return LogShipper(spool, blobs, attempt, held)
    folder = trusted_path_of(path, str(node_root), roots)
    files = PathFolder(
        folder,
        user,
        volume=place is not None,
        fenced=bool(run),
        writers=writers,
        near=folder.root == str(node_root),
    )
    if place:
        return VolumeLogs(spool, files, attempt, held)
    return LogShipper(spool, files, attempt, held, near=files.near)


def mount_context(
    config: NodeConfig, say: Callable[[str], None], undo_failed: Callable[[MountError], None]
) -> MountContext:
    """What this runner gives to the volume drivers."""
    work = config.work / "mounts"
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    user = config.isolation.user
    return MountContext(
        say=say,
        work=work,
        premounted=config.premounted,
        containers=lambda volume: FilesOfContainer(_container(volume)),
        drivers=config.drivers,
        smb_hosts=config.smb_hosts,
        allowed_mount_commands=config.allowed_mount_commands,
        timeout_seconds=config.mount_timeout_seconds,
        upload_timeout_seconds=config.upload_timeout_seconds,
        user_id=None if user.is_own else user.uid,
        group_id=None if user.is_own else user.gid,
        on_undo_failure=undo_failed,
    )


def _container(volume: Volume) -> ContainerAddress:
    return ContainerAddress(volume.account, volume.container, volume.key, volume.endpoint)
