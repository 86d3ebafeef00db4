"""The tools that mount volumes, and whether each kind of volume has a driver that works here."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import gettempdir

from runner.config import RunnerConfig
from runner.doctor.check import Check, failed, not_checked, ok
from runner.machine.commands import find_program, run
from runner.mounts.mount import choose
from runner.mounts.types import BLOB_CONTAINER, FILE_SERVER, FILE_SHARE, MountContext, Volume
from shared.errors import MountError
from shared.settings import Settings

_SECONDS = 5.0
#: program -> (arguments that print its version, what installs it)
TOOLS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "rclone": (("version",), "pip install '.[runner]' -c constraints.txt"),
    "fusermount3": (("--version",), "sudo apt-get install fuse3"),
    "blobfuse2": (("--version",), "sudo scripts/install-blobfuse2"),
    "mount.cifs": (("-V",), "sudo apt-get install cifs-utils"),
    "mount.nfs": (("-V",), "sudo apt-get install nfs-common"),
}
_DEVICE = Path("/dev/fuse")
_INSTALL = "sudo apt-get install fuse3 cifs-utils && pip install '.[runner]' -c constraints.txt"


def tool(name: str) -> list[Check]:
    """A program and its version. A missing one is no failure: another driver may serve (see `kinds`)."""
    arguments, install = TOOLS[name]
    path = find_program(name)
    if path is None:
        return [not_checked(name, "not installed", install)]
    ended = run([path, *arguments], timeout_seconds=_SECONDS)
    if ended.code is None or ended.timed_out:
        return [failed(name, str(ended), install)]
    return [ok(name, next(iter(ended.output.splitlines()), path))]


def fuse_device() -> list[Check]:
    """Whether /dev/fuse is open to this user."""
    name = str(_DEVICE)
    if not _DEVICE.exists():
        return [
            not_checked(
                name, "missing", "sudo modprobe fuse  # in a container: docker run --device /dev/fuse"
            )
        ]
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return [failed(name, "closed to this user", "sudo chmod 666 /dev/fuse")]
    return [ok(name, "open to this user")]


def kinds(settings: Settings, config: RunnerConfig) -> list[Check]:
    """Per kind of volume the driver that a job's volume of the data account would be mounted with."""
    account = settings.data_account or "anaccount"
    urls = settings.endpoints.get(account)
    endpoint = urls.blob if urls else ""
    container = Volume(BLOB_CONTAINER, "v", account, "key", container="doctor", endpoint=endpoint)
    server = Volume(FILE_SERVER, "v", server="192.0.2.1")
    nfs = "sudo apt-get install nfs-common linux-modules-extra-$(uname -r)"
    return [
        _kind("file shares", _share(settings), config, failed, _INSTALL),
        _kind("blob containers", container, config, failed, _INSTALL),
        # Few documents have file servers, and a laptop needs none.
        _kind("file servers (NFS)", server, config, not_checked, nfs),
    ]


def share_driver(settings: Settings, config: RunnerConfig) -> str:
    """The driver of the data account's shares; "" where none works."""
    try:
        return choose(_share(settings), _context(config))[0].NAME
    except MountError:
        return ""


def _share(settings: Settings) -> Volume:
    account = settings.data_account or "anaccount"
    urls = settings.endpoints.get(account)
    # Secrets matter to the choice of the driver only by being there.
    return Volume(FILE_SHARE, "v", account, "key", share="doctor", endpoint=urls.file if urls else "")


def _kind(
    name: str, volume: Volume, config: RunnerConfig, otherwise: Callable[[str, str, str], Check], mend: str
) -> Check:
    name = f"mounts: {name}"
    try:
        driver, why = choose(volume, _context(config))
    except MountError as error:
        reasons = str(error).removesuffix(error.hint).partition(f"{volume}: ")[2]
        return otherwise(name, f"no driver works here: {reasons.strip()}", mend)
    return ok(name, f"with {driver.NAME}{f' ({why})' if why else ''}")


def _context(config: RunnerConfig) -> MountContext:
    return MountContext(
        say=lambda _: None,
        work=Path(gettempdir()),
        premounted=config.premounted,
        drivers=config.drivers,
        smb_hosts=config.smb_hosts,
    )
