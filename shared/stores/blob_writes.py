"""When a blob was last written, where it is known: the local stack's emulator does, Azure does not."""

from pathlib import Path


def last_write(changes: str) -> float | None:
    """When the file `changes`, to which each written blob is appended, was last changed, in seconds since the
    epoch; None where there is none: then nobody knows."""
    try:
        return Path(changes).stat().st_mtime if changes else None
    except OSError:
        return None
