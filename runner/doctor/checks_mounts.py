"""The tools that mount volumes, and whether each kind of volume has a driver that works here."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import gettempdir

from runner.config import RunnerConfig
from runner.doctor.types import Check, failed, not_checked, ok
from runner.mounts import choose
from runner.mounts.commands import find_program, run
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
                name, "missing", "sudo modprobe fuse    (in a container: docker run --device /dev/fuse)"
            )
        ]
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return [failed(name, "closed to this user", "sudo chmod 666 /dev/fuse")]
    return [ok(name, "open to this user")]


def kinds(settings: Settings, config: RunnerConfig) -> list[Check]:
    """Per kind of volume the driver that a job's volume of the data account would be mounted with."""
    account = settings.data_account or "anaccount"
    urls = settings.endpoints.get(account)
    # Secrets matter to the choice of the driver only by being there.
    share = Volume(FILE_SHARE, "v", account, "key", share="doctor", endpoint=urls.file if urls else "")
    container = Volume(
        BLOB_CONTAINER, "v", account, "key", container="doctor", endpoint=urls.blob if urls else ""
    )
    server = Volume(FILE_SERVER, "v", server="192.0.2.1")
    return [
        _kind("file shares", share, config, failed, _INSTALL),
        _kind("blob containers", container, config, failed, _INSTALL),
        # Few documents have file servers, and a laptop needs none.
        _kind("file servers (NFS)", server, config, not_checked, "sudo apt-get install nfs-common (as root)"),
    ]


def _kind(
    name: str, volume: Volume, config: RunnerConfig, otherwise: Callable[[str, str, str], Check], mend: str
) -> Check:
    context = MountContext(
        say=lambda _: None,
        work=Path(gettempdir()),
        premounted=config.premounted,
        drivers=config.drivers,
        smb_hosts=config.smb_hosts,
    )
    name = f"mounts: {name}"
    try:
        driver, why = choose(volume, context)
    except MountError as error:
        return otherwise(name, str(error), mend)
    return ok(name, f"with {driver.NAME}{f' ({why})' if why else ''}")
