"""A cgroup (v2) of its own for a job: nothing a job starts can leave it, and one write kills it all.

Used where the machine has a unified hierarchy that this process may write to, which a root service of systemd
and a privileged container have; elsewhere sessions, marks and adoption do (process_tracker.py).
"""

import functools
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from runner.machine import mountinfo

log = logging.getLogger(__name__)

_PREFIX = "batchai-"
#: The group that a runner moves itself into, so that its own group can hold those of jobs.
_RUNNER = "batchai.runner"
_CONTROLLERS = ("cpu", "memory", "pids")


@dataclass(frozen=True)
class Cgroup:
    """A folder of the cgroup2 file system (kernel: admin-guide/cgroup-v2; cgroup.kill since 5.14)."""

    path: Path

    @property
    def entrance(self) -> str:
        """The file through which a process enters: it writes 0."""
        return str(self.path / "cgroup.procs")

    def pids(self) -> list[int]:
        """Every process inside, zombies aside; also those of groups that the job has made itself."""
        found: list[int] = []
        for folder, _, _ in list(os.walk(self.path)):
            try:
                found += map(int, (Path(folder) / "cgroup.procs").read_text().split())
            except OSError:
                continue  # gone meanwhile
        return found

    def kill(self) -> None:
        """SIGKILL to everything inside, forks under way included."""
        try:
            (self.path / "cgroup.kill").write_text("1")
        except OSError as error:
            log.warning("cgroup not killed: %s", error, extra={"action": "cgroup_kill"})

    def remove(self, seconds: float = 1.0) -> bool:
        """Remove the empty group; whether it is gone. A killed process leaves a moment later."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.path.rmdir()
                return True
            except FileNotFoundError:
                return True
            except OSError:
                pass  # the job has made groups of its own in it, or a process is still about to leave
            for folder, _, _ in list(os.walk(self.path, topdown=False)):
                try:
                    Path(folder).rmdir()
                except OSError:
                    break
            if not self.path.exists():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)


def named(name: str) -> str:
    """The folder of an attempt's group."""
    return f"{_PREFIX}{name}"


def make(name: str) -> Cgroup | None:
    """A new group below this process's own; None where the machine does not offer that."""
    home = home_of("")
    if home is None:
        return None
    path = home / named(name)
    try:
        path.mkdir()
    except OSError:
        return None
    if not (path / "cgroup.kill").exists():
        path.rmdir()
        return None
    return Cgroup(path)


def home_of(controller: str) -> Path | None:
    """The folder below which groups of ours belong: in the unified hierarchy for "", else in that of a v1
    controller; None where it is not mounted."""
    return _home(controller, mountinfo.text(), _memberships("self"))


@functools.lru_cache(maxsize=4)
def _home(controller: str, mounts: str, memberships: str) -> Path | None:
    """`home_of`, by what the kernel says, which is the same for job after job."""
    target = _target(controller, mounts)
    own = _own(controller, memberships)
    if not target or own is None:
        return None
    if own.name == _RUNNER:
        own = own.parent
    # In a container the hierarchy may be mounted from our own group on.
    found = (Path(target) / str(own).lstrip("/"), Path(target))
    return next((path for path in found if path.is_dir()), None)


@functools.lru_cache(maxsize=8)
def _target(controller: str, mounts: str) -> str:
    """Where the hierarchy of a controller is mounted, by the text of mountinfo; "" where it is not. Asked
    again and again for every job."""
    return next((mount.target for mount in mountinfo.parse(mounts) if _is_of(mount, controller)), "")


def group_of(pid: int) -> Path | None:
    """The folder of a process's group in the unified hierarchy; None where that is not mounted, or the group
    is its root, where everything is."""
    target = _target("", mountinfo.text())
    own = _own("", _memberships(pid))
    if not target or own is None or own.parts[1:] == ():
        return None
    return Path(target) / str(own).lstrip("/")


def _is_of(mount: mountinfo.Mount, controller: str) -> bool:
    if not controller:
        return mount.fstype == "cgroup2"
    return mount.fstype == "cgroup" and Path(mount.target).name.split(",").count(controller) == 1


def _memberships(pid: int | str) -> str:
    """/proc/PID/cgroup: lines "number:controllers:path"; "" where it cannot be read."""
    try:
        with open(f"/proc/{pid}/cgroup") as file:  # noqa: PTH123 - asked again and again for every job
            return file.read()
    except OSError:
        return ""


def _own(controller: str, memberships: str) -> PurePosixPath | None:
    """Where a process is."""
    for line in memberships.splitlines():
        number, controllers, path = line.split(":", 2)
        if controller in controllers.split(",") and (controller or number == "0"):
            return PurePosixPath(path)
    return None


def delegate() -> None:
    """Have the controllers for the groups of our jobs, where the machine has them in the unified hierarchy. A
    group with processes in it cannot give any to those below it, so this process moves into one of its own.
    Nothing happens where that cannot be: other programs are in the same group, or it is not ours to change.
    """
    home = home_of("")
    if home is None:
        return
    try:
        offered = (home / "cgroup.controllers").read_text().split()
        given = (home / "cgroup.subtree_control").read_text().split()
        missing = [name for name in _CONTROLLERS if name in offered and name not in given]
        if not missing:
            return
        inside = {int(pid) for pid in (home / "cgroup.procs").read_text().split()}
        if inside == {os.getpid()}:
            leaf = home / _RUNNER
            leaf.mkdir(exist_ok=True)
            (leaf / "cgroup.procs").write_text("0")
    except OSError as error:
        log.info("no cgroup controllers for jobs: %s", error, extra={"action": "cgroups"})
        return
    for name in missing:  # each by itself: that of processors may be refused (a process in real time)
        _give(name, home)


def _give(controller: str, home: Path) -> None:
    try:
        with (home / "cgroup.subtree_control").open("a") as file:
            file.write(f"+{controller}\n")
    except OSError as error:
        words = (controller, error)
        log.info("no cgroup controller of %s for jobs: %s", *words, extra={"action": "cgroups"})
