"""One log stream on its way: what its writer has written so far, and how much of that has arrived."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from shared.errors import BatchAIError, NotFoundError
from shared.jobs.model import StreamSeal


class Source(Protocol):
    """Where a stream's bytes are read."""

    def size(self) -> int:
        """Raises OSError."""

    def read(self, offset: int, most: int) -> bytes:
        """Raises OSError."""

    def close(self) -> None:
        """Nothing is read any more; a second time does nothing."""


@dataclass(frozen=True)
class SpoolFile:
    """A file of the runner's own, at a path that nobody else can change."""

    path: Path

    def size(self) -> int:
        return self.path.stat().st_size

    def read(self, offset: int, most: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(most)

    def close(self) -> None:
        """It is open only while it is read."""


@dataclass
class OpenFile:
    """A file that lies where the job can put something else in its place. It was opened when it was made and
    is read through that: whatever the path leads to later, nothing but this file is carried. The descriptor
    is this object's to close."""

    descriptor: int

    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def read(self, offset: int, most: int) -> bytes:
        return os.pread(self.descriptor, most, offset)

    def close(self) -> None:
        """See Source."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


@dataclass
class Stream:
    """A log file, and how far it has come. `most`: no more bytes than these are carried; `waits`: the file is
    made once there is something to write to it, so that one that stays empty costs nothing."""

    name: str
    source: Source
    most: int | None = None
    waits: bool = False
    started: bool = False
    sent: int = 0
    position: int = 0  #: in the source; not `sent` where the writer has begun it anew
    lines: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    sent_at: float = 0.0  #: monotonic, of the latest piece
    piece: bytes = b""  #: on its way: until it is known to have arrived, nothing else is sent
    fault: Exception | None = None  #: of the latest try
    refusals: int = 0  #: tries in a row that failed
    again_at: float = 0.0  #: monotonic

    @property
    def ready(self) -> bool:
        """Whether its file is to be made, or was; also where its bytes cannot be read: sending finds out."""
        if self.started or not self.waits:
            return True
        try:
            return self.source.size() > 0
        except OSError:
            return True

    @property
    def over(self) -> bool:
        """Whether there is nothing left to send."""
        try:
            return not self.ready or (self.started and not self.left())
        except OSError:
            return False

    @property
    def whole(self) -> bool:
        """Whether everything that was written has arrived."""
        try:
            return self.started and self.position == self.source.size()
        except OSError:
            return False

    @property
    def hopeless(self) -> bool:
        """Whether nobody needs to wait for a further try: the share is missing, or the bytes to be sent."""
        return isinstance(self.fault, NotFoundError | OSError)

    def left(self) -> int:
        """Bytes that are there to be sent. Raises OSError."""
        size = self.source.size()
        if size < self.position and not self.piece:
            self.position = 0  # its writer has begun it anew
        allowed = size if self.most is None else max(0, self.most - self.sent)
        return max(0, min(size - self.position, allowed))

    def take(self, most: int) -> None:
        """Read the next piece. Raises OSError."""
        length = min(most, self.left())
        self.piece = self.source.read(self.position, length)

    def arrived(self) -> None:
        """The piece was written where people read it."""
        self.digest.update(self.piece)
        self.sent += len(self.piece)
        self.position += len(self.piece)
        self.lines += self.piece.count(b"\n")

    @property
    def seal(self) -> StreamSeal:
        """What is known of it at the end."""
        return StreamSeal(self.name, self.sent, self.digest.hexdigest(), self.whole, self.lines)


def words_of(error: Exception | None) -> str:
    """What people read of it. Texts of others' exceptions may hold addresses with signatures."""
    return str(error or "") if isinstance(error, BatchAIError) else type(error).__name__ if error else ""
