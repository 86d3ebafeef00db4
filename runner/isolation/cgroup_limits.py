"""What the kernel holds a job to by its cgroup controllers: memory, processes and a share of busy processors,
of all its processes together.

In the unified hierarchy (v2) both belong to the job's own group (machine/cgroups.py); where the machine still
has the controllers in hierarchies of their own (v1), the job gets a group in each. Files: the kernel's
admin-guide/cgroup-v2 and cgroup-v1.
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from runner.limits import Limits, size
from runner.machine import cgroups
from runner.machine.cgroups import Cgroup

log = logging.getLogger(__name__)

#: Controller -> file of the limit in v1 and in v2.
_LIMIT_FILES = {
    "cpu": ("cpu.shares", "cpu.weight"),
    "memory": ("memory.limit_in_bytes", "memory.max"),
    "pids": ("pids.max", "pids.max"),
}
#: Controller -> (file, key) that counts how often the limit was met.
_COUNTS = {
    "memory": (("memory.oom_control", "oom_kill"), ("memory.events", "oom_kill")),
    "pids": (("pids.events", "max"), ("pids.events", "max")),
}


@dataclass(frozen=True)
class Bound:
    """One limit, in force."""

    controller: str
    folder: Path
    unified: bool
    limit: int

    def count(self) -> int:
        """How often the kernel has had to enforce it; a share of the processors is nothing to report."""
        if self.controller not in _COUNTS:
            return 0
        file, key = _COUNTS[self.controller][self.unified]
        try:
            lines = (self.folder / file).read_text().splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.split()[0] == key), 0)


@dataclass(frozen=True)
class Bounds:
    """The limits of one attempt."""

    held: tuple[Bound, ...] = ()

    @property
    def folders(self) -> tuple[Path, ...]:
        """The groups that were made for it, beside the unified one."""
        return tuple(bound.folder for bound in self.held if not bound.unified)

    @property
    def entrances(self) -> tuple[str, ...]:
        """Files through which a process enters."""
        return tuple(str(folder / "cgroup.procs") for folder in self.folders)

    def holds(self, controller: str) -> bool:
        return any(bound.controller == controller for bound in self.held)

    def exceeded(self) -> str:
        """What the job was stopped from, in words; "" where it kept within its limits."""
        words = []
        for bound in self.held:
            if not (count := bound.count()):
                continue
            if bound.controller == "memory":
                ended = f"the kernel ended {count} of its processes"
                words.append(f"it needed more memory than jobs may use here ({size(bound.limit)}): {ended}")
            else:
                words.append(f"it wanted more processes and threads than jobs may have here ({bound.limit})")
        return "; ".join(words)

    def remove(self) -> None:
        """Remove the groups, whose processes are gone."""
        for folder in self.folders:
            Cgroup(folder).remove()


def cpu_shares() -> int:
    """What all processes of a job together weigh (v1; docker's --cpu-shares), however many they are: on each
    processor as much as one ordinary process, so that its runner gets its turn."""
    return min(262_144, 1024 * (os.cpu_count() or 1))


def set_up(name: str, limits: Limits, group: Cgroup | None) -> Bounds:
    """Limits for the attempt `name`, by controllers that this machine lets us use; `group` is its own of the
    unified hierarchy."""
    wanted = {
        "cpu": (cpu_shares(), min(10_000, 100 * (os.cpu_count() or 1))),
        "memory": (limits.memory, limits.memory),
        "pids": (limits.processes, limits.processes),
    }
    held = [
        bound
        for controller, (old, new) in wanted.items()
        if old and new and (bound := _in_unified(controller, new, group) or _in_v1(controller, old, name))
    ]
    return Bounds(tuple(held))


def _in_unified(controller: str, limit: int, group: Cgroup | None) -> Bound | None:
    if group is None:
        return None
    file = group.path / _LIMIT_FILES[controller][True]
    if not file.exists():
        return None
    try:
        file.write_text(str(limit))
        if controller == "memory" and (swap := group.path / "memory.swap.max").exists():
            # Or a job that needs too much would slow the whole node down first.
            swap.write_text("0")
    except OSError as error:
        log.warning("no limit of %s: %s", controller, error, extra={"action": "limits"})
        return None
    return Bound(controller, group.path, True, limit)


def _in_v1(controller: str, limit: int, name: str) -> Bound | None:
    home = cgroups.home_of(controller)
    if home is None:
        return None
    folder = home / cgroups.named(name)
    try:
        folder.mkdir()
        (folder / _LIMIT_FILES[controller][False]).write_text(str(limit))
    except OSError as error:
        log.warning("no limit of %s: %s", controller, error, extra={"action": "limits"})
        Cgroup(folder).remove(0)
        return None
    return Bound(controller, folder, False, limit)
