"""One log stream on its way: what its writer has written so far, and how much of that has arrived."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.errors import BatchAIError, NotFoundError
from shared.jobs.model import StreamSeal


@dataclass
class OpenFile:
    """A file, opened when it was made and read through that: whatever its path leads to later (the job may
    put something else there), nothing but this file is carried. The descriptor is this object's to close."""

    descriptor: int

    def size(self) -> int:
        """Bytes. Raises OSError."""
        return os.fstat(self.descriptor).st_size

    def read(self, offset: int, most: int) -> bytes:
        """Raises OSError."""
        return os.pread(self.descriptor, most, offset)

    def close(self) -> None:
        """Nothing is read any more; a second time does nothing."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def opened(path: Path) -> OpenFile:
    """The file at `path`, made if there is none. Raises OSError."""
    return OpenFile(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))


@dataclass
class Stream:
    """A log file, and how far it has come. `most`: no more bytes than these are carried; `waits`: the file is
    made once there is something to write to it, so that one that stays empty costs nothing."""

    name: str
    source: OpenFile
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
