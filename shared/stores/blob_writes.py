"""When a blob was last written, where somebody tells: the local stack's emulator does, Azure does not."""

from pathlib import Path


def last_write(told: str) -> float | None:
    """When the file `told`, to which each written blob is appended, was last changed, in seconds since the
    epoch; None where there is none: then nobody knows."""
    try:
        return Path(told).stat().st_mtime if told else None
    except OSError:
        return None
