"""What the emulator says of blobs that are written: what analytics logs are to the real host.

Azurite appends a line [container, name, ETag] per blob (local/node/azurite_hooks.js). Reading along costs
a look at one file, however many blobs there are.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

#: A blob's name and its quoted ETag.
Change = tuple[str, str]


class BlobChanges:
    """The blobs of one container that are written, in order. For one thread."""

    def __init__(self, path: Path, container: str) -> None:
        self._path = path
        self._container = container
        self._file: BinaryIO | None = None
        self._rest = b""

    def whole(self) -> bool:
        """Whether `read` will report everything that is written from the last call on: false at first, after
        the emulator has begun another file, and while there is none. Then the container has to be listed."""
        if self._file is not None and self._is_current(self._file):
            return True
        self.close()
        try:
            self._file = self._path.open("rb")
        except FileNotFoundError:
            return False
        self._file.seek(0, os.SEEK_END)
        return False

    def read(self) -> Iterator[Change]:
        """What was written since the last call. A line that is still being written waits for the next one."""
        if self._file is None:
            return
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            container, name, etag = json.loads(line)
            if container == self._container:
                yield name, etag

    def close(self) -> None:
        """Read no further; `whole` begins anew."""
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""

    def _is_current(self, file: BinaryIO) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(file.fileno()))
        except FileNotFoundError:
            return False
