"""No two runners of a machine ever have the same GPU: a locked file for each, held while its runner lives."""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runner import gpus
from runner.gpu_share import Gpu, GpuShare, chosen
from shared.errors import SettingsError

_MOST_WORDS = 300


def claims_folder() -> Path:
    """Where the locks lie: the same for all runners of the machine that may meet."""
    if os.geteuid() == 0:
        return Path("/run/batchai/gpus")
    return Path(tempfile.gettempdir()) / "batchai-gpus"


@contextmanager
def claimed(choice: Sequence[str] | None, holder: str, folder: Path | None = None) -> Iterator[GpuShare]:
    """The GPUs of `choice` (see choice_from) are this runner's inside the block.

    `holder` is what others are told: who it is, in a few words. Raises SettingsError for a GPU that is not
    there or that another runner holds. The kernel lets go of a runner that is killed.
    """
    try:
        share = chosen(choice, gpus.inventory())
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
    try:
        _make(folder)
        descriptor = os.open(folder / f"{device.uuid}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        return f"--gpus: GPU {device.index} cannot be claimed: {error}"
    stack.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = os.pread(descriptor, _MOST_WORDS, 0).decode(errors="replace").strip() or "another runner"
        return (
            f"--gpus: GPU {device.index} ({device.uuid}) is held by {other}; "
            "give each runner GPUs of its own, for example --gpus 0,1, or --gpus none"
        )
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{holder}, process {os.getpid()}".encode()[:_MOST_WORDS], 0)
    return None


def _make(folder: Path) -> None:
    """Open to runners of other users, as the temp directory is."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o1777)
