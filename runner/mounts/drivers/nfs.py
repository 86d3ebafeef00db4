"""File servers by the kernel's NFS client; Azure's NFS shares through `aznfs` (TLS) where it is installed.

mountOptions are the document's, so only options that cannot reach beyond the volume are let through.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.machine.commands import find_program
from runner.mounts import diagnosis
from runner.mounts.drivers import kernel_mounts
from runner.mounts.types import FILE_SERVER, MountContext, MountedVolume, Volume
from shared.errors import MountError

NAME = "nfs"
PORT = 2049
_AZURE = re.compile(r"\.file\.core\.[a-z0-9.-]+$|\.file\.storage\.azure\.net$", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[?[0-9A-Fa-f:]+\]?")

_WORDS = (
    "rw", "ro", "soft", "hard", "softerr", "noac", "ac", "nolock", "lock", "sync", "async", "noatime",
    "atime", "nodiratime", "relatime", "cto", "nocto", "rdirplus", "nordirplus", "resvport", "noresvport",
    "sharecache", "nosharecache", "tcp", "noexec", "fg", "notls", "fsc",
)  # fmt: skip
_NUMBERS = (
    "minorversion", "timeo", "retrans", "rsize", "wsize", "nconnect", "actimeo", "acregmin", "acregmax",
    "acdirmin", "acdirmax", "port", "max_connect",
)  # fmt: skip
#: Options of nfs(5) and mount(8) that a document may set, with the form of their values.
_ALLOWED: dict[str, str] = {
    **dict.fromkeys(_WORDS, ""),
    **dict.fromkeys(_NUMBERS, r"[0-9]{1,9}"),
    **dict.fromkeys(("vers", "nfsvers"), r"[34](\.[0-2])?"),
    "proto": r"tcp|tcp6|rdma",
    "sec": r"sys|krb5|krb5i|krb5p",
    "lookupcache": r"all|none|pos|positive",
    "local_lock": r"all|flock|posix|none",
    "xprtsec": r"none|tls|mtls",
}
#: Accepted and left out: they are always on, are the default, or mean nothing to a runner.
_DROPPED = frozenset(
    ("nosuid", "nodev", "defaults", "_netdev", "auto", "noauto", "nofail", "intr", "nointr", "bg", "nouser")
)


def available(volume: Volume, context: MountContext) -> str | None:
    """Whether the kernel can mount NFS."""
    if volume.kind != FILE_SERVER:
        return "it serves file servers only"
    return kernel_mounts.fault("nfs", "mount.nfs", "nfs-common")


@contextmanager
def mount(volume: Volume, target: Path, context: MountContext) -> Iterator[MountedVolume]:
    """The server's directory at `target`."""
    line = command(volume, target, find_program("mount.aznfs") is not None)
    port = port_of(volume)
    diagnosis.check(volume, volume.server.strip("[]"), port)
    with kernel_mounts.mounted(volume, target, context, driver=NAME, command=line, port=port) as here:
        yield here


def port_of(volume: Volume) -> int:
    """The TCP port the document's options name, or NFS's own."""
    return int(dict(_options(volume)).get("port") or PORT)


def command(volume: Volume, target: Path, has_aznfs: bool) -> list[str]:
    """The command line. Raises MountError for a server, directory or option that is not allowed.

    retry=0: mount.nfs would otherwise try for two minutes. NFS 4.1 unless the document names a version.
    """
    if not _HOST.fullmatch(volume.server):
        raise MountError(
            volume.code,
            f"{volume.server[:200]!r} is not the name or address of a server.",
            "Batch AI's own file servers are gone: give fileServer.id the name or address of an NFS server.",
        )
    directory = volume.source_directory or "/"
    if not directory.startswith("/") or re.search(r"[\x00-\x1f\x7f]", directory):
        raise MountError(volume.code, f"sourceDirectory {directory[:200]!r} must be an absolute path.")
    azure = bool(_AZURE.search(volume.server))
    given = _options(volume)
    names = {name for name, _ in given}
    options = [name if value is None else f"{name}={value}" for name, value in given]
    if not names & {"vers", "nfsvers"}:
        options += ["vers=4", "minorversion=1"] if "minorversion" not in names else ["vers=4"]
    if azure and "nconnect" not in names:
        options.append("nconnect=4")
    if "sec" not in names:
        options.append("sec=sys")
    options += ["retry=0", "nosuid", "nodev"]
    program = find_program("mount") or "mount"
    kind = "aznfs" if azure and has_aznfs else "nfs"
    return [program, "-t", kind, f"{volume.server}:{directory}", str(target), "-o", ",".join(options)]


def _options(volume: Volume) -> list[tuple[str, str | None]]:
    """The document's options, checked. "-o a,b" and "a,b" are read alike."""
    text = re.sub(r"(^|\s)-o\s*", ",", volume.mount_options)
    kept: list[tuple[str, str | None]] = []
    faults: list[str] = []
    for word in re.split(r"[,\s]+", text):
        name, equals, value = word.partition("=")
        if not name or name in _DROPPED:
            continue
        form = _ALLOWED.get(name)
        if form is None:
            faults.append(f"'{name[:40]}' is not allowed")
        elif not re.fullmatch(form, value) or bool(equals) != bool(form):
            faults.append(f"'{word[:60]}' has no valid value" if form else f"'{name}' takes no value")
        else:
            kept.append((name, value if equals else None))
    if faults:
        raise MountError(
            volume.code,
            f"mountOptions of {volume}: {'; '.join(faults)}.",
            f"Allowed are {', '.join(sorted(_ALLOWED))}.",
        )
    return kept
