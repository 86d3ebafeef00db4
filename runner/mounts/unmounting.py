"""Undo a mount and check it: politely first, then by force, each step in a child with a time limit.

Order: the plain way; the same after the processes that still use it were killed; by force; lazily.
Nothing here ever removes a file: a mount point is removed by rmdir alone.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.machine import mountinfo
from runner.machine.commands import find_program, run
from runner.machine.mountinfo import Mount
from runner.mounts.types import UnmountError, Volume

_BUSY_KILL_SECONDS = 2.0
_FORCE = frozenset(("-f", "-l", "-z"))


@dataclass(frozen=True)
class Undone:
    """What was tried, in order, and whether the path is free now. `forced`: it took -f, -l or -z; `found`:
    something had been mounted there."""

    gone: bool
    steps: tuple[str, ...]
    forced: bool
    found: bool = True

    def __str__(self) -> str:
        return "; ".join(self.steps)


def unmount(target: Path, say: Callable[[str], None], timeout_seconds: float) -> Undone:
    """Unmount whatever is mounted at exactly `target`, once. Nothing mounted there counts as done."""
    found = mountinfo.mounted_at(target)
    if found is None:
        return Undone(True, ("nothing was mounted there",), forced=False, found=False)
    steps: list[str] = []
    for command, kill_first in _escalation(found):
        if kill_first:
            killed = kill_holders(target)
            if killed:
                steps.append(f"killed what still used it: {', '.join(killed)}")
                say(f"{target} was still in use; killed {', '.join(killed)}")
        result = run(command, timeout_seconds=timeout_seconds)
        steps.append(str(result))
        if mountinfo.mounted_at(target) != found:
            return Undone(True, tuple(steps), forced=bool(_FORCE & set(command)))
    return Undone(False, tuple(steps), forced=True)


def forced(volume: Volume, target: Path, undone: Undone) -> UnmountError:
    """What is reported where a volume is gone, but not the polite way."""
    return UnmountError(
        volume.code,
        f"{volume} was unmounted from {target} by force: {undone}.",
        "Its server had stopped answering, or a process that could not be killed had it open; what had not "
        "arrived yet is lost.",
    )


def _escalation(mount: Mount) -> Iterator[tuple[list[str], bool]]:
    """(command, kill the users first), gentlest first. `umount -f` is what frees a hung NFS mount."""
    umount, target = find_program("umount") or "umount", mount.target
    fusermount = find_program("fusermount3") or find_program("fusermount")
    if mount.is_fuse and fusermount:
        yield [fusermount, "-u", target], False
        yield [fusermount, "-u", target], True
        yield [fusermount, "-u", "-z", target], False
        return
    yield [umount, target], False
    yield [umount, target], True
    if not mount.is_fuse:
        yield [umount, "-f", target], False
    yield [umount, "-l", target], False


def kill_holders(target: Path) -> tuple[str, ...]:
    """SIGKILL to the processes with a file, directory or program below `target`; who they were.

    This process, those it descends from and process 1 are spared. Reads links in /proc only: that asks
    nothing of a file system that may hang.
    """
    spared = set(_line_of_ancestors())
    killed = []
    for pid in _holders(str(mountinfo.real(target))):
        if pid not in spared:
            name = _name(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
            killed.append(f"{name} ({pid})")
    if killed:
        _wait_until_free(target, spared)
    return tuple(killed)


def _wait_until_free(target: Path, spared: set[int]) -> None:
    deadline = time.monotonic() + _BUSY_KILL_SECONDS
    while time.monotonic() < deadline and set(_holders(str(mountinfo.real(target)))) - spared:
        time.sleep(0.02)


def _holders(target: str) -> Iterator[int]:
    below = target + "/"
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and any(
            link == target or link.startswith(below) for link in _links(process)
        ):
            yield int(process.name)


def _links(process: Path) -> Iterator[str]:
    """What the process has open: working directory, root, program, files; of a foreign user, nothing."""
    for name in ("cwd", "root", "exe"):
        yield from _link(process / name)
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return
    for descriptor in descriptors:
        yield from _link(descriptor)


def _link(path: Path) -> Iterator[str]:
    try:
        yield str(path.readlink())
    except OSError:
        return


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "?"


def _line_of_ancestors() -> Iterator[int]:
    pid = os.getpid()
    while pid > 1:
        yield pid
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            break
        pid = int(stat.rpartition(")")[2].split()[1])
    yield 1
