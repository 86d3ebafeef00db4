"""What the processes of a job use of their machine: processors, memory, disk.

The kernel counts it for a cgroup (v2) as a whole; where the job has none it is the sum over its processes.
Either way only the job's own are looked at: others cost nothing. Files: the kernel's admin-guide/cgroup-v2,
proc(5).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from runner.processes import process_table

#: Fields of /proc/PID/stat after the name: user and system time, its own and of children it waited for.
_TIMES = slice(11, 15)
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """At one moment. The counters are of everything that there was so far, as far as it is known."""

    cpu_seconds: float = 0.0
    #: What the processes have allocated, and memory they share; not what the kernel keeps of files they read.
    memory_bytes: int = 0
    read_bytes: int = 0  #: from disks
    written_bytes: int = 0
    processes: int = 0


def of_group(folder: Path, pids: Iterable[int]) -> Usage | None:
    """Of a cgroup and its processes; None where the kernel does not count for it."""
    cpu = _keyed(folder / "cpu.stat").get("usage_usec")
    if cpu is None:
        return None
    summed = of_processes(pids)
    memory, disk = _keyed(folder / "memory.stat"), _disk(folder / "io.stat")
    return Usage(
        cpu / 1e6,
        memory["anon"] + memory.get("shmem", 0) if "anon" in memory else summed.memory_bytes,
        *(disk or (summed.read_bytes, summed.written_bytes)),
        summed.processes,
    )


def of_processes(pids: Iterable[int]) -> Usage:
    """The sum over processes; one that ends meanwhile is left out."""
    found = [usage for pid in pids if (usage := _of_process(pid))]
    shared = max((of_it for _, of_it in found), default=0)
    each = [usage for usage, _ in found]
    return Usage(
        sum(usage.cpu_seconds for usage in each),
        # What one process shares with others is mostly the same for all: libraries, loaders' shared memory.
        sum(usage.memory_bytes for usage in each) + shared,
        sum(usage.read_bytes for usage in each),
        sum(usage.written_bytes for usage in each),
        len(each),
    )


def _of_process(pid: int) -> tuple[Usage, int] | None:
    """A process, and the bytes of its memory that others may share."""
    try:
        stat = process_table.read(pid, "stat")
        _, resident, shared, *_ = (int(word) * _PAGE for word in process_table.read(pid, "statm").split())
    except (OSError, ValueError):
        return None
    times = stat[stat.rindex(b")") + 2 :].split()[_TIMES]
    disk = _disk_of(pid)
    cpu = sum(map(int, times)) / _TICKS
    own = max(0, resident - shared)
    return Usage(cpu, own, disk.get("read_bytes", 0), disk.get("write_bytes", 0), 1), shared


def _disk_of(pid: int) -> dict[str, int]:
    try:
        text = process_table.read(pid, "io").decode()
    except (OSError, ValueError):
        return {}  # gone, or another user's
    return {name: int(value) for name, _, value in (line.partition(":") for line in text.splitlines())}


def _keyed(file: Path) -> dict[str, int]:
    """Lines "name number"; empty where there is no such file."""
    try:
        lines = file.read_text().splitlines()
        return {name: int(value) for name, value in (line.split() for line in lines)}
    except (OSError, ValueError):
        return {}


def _disk(file: Path) -> tuple[int, int] | None:
    """(read, written) bytes over all devices; None where the kernel does not count them here."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    words = [word.partition("=") for line in lines for word in line.split()[1:]]
    counts = [(name, int(value)) for name, _, value in words if value.isdigit()]
    read, written = (sum(n for name, n in counts if name == key) for key in ("rbytes", "wbytes"))
    return read, written
