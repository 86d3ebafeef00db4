"""How much a job may use: what the operator says, else what leaves space for the runner."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Limits:
    """What a job may use at most, all its processes together; None: as much as the machine lets it."""

    processes: int | None = None  #: threads count too
    memory: int | None = None  #: bytes


NO_LIMITS = Limits()


_PROCESSES, _MEMORY = "BATCHAI_JOB_PROCESSES", "BATCHAI_JOB_MEMORY"
_NONE = ("0", "none")
_GIB = 1024**3
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": _GIB, "T": 1024**4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
#: A job's threads count too, and libraries start one per processor, in every process.
_LEAST_PROCESSES, _PER_PROCESSOR = 4096, 512


def limits_from(env: Mapping[str, str], faults: list[str]) -> Limits:
    """The settings' limits. Faults are added in words."""
    return Limits(_processes(env, faults), _memory(env, faults))


def _processes(env: Mapping[str, str], faults: list[str]) -> int | None:
    text = env.get(_PROCESSES, "").strip().lower()
    if not text:
        return default_processes()
    if text in _NONE:
        return None
    if not text.isdigit() or int(text) < 16:
        faults.append(f"{_PROCESSES} is '{text}'; it must be a number of at least 16, or none")
        return None
    return int(text)


def _memory(env: Mapping[str, str], faults: list[str]) -> int | None:
    text = env.get(_MEMORY, "").strip().lower()
    if not text:
        return default_memory()
    if text in _NONE:
        return None
    size = memory_from(text)
    if size < 16 * _UNITS["M"]:
        faults.append(f"{_MEMORY} is '{text}'; it must be a size such as 24G or 800M, 16M at least, or none")
        return None
    return size


def memory_from(text: str) -> int:
    """Bytes of "24G", "1.5 GiB", "800M" (powers of 1024); 0 where it cannot be read."""
    match = _SIZE.fullmatch(text.strip())
    return int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0


def default_processes() -> int:
    """Half of what the machine can have at once, at most."""
    wanted = max(_LEAST_PROCESSES, _PER_PROCESSOR * (os.cpu_count() or 1))
    most = [number for name in ("pid_max", "threads-max") if (number := _number(f"/proc/sys/kernel/{name}"))]
    return min([wanted, *(number // 2 for number in most)])


def default_memory() -> int:
    """All of the machine's memory but a gigabyte, or half of it on a small one."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(total - _GIB, total // 2)


def _number(path: str) -> int:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return 0


def size(number: int) -> str:
    """Bytes for people: "21.5 GiB"."""
    return f"{number / _GIB:.1f} GiB" if number >= _GIB else f"{number / _UNITS['M']:.0f} MiB"
