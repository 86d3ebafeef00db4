"""The words of the volume drivers: what is mounted, with what, and what a driver has to offer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from shared.errors import MountError
from shared.names.service_urls import service_url

FILE_SHARE = "azureFileShare"
BLOB_CONTAINER = "azureBlobFileSystem"
FILE_SERVER = "fileServer"
UNMANAGED = "unmanaged"

#: Error code by kind of volume; the first two are the original service's, the others follow their pattern.
ERROR_CODES: Mapping[str, str] = {
    FILE_SHARE: "AZFMountError",
    BLOB_CONTAINER: "BFSMountError",
    FILE_SERVER: "NFSMountError",
    UNMANAGED: "UnmanagedMountError",
}


_SHOWN = 5


class UnmountError(MountError):
    """A volume is still there after everything was tried, or data of the job did not reach it.

    The job's own result stands; the machine should not take another job before somebody looked.
    """


@dataclass(frozen=True)
class Volume:
    """One volume, already resolved from the document; secrets opened, and hidden from repr.

    No key means: the managed identity of the machine (where the driver can).
    """

    kind: str  #: a key of ERROR_CODES
    relative_mount_path: str
    account: str = ""
    key: str = field(default="", repr=False)
    share: str = ""
    container: str = ""
    #: full service URL, e.g. http://127.0.0.1:10000/devstoreaccount1; empty: the public cloud's
    endpoint: str = ""
    file_mode: str = "0777"
    directory_mode: str = "0777"
    mount_options: str = ""
    server: str = ""
    source_directory: str = ""
    mount_command: str = ""
    identity_client_id: str = ""  #: user-assigned managed identity; empty: the machine's only one

    @property
    def code(self) -> str:
        """The error code of this kind of volume."""
        return ERROR_CODES.get(self.kind, "UnmanagedMountError")

    @property
    def service_url(self) -> str:
        """`endpoint`, or the public cloud's address of the account; no trailing slash."""
        service = "file" if self.kind == FILE_SHARE else "blob"
        return (self.endpoint or service_url(self.account, service)).rstrip("/")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be printed."""
        return (self.key,) if self.key else ()

    def __str__(self) -> str:
        """What a person calls it: "container data of account a"."""
        if self.kind == FILE_SHARE:
            return f"share {self.share} of account {self.account}"
        if self.kind == BLOB_CONTAINER:
            return f"container {self.container} of account {self.account}"
        if self.kind == FILE_SERVER:
            return f"file server {self.server}:{self.source_directory or '/'}"
        return f"unmanaged file system {self.relative_mount_path}"


def listed(names: Sequence[str]) -> str:
    """The first few names, for people, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(repr(name) for name in names[:_SHOWN]) + more


class ContainerFile(Protocol):
    """One blob of a container."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str: ...


class ContainerFiles(Protocol):
    """What the `copy` driver needs of a container. Any exception means that the call failed; calls may come
    from several threads at once."""

    def list(self) -> Iterable[ContainerFile]:
        """Every blob, folders walked."""

    def download(self, name: str, path: Path) -> None:
        """Write the blob's content to `path`, whose folder exists."""

    def upload(self, name: str, path: Path) -> str:
        """Make the file's content the blob's, whether it existed or not; its ETag then."""


@dataclass(frozen=True)
class MountContext:
    """What the machine and its operator give to every driver."""

    say: Callable[[str], None]  #: a line for execution.log; safe to call from any thread
    work: Path  #: private directory of the runner (0700) for caches, credentials, records of what is mounted
    premounted: Mapping[str, Path] = field(default_factory=dict)  #: "<account>/<share>" -> local directory
    containers: Callable[[Volume], ContainerFiles] | None = None
    drivers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: kind -> driver names to try
    #: account -> host that serves its shares by SMB, where that is not the one of the account's URL
    smb_hosts: Mapping[str, str] = field(default_factory=dict)
    allowed_mount_commands: tuple[str, ...] = ()  #: prefixes that an unmanaged volume's command may have
    timeout_seconds: float = 40.0  #: for a mount, and for each step of an unmount
    upload_timeout_seconds: float = 3600.0  #: for data that is still on its way when the job has ended
    user_id: int | None = None  #: who owns the files where the volume itself does not say
    group_id: int | None = None
    #: called with every failed undo, also when the error of the job itself is what gets raised
    on_undo_failure: Callable[[MountError], None] | None = None


@dataclass(frozen=True)
class MountedVolume:
    """A volume that is there, and by whose work."""

    volume: Volume
    target: Path
    driver: str
    #: Wait until what processes that are gone have written has reached the volume; costs next to nothing
    #: where it has. Called with what it waits for. Raises UnmountError (within the context's bounds) where it
    #: has not, or where that cannot be known; then the volume is to be undone: its driver may yet carry it.
    settle: Callable[[Callable[[str], None]], None] = field(repr=False)


class Driver(Protocol):
    """A module of this package: one way to make a volume appear at a path."""

    NAME: str

    def available(self, volume: Volume, context: MountContext) -> str | None:
        """None where this driver can serve the volume on this machine, otherwise the reason why not.

        Looks only at the machine and the document; asks no network.
        """

    def mount(
        self, volume: Volume, target: Path, context: MountContext
    ) -> AbstractContextManager[MountedVolume]:
        """The volume at `target`, whose folder exists and which itself does not, or is an empty directory.

        Entering raises MountError and leaves nothing behind; leaving raises UnmountError.
        """
