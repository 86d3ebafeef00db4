"""A cgroup (v2) of its own for a job: nothing a job starts can leave it, and one write kills it all.

Used where the machine has a unified hierarchy that this process may write to, which a root service of systemd
and a privileged container have; elsewhere sessions, marks and adoption do (runner/cage.py).
"""

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from runner.mounts import mountinfo

log = logging.getLogger(__name__)

_PREFIX = "batchai-"


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
        while self.path.exists():
            for folder, _, _ in list(os.walk(self.path, topdown=False)):
                try:
                    Path(folder).rmdir()
                except OSError:
                    break
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        return not self.path.exists()


def make(name: str) -> Cgroup | None:
    """A new group below this process's own; None where the machine does not offer that."""
    home = _home()
    if home is None:
        return None
    path = home / f"{_PREFIX}{name}"
    try:
        path.mkdir()
    except OSError:
        return None
    if not (path / "cgroup.kill").exists():
        path.rmdir()
        return None
    return Cgroup(path)


def _home() -> Path | None:
    mounts = [mount.target for mount in mountinfo.current() if mount.fstype == "cgroup2"]
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    own = next((line.partition("::")[2] for line in lines if line.startswith("0::")), None)
    return Path(mounts[0]) / own.lstrip("/") if mounts and own else None
