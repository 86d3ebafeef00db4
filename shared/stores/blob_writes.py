"""When a blob was last written, where somebody tells: the emulator of the local stack does. Azure does not."""

from pathlib import Path


def last_write(told: str) -> float | None:
    """The time (seconds since the epoch) at which the file `told`, to which each written blob is appended, was
    last changed; None where there is none: then nobody knows."""
    try:
        return Path(told).stat().st_mtime if told else None
    except OSError:
        return None
