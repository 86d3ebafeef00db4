"""What a request handler is given and what it gives back."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from local.files import wire
from local.files.errors import FilesError
from local.files.records import Record, RecordStore
from local.files.targets import Target
from local.files.tree import Entry, Tree

_STRIPES = 64
#: What a client gets that names no version.
NEWEST_VERSION = "2026-10-06"


class Locks:
    """One lock per resource (in fact per hash of it): a check and the write it allows are one step."""

    def __init__(self) -> None:
        self._stripes = tuple(threading.RLock() for _ in range(_STRIPES))

    @contextmanager
    def hold(self, *targets: Target) -> Iterator[None]:
        """Holds the locks of all `targets`, taken in one global order so that nobody waits in a circle."""
        with ExitStack() as stack:
            for index in sorted({hash(target) % _STRIPES for target in targets}):
                stack.enter_context(self._stripes[index])
            yield


@dataclass(frozen=True)
class Emulator:
    """All there is to serve: the account under each of its names, the directory, its sidecar."""

    accounts: tuple[str, ...]
    key: bytes = field(repr=False)
    tree: Tree
    records: RecordStore
    locks: Locks = field(default_factory=Locks)
    takes_keys: bool = True  #: False: bearer tokens and user delegation only (allowSharedKeyAccess)

    def record(self, target: Target, entry: Entry) -> Record:
        return self.records.get(target.share, target.path, entry.inode)

    def keep(self, target: Target, entry: Entry, record: Record) -> Record:
        return self.records.put(target.share, target.path, entry.inode, record)


@dataclass(frozen=True)
class Call:
    """One authenticated request. Header names are in lower case, query values decoded."""

    emulator: Emulator
    method: str
    target: Target
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    account: str  #: the name of the account that the client uses
    claims: Mapping[str, object]  #: of the bearer token; none where a key or a signature opened
    endpoint: str  #: URL of the account as the client sees it, with a slash at the end

    @property
    def now(self) -> int:
        """Nanoseconds since the epoch."""
        return time.time_ns()

    @property
    def seconds(self) -> float:
        return time.time()

    @property
    def knows_file_leases(self) -> bool:
        """Whether the client's version of the protocol has leases of files ("Lease File": 2019-02-02)."""
        return self._version >= "2019-02-02"

    @property
    def knows_share_leases(self) -> bool:
        """The same of shares ("Lease Share": 2020-02-10)."""
        return self._version >= "2020-02-10"

    @property
    def _version(self) -> str:
        return self.headers.get("x-ms-version", NEWEST_VERSION)

    @property
    def lease_id(self) -> str:
        return self.headers.get("x-ms-lease-id", "")

    def flag(self, header: str) -> bool:
        return self.headers.get(header, "").lower() == "true"

    @property
    def include(self) -> frozenset[str]:
        return frozenset(filter(None, self.query.get("include", "").lower().split(",")))


@dataclass(frozen=True)
class Slice:
    """A part of an open file as the body of an answer; whoever sends it closes `descriptor`."""

    descriptor: int
    span: wire.Span


@dataclass(frozen=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Slice = b""


def xml(body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(200, {"Content-Type": "application/xml", **(headers or {})}, body)


def refuse_unsupported(call: Call) -> None:
    """Snapshots and CRC-framed bodies change what an operation means; better no answer than a wrong one."""
    if "sharesnapshot" in call.query or "prevsharesnapshot" in call.query:
        raise FilesError("NotImplemented", "this emulator has no share snapshots")
    if "x-ms-structured-body" in call.headers:
        raise FilesError(
            "NotImplemented", "this emulator has no structured (CRC64) bodies: use MD5 or no validation"
        )
