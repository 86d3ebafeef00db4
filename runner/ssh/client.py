"""What the processes of a job find: `ssh`, `scp` and `sftp` that know the job's other nodes.

OpenSSH looks for its configuration in the home that passwd names, whatever $HOME says, and jobs share that
home with others. So a folder of the job holds the configuration, and programs that stand first in PATH give
it to the real ones.
"""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.isolation.job_user import JobUser
from runner.ssh.access import Peer
from runner.ssh.keys import NodeKeys, make_folder, write

FOLDER = "ssh"  #: in the job's temp
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Finds the real program behind itself in PATH. $here is written into it.
_PROGRAM = r"""#!/bin/sh
# Part of the job's ssh: gives the real program the configuration that knows the job's other nodes.
name=${0##*/} here=%s
set -f
IFS=:
for folder in $PATH /usr/local/bin /usr/bin /bin; do
    real=$folder/$name
    if [ -x "$real" ] && ! [ "$real" -ef "$here/bin/$name" ]; then
        unset IFS
        %s
        exec "$real" -F "$here/config" "$@"
    fi
done
echo "$name is not installed here; install openssh-client in the image or in jobPreparation" >&2
exit 127
"""
# Containers have no sftp-server: the older protocol needs only scp itself on the other side, which is there
# if it is here. Before OpenSSH 8.7 there was no other, and no -O.
_OLD_SCP = (
    r"""case $("$real" -O 2>&1) in *"unknown option"* | *"illegal option"*) ;; *) set -- -O "$@" ;; esac"""
)


@dataclass(frozen=True)
class Client:
    """The job's own folder for ssh on this node, and whose it is."""

    folder: Path
    user: JobUser
    in_container: bool = False

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    @property
    def session(self) -> Path:
        """What a login runs, see `write_session`."""
        return self.folder / "session"

    def write(self, keys: NodeKeys, peers: Sequence[Peer]) -> None:
        """Make the folder, its key and its configuration. Raises OSError."""
        make_folder(self.folder, self.user)
        make_folder(self.programs, self.user)
        write(self.folder / "key", keys.job.private, self.user)
        write(self.folder / "known_hosts", known_hosts(peers), self.user)
        write(self.folder / "config", config(peers, self.folder), self.user)
        for name in ("ssh", "scp", "sftp"):
            extra = _OLD_SCP if name == "scp" and self.in_container else ":"
            text = _PROGRAM % (shlex.quote(str(self.folder)), extra)
            write(self.programs / name, text, self.user, 0o700)

    def environment(self, base: Mapping[str, str], job: Mapping[str, str]) -> dict[str, str]:
        """The job's variables `job`, with what makes its programs find ours; `base` as in StepHost."""
        path = job.get("PATH") or base.get("PATH") or os.defpath
        # mpirun finds `ssh` by PATH too. Its own setting for that would not do: it gives the other nodes the
        # path that is right on the leader.
        return {**job, "PATH": f"{self.programs}:{path}"}

    def write_session(self, environment: Mapping[str, str], scratch: str) -> None:
        """What a login finds: the job's variables, its working directory, a shell for the command asked for.

        Values stand in a file that only the job's user may read. `scratch` is a short path, for Open MPI:
        daemons that share a machine must not share its folder of sockets. Raises OSError.
        """
        lines = [
            f"export {name}={shlex.quote(value)}\n"
            for name, value in environment.items()
            if _VARIABLE.fullmatch(name)
        ]
        write(self.folder / "environment", "".join(lines), self.user)
        text = _SESSION % (shlex.quote(str(self.folder / "environment")), shlex.quote(scratch))
        write(self.session, text, self.user)


_SESSION = r"""# A login of the job's ssh. $1: the command, or nothing for a shell.
. %s
export OMPI_MCA_orte_tmpdir_base=%s/$$
mkdir -p "$OMPI_MCA_orte_tmpdir_base"
cd "$AZ_BATCHAI_JOB_WORK_DIR" || cd /
shell=$(command -v bash || echo sh)
if [ -n "$1" ]; then
    exec "$shell" -c "$1"
fi
exec "$shell" -i
"""


def config(peers: Sequence[Peer], folder: Path) -> str:
    """An ssh_config that knows every node by its id and by its address. Of nodes that share an address the
    first one has it."""
    lines, taken = [], set[str]()
    for peer in peers:
        names = [peer.node_id] if peer.address in taken else [peer.node_id, peer.address]
        taken.add(peer.address)
        lines += [
            f"Host {' '.join(names)}",
            f"  HostName {peer.address}",
            f"  Port {peer.access.port}",
            f"  User {peer.access.user}",
            f"  HostKeyAlias {peer.node_id}",
            f"  IdentityFile {_quoted(folder / 'key')}",
            f"  UserKnownHostsFile {_quoted(folder / 'known_hosts')}",
            *_TO_PEERS,
        ]
    # Whatever else the job reaches by ssh (a git server) is configured as it would be without us.
    return "\n".join([*lines, "Match all", "  Include ~/.ssh/config /etc/ssh/ssh_config", ""])


_TO_PEERS = (
    "  GlobalKnownHostsFile /dev/null",
    "  IdentitiesOnly yes",
    "  IdentityAgent none",
    "  StrictHostKeyChecking yes",
    "  UpdateHostKeys no",
    "  CheckHostIP no",
    "  BatchMode yes",
    "  LogLevel ERROR",
    "  ConnectTimeout 20",
    "  ServerAliveInterval 15",
    "  ServerAliveCountMax 4",
)


def known_hosts(peers: Sequence[Peer]) -> str:
    """The key of every node, under its id."""
    return "".join(f"{peer.node_id} {peer.access.host_key}\n" for peer in peers)


def _quoted(path: Path) -> str:
    # ssh_config knows %-tokens in paths, and quotes.
    return '"' + str(path).replace("%", "%%") + '"'
