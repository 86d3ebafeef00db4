"""What this machine needs to take part in jobs of several nodes."""

from collections.abc import Mapping

from runner.doctor.check import Check, not_checked, ok
from runner.isolation import job_user
from runner.machine.commands import find_program
from runner.ssh import server

_NAME = "jobs on several nodes"
#: Program -> Debian's package.
_PROGRAMS = {
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "sshfs": "sshfs",
}


def several() -> list[Check]:
    """The programs, and the account that jobs in containers and jobs of root log in to."""
    user = job_user.own()
    found = {name: find_program(name) for name in (*_PROGRAMS, "mpirun")}
    return [verdict(found, server.fault(user), user.name)]


def verdict(found: Mapping[str, str | None], fault: str | None, user: str) -> Check:
    """`found`: where each program is; `fault`: why sshd cannot run for `user`. No failure where something is
    missing: the node does everything else."""
    missing = [name for name in _PROGRAMS if not found.get(name)]
    if missing:
        message = f"no {', '.join(missing)}: this node takes no part in jobs with nodeCount above 1"
        packages = dict.fromkeys(_PROGRAMS[name] for name in missing)
        return not_checked(_NAME, message, f"sudo apt-get install {' '.join(packages)}")
    if fault:
        return not_checked(_NAME, fault, f"sudo usermod -p '*' {user}")
    mpirun = found.get("mpirun") or "no mpirun: MPI toolkits outside containers need one"
    return ok(_NAME, f"sshd, ssh and sshfs are there; {mpirun}")
