"""No two runners of a machine ever have the same GPU: a locked file for each, held while its runner lives.

Nothing that a job has made may keep a runner from its GPU. The files of runners that are root lie where
nobody else comes to; those of others lie open to all. What is no file there, or not a runner's, is no claim.
"""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from runner.machine import nvml, tree_removal
from runner.machine.gpu_share import Gpu, GpuShare, chosen
from shared.errors import SettingsError

_MOST_WORDS = 300
_MINE = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_THEIRS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Others may read who holds it, and lock what nobody holds, where they come to the folder at all.
_MODE = 0o644


def claims_folder() -> Path:
    """Where the locks lie: the same for all runners of the machine that may meet."""
    if os.geteuid() == 0:
        return Path("/run/batchai/gpus")
    return Path(tempfile.gettempdir()) / "batchai-gpus"


@contextmanager
def claimed(choice: Sequence[str] | None, holder: str, folder: Path | None = None) -> Iterator[GpuShare]:
    """The GPUs of `choice` (see choice_from) are this runner's inside the block.

    `holder` is what others are given: who it is, in a few words. Raises SettingsError for a GPU that is not
    there or that another runner holds. The kernel lets go of a runner that is killed.
    """
    try:
        share = chosen(choice, nvml.inventory())
    except ValueError as error:
        raise SettingsError((f"--gpus: {error}",)) from None
    with ExitStack() as stack:
        faults = [
            fault
            for device in share.devices
            if (fault := _claim(device, holder, folder or claims_folder(), stack))
        ]
        if faults:
            raise SettingsError(tuple(faults))
        yield share


def _claim(device: Gpu, holder: str, folder: Path, stack: ExitStack) -> str | None:
    """Lock the GPU's file until `stack` is left; or what is in the way."""
    path = folder / f"{device.uuid}.lock"
    try:
        _make(folder)
        with _alone(folder):
            descriptor = _opened(path)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return (
            f"--gpus: GPU {device.index} ({device.uuid}) is held by {_words(descriptor)}; "
            "give each runner GPUs of its own, for example --gpus 0,1, or --gpus none"
        )
    except OSError as error:
        return f"--gpus: GPU {device.index} cannot be claimed: {error}; remove {path} if no runner uses it"
    with suppress(OSError):  # another user's file may be locked, but not written
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{holder}, process {os.getpid()}".encode()[:_MOST_WORDS], 0)
    return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One runner at a time, or what one has put in the place of something strange another would replace.
    Only where no job can hold it up."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if os.geteuid() == 0:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _words(descriptor: int) -> str:
    """Who holds it, as it says itself."""
    text = os.pread(descriptor, _MOST_WORDS, 0).decode(errors="replace").strip()
    return "".join(letter for letter in text if letter.isprintable()) or "another runner"


def _opened(path: Path) -> int:
    """The file, made where it is missing or where something else has its name. Raises OSError."""
    try:
        descriptor = os.open(path, _MINE | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:
        if not _is_claim(path):
            tree_removal.remove(path)
            return os.open(path, _MINE | os.O_CREAT | os.O_EXCL, _MODE)
        try:
            return os.open(path, _MINE)
        except PermissionError:  # another runner's, which may have ended
            return os.open(path, _THEIRS)
    return descriptor


def _is_claim(path: Path) -> bool:
    """Whether a runner made it: of root's folder nobody but root."""
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and (os.geteuid() != 0 or found.st_uid == 0)


def _make(folder: Path) -> None:
    """Root's is closed; others' is open to runners of other users, as the temp directory is."""
    folder.mkdir(parents=True, exist_ok=True)
    found = folder.lstat()
    mode = 0o700 if os.geteuid() == 0 else 0o1777
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != mode:
        folder.chmod(mode)
