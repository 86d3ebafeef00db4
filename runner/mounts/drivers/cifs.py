"""Azure file shares by the kernel's SMB client, the way Microsoft recommends: SMB 3.1.1, account key.

The key is put into a credentials file (0600, in memory where /run or /dev/shm can be written) that exists for
the duration of the mount command only.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from runner.machine.commands import find_program
from runner.mounts import diagnosis
from runner.mounts.drivers import kernel_mounts
from runner.mounts.types import FILE_SHARE, MountContext, MountedVolume, Volume
from shared.errors import MountError

NAME = "cifs"
PORT = 445
_IN_MEMORY = ("/run", "/dev/shm")


def available(volume: Volume, context: MountContext) -> str | None:
    """Whether the kernel can mount this share; an emulator (a path after the host) speaks no SMB."""
    if volume.kind != FILE_SHARE:
        return "it serves file shares only"
    if not volume.key:
        return "SMB needs the account key"
    if urlsplit(volume.service_url).path and volume.account not in context.smb_hosts:
        return "the endpoint is an emulator's, which speaks HTTP only"
    return kernel_mounts.fault("cifs", "mount.cifs", "cifs-utils")


@contextmanager
def mount(volume: Volume, target: Path, context: MountContext) -> Iterator[MountedVolume]:
    """The share at `target`."""
    diagnosis.check(volume, _host(volume, context), PORT)
    with _credentials(volume, context.work) as credentials:
        opened = kernel_mounts.mounted(
            volume,
            target,
            context,
            driver=NAME,
            command=command(volume, target, credentials, context),
            port=PORT,
        )
        here = opened.__enter__()
    try:
        yield here
    finally:
        opened.__exit__(None, None, None)


def command(volume: Volume, target: Path, credentials: Path, context: MountContext) -> list[str]:
    """The command line. nosharesock: one TCP connection per mount, so that one share's trouble is its own."""
    options = [
        "vers=3.1.1",
        f"credentials={credentials}",
        "serverino",
        "nosharesock",
        "actimeo=30",
        "mfsymlinks",
        "nosuid",
        "nodev",
        f"dir_mode={volume.directory_mode}",
        f"file_mode={volume.file_mode}",
    ]
    if context.user_id is not None:
        options.append(f"uid={context.user_id}")
    if context.group_id is not None:
        options.append(f"gid={context.group_id}")
    mount_program = find_program("mount") or "mount"
    source = f"//{_host(volume, context)}/{volume.share}"
    return [mount_program, "-t", "cifs", source, str(target), "-o", ",".join(options)]


def _host(volume: Volume, context: MountContext) -> str:
    return context.smb_hosts.get(volume.account) or urlsplit(volume.service_url).hostname or ""


@contextmanager
def _credentials(volume: Volume, work: Path) -> Iterator[Path]:
    """The credentials file, for as long as the mount command runs."""
    for value in (volume.account, volume.key):
        if any(character in value for character in "\r\n\0"):
            raise MountError(volume.code, f"account name or key of {volume} holds a line break.")
    place = next((one for one in _IN_MEMORY if os.access(one, os.W_OK)), str(work))
    with tempfile.TemporaryDirectory(prefix="batchai-", dir=place) as folder:
        path = Path(folder) / "credentials"
        path.touch(mode=0o600)
        path.write_text(f"username={volume.account}\npassword={volume.key}\n")
        yield path
