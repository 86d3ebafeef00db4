"""The old blobfuse `mountOptions` of a document, read today. Pure text, no I/O.

Batch AI handed them to blobfuse 1. What still means something is translated, what has no meaning any more is
dropped with a note, what would reach beyond the volume is refused, and so is what nobody knows.
Sources: the command lines of blobfuse 1 and blobfuse2 (Azure/azure-storage-fuse, cmd/mount*.go).
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from runner.mounts.types import Volume
from shared.errors import MountError

#: Said by the service itself where a document has no mountOptions, and kept as our defaults.
DEFAULT_ATTRIBUTE_SECONDS = 240
DEFAULT_ENTRY_SECONDS = 240
DEFAULT_NEGATIVE_SECONDS = 120

_DROPPED = {
    "allow_other": "always on where the machine allows it",
    "allow_root": "everybody on the machine may read the volume anyway",
    "auto_unmount": "the runner unmounts",
    "background-download": "blobfuse2 does so itself",
    "basic-remount-check": "the runner checks the mount point",
    "big_writes": "always on since FUSE 3",
    "cache-on-list": "blobfuse2 does so itself",
    "cache-poll-timeout-msec": "blobfuse2 has no such setting",
    "cancel-list-on-mount-seconds": "no longer needed",
    "d": "debug output is not kept",
    "default_permissions": "always on where it matters",
    "disable-version-check": "always on",
    "empty-dir-check": "blobfuse2 has no such setting",
    "fsname": "the runner names its mounts",
    "high-disk-threshold": "the cache is bounded by its size",
    "ignore-open-flags": "always on",
    "invalidate-on-sync": "always on",
    "kernel_cache": "blobfuse2 decides by itself",
    "log-level": "warnings and errors are kept",
    "low-disk-threshold": "the cache is bounded by its size",
    "max-eviction": "blobfuse2 decides by itself",
    "max_read": "the kernel negotiates it",
    "max_write": "the kernel negotiates it",
    "no-symlinks": "links are kept as blobfuse2 keeps them",
    "nodev": "always on",
    "nonempty": "the mount point is always empty",
    "nosuid": "always on",
    "pre-mount-validate": "always on",
    "retry-delay-factor": "the default is kept",
    "max-retry": "the default is kept",
    "max-retry-interval-in-seconds": "the default is kept",
    "rw": "that is the default",
    "set-content-type": "always on",
    "upload-modified-only": "always on",
    "use-attr-cache": "always on",
    "use-https": "the endpoint decides",
}
_REFUSED = {
    "account-name": "the volume names its account",
    "ca-cert-file": "it would trust another authority",
    "config-file": "it would replace the runner's configuration",
    "container-name": "the volume names its container",
    "dev": "device files are never allowed",
    "suid": "set-user-id programs are never allowed",
    "exec": "it is the default, and nothing else may be changed",
    "noexec": "blobfuse2 cannot do that",
    "http-proxy": "credentials would go elsewhere",
    "https-proxy": "credentials would go elsewhere",
    "log-file-path": "it would write outside the volume",
    "tmp-path": "the runner chooses where the cache is",
}
_SECONDS = {
    "attr_timeout": "attribute_seconds",
    "entry_timeout": "entry_seconds",
    "negative_timeout": "negative_seconds",
    "file-cache-timeout-in-seconds": "file_cache_seconds",
    "file-cache-timeout": "file_cache_seconds",
    "cache-size-mb": "cache_mib",
    "max-concurrency": "concurrency",
}


@dataclass(frozen=True)
class BlobfuseOptions:
    """What of the old options counts today; `cache` is "block", "file" or "" (nothing was said)."""

    read_only: bool = False
    adls: bool = False
    direct_io: bool = False
    cache: str = ""
    umask: str = ""
    attribute_seconds: int = DEFAULT_ATTRIBUTE_SECONDS
    entry_seconds: int = DEFAULT_ENTRY_SECONDS
    negative_seconds: int = DEFAULT_NEGATIVE_SECONDS
    file_cache_seconds: int = 120
    cache_mib: int = 0
    concurrency: int = 0
    notes: tuple[str, ...] = ()  #: what was dropped and why


def read(volume: Volume) -> BlobfuseOptions:
    """Translate volume.mount_options. Raises MountError that names every option that is refused."""
    values: dict[str, object] = {}
    notes: list[str] = []
    faults: list[str] = []
    try:
        given = list(_split(volume.mount_options))
    except ValueError as error:
        raise _refusal(volume, [f"they cannot be read: {error}"]) from None
    for name, value in given:
        if name in _DROPPED:
            notes.append(f"mountOptions: '{name}' has no effect any more ({_DROPPED[name]})")
        elif name in _REFUSED:
            faults.append(f"'{name}' is not allowed ({_REFUSED[name]})")
        else:
            try:
                values |= _translate(name, value)
            except ValueError as error:
                faults.append(str(error))
    if faults:
        raise _refusal(volume, faults)
    return BlobfuseOptions(**values, notes=tuple(notes))  # type: ignore[arg-type]


def _refusal(volume: Volume, faults: list[str]) -> MountError:
    return MountError(
        volume.code,
        f"mountOptions of {volume}: {'; '.join(faults)}.",
        "Remove them from the document; without mountOptions the defaults of Batch AI apply.",
    )


def _split(text: str) -> Iterator[tuple[str, str | None]]:
    """(name, value) of "--name=value", "--name value", "-o name[=value],..."; bare words are read as -o's."""
    words = shlex.split(text)
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        following = words[position] if position < len(words) else None
        if word == "-o":
            if following is None:
                raise ValueError("'-o' stands at the end")
            yield from _fuse_options(following)
            position += 1
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if not equals and following is not None and not following.startswith("-") and name in _SECONDS:
                value, equals = following, "="
                position += 1
            yield name, value if equals else None
        elif word.startswith("-o"):
            yield from _fuse_options(word[2:])
        elif word.startswith("-"):
            yield word[1:], None
        else:
            yield from _fuse_options(word)


def _fuse_options(text: str) -> Iterator[tuple[str, str | None]]:
    for option in text.split(","):
        name, equals, value = option.strip().partition("=")
        if name:
            yield name, value if equals else None


def _translate(name: str, value: str | None) -> dict[str, object]:
    """Field and value for one option. Raises ValueError with a sentence for people."""
    if name in _SECONDS:
        values: dict[str, object] = {_SECONDS[name]: _number(name, value)}
        return values | ({"cache": "file"} if name.startswith("file-cache") else {})
    if name in ("ro", "read-only"):
        return {"read_only": _switch(name, value)}
    if name == "direct_io":
        return {"direct_io": True}
    if name == "use-adls":
        return {"adls": _switch(name, value)}
    if name in ("streaming", "block-cache"):
        return {"cache": "block"} if _switch(name, value) else {}
    if name == "umask":
        if not re.fullmatch(r"0?[0-7]{3}", value or ""):
            raise ValueError(f"'umask' must be three octal digits, not {value!r}")
        return {"umask": value}
    raise ValueError(f"'{name}' is not known")


def _number(name: str, value: str | None) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value or ""):
        raise ValueError(f"'{name}' needs a whole number, not {value!r}")
    return int(value or "")


def _switch(name: str, value: str | None) -> bool:
    if value is None or value.lower() in ("true", "1"):
        return True
    if value.lower() in ("false", "0"):
        return False
    raise ValueError(f"'{name}' must be true or false, not {value!r}")
