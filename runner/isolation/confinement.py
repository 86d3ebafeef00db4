"""The words before a job's command that make it run as its user, within its limits, in its own temp folders.

Each program replaces itself by the next, so the process stays the one that was started: its id, its parent
and its exit code are the command's. What a process inherits from the thread that starts it needs no program:
runner/processes/launcher.py.
"""

from dataclasses import dataclass

from runner.isolation.job_user import JobUser
from runner.limits import NO_LIMITS, Limits
from runner.machine.commands import find_program

# In a mount namespace of its own, whose queues are those of its IPC namespace. $1: pairs "folder<tab>place
# that it covers", $2: folders whose mounts are to vanish (other runners': what is mounted there could not be
# undone while this job runs), both one a line.
_COVER = r"""
tab=$(printf '\t')
while IFS=$tab read -r folder place; do
  [ -z "$folder" ] || mount --bind "$folder" "$place" || exit 125
done <<END
$1
END
[ ! -d /dev/mqueue ] || mount -t mqueue mqueue /dev/mqueue 2>/dev/null
[ -z "$2" ] || while IFS= read -r root; do
  while read -r source target rest; do
    case $target in "$root"/*) umount -l "$target" 2>/dev/null ;; esac
  done <<MOUNTS
$(cat /proc/self/mounts)
MOUNTS
done <<END
$2
END
shift 2
exec "$@"
"""


@dataclass(frozen=True)
class Confinement:
    """What a process of a job is held to."""

    user: JobUser
    limits: Limits = NO_LIMITS
    covers: tuple[tuple[str, str], ...] = ()  #: (folder, what it takes the place of), for this job alone
    hidden: tuple[str, ...] = ()  #: folders whose mounts the job does not see
    space: str = ""  #: path of the IPC namespace for this job alone

    def words(self, *, counted: bool = False) -> list[str]:
        """In the order in which they must stand. `counted`: a cgroup sees to the number of processes."""
        return [*self._own_mounts(), *self._limited(counted)]

    def _own_mounts(self) -> list[str]:
        if not self.covers:
            return []
        pairs = "\n".join(f"{folder}\t{place}" for folder, place in self.covers)
        unshare = find_program("unshare") or "unshare"
        hidden = "\n".join(self.hidden)
        # Slave: a volume that is mounted or unmounted later is so inside too, and nothing gets out.
        return [
            unshare,
            "--mount",
            "--propagation",
            "slave",
            "--",
            "/bin/sh",
            "-c",
            _COVER,
            "sh",
            pairs,
            hidden,
        ]

    def _limited(self, counted: bool) -> list[str]:
        # Counted per user. The runner's own may have a desktop full of processes, and root is not held to it.
        most = self.limits.processes
        prlimit = find_program("prlimit") if most and not counted and not self.user.is_own else None
        return [prlimit, f"--nproc={most}:{most}", "--"] if prlimit else []
