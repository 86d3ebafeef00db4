"""What blobfuse2 logs of files that it could not upload.

It uploads a file when it is closed, and reports a failure to nobody but close(), which few programs heed.
Words as of 2.5.6, both caches; a close that failed is tried once more when the last descriptor is gone
(release).
"""

import re
from pathlib import Path

_FAILED = re.compile(
    rb"Libfuse::libfuse_(?P<step>flush|release) : error (?:flushing|closing) file (?P<name>.*), handle: \d+"
)


class UploadLog:
    """The log of one blobfuse2."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0

    def suspected(self) -> tuple[str, ...]:
        """Files whose upload has failed since this was asked last; a later try may have done better."""
        found, self._read = _found(self._log, self._read, b"flush", b"release")
        return found

    def lost(self) -> tuple[str, ...]:
        """Files that were closed for good and not uploaded, since the beginning."""
        return _found(self._log, 0, b"release")[0]


def _found(log: Path, start: int, *steps: bytes) -> tuple[tuple[str, ...], int]:
    """Names in their order, each once, and where the log ended."""
    try:
        with log.open("rb") as file:
            file.seek(start)
            text = file.read()
    except OSError:
        return (), start
    # A line that is still being written is read the next time.
    whole = text[: text.rfind(b"\n") + 1]
    names = [m["name"].decode(errors="replace") for m in _FAILED.finditer(whole) if m["step"] in steps]
    return tuple(dict.fromkeys(names)), start + len(whole)
