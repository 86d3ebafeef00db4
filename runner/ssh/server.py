"""The sshd of one node of a job: OpenSSH's own, with a configuration, a key and a port of the attempt's."""

import shlex
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.isolation.job_user import JobUser
from runner.machine.commands import find_program
from runner.machine.network import HeldPorts
from runner.processes import job_process
from runner.processes.job_process import JobProcess
from runner.processes.step_host import StepHost
from runner.ssh.access import Peer, SshError
from runner.ssh.keys import NodeKeys, make_folder, write

#: Ports of sshd are looked for from here on; below those of outgoing connections.
SSH_PORTS = 20022
_START_SECONDS = 20.0
_SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
)
_PRIVILEGE_SEPARATION = Path("/run/sshd")
_LOG_LIMIT = 2000


@dataclass(frozen=True)
class Server:
    """Where an sshd is to listen and what a login gets."""

    folder: Path  #: made for it; only `user` may look into it
    user: JobUser  #: who it runs as, which is the one that may log in
    address: str
    port: HeldPorts  #: one port; released when sshd opens it
    #: Words before `sh SESSION COMMAND`: none on the node itself, `docker exec -i NAME` into a container.
    enter: Sequence[str]
    session: Path  #: see Client.write_session

    def write(self, keys: NodeKeys, peers: Sequence[Peer]) -> None:
        """Make the folder with everything sshd reads. Raises OSError."""
        make_folder(self.folder, self.user)
        write(self.folder / "host_key", keys.host.private, self.user)
        write(self.folder / "authorized_keys", self._authorized_keys(peers), self.user)
        write(self.folder / "sshd_config", self._config(), self.user)

    def _authorized_keys(self, peers: Sequence[Peer]) -> str:
        """The job's keys get a session, the runners' keys files and nothing else."""
        words = [*self.enter, "/bin/sh", str(self.session)]
        command = f'exec {shlex.join(words)} "$SSH_ORIGINAL_COMMAND"'.replace('"', r"\"")
        lines = [f'restrict,pty,command="{command}" {peer.access.job_key}\n' for peer in peers]
        return "".join(
            [*lines, *(f'restrict,command="internal-sftp" {peer.access.node_key}\n' for peer in peers)]
        )

    def _config(self) -> str:
        sftp = next((path for path in _SFTP_SERVERS if Path(path).exists()), "internal-sftp")
        return _CONFIG.format(
            port=self.port.numbers[0],
            listen=f"ListenAddress {self.address}" if _is_here(self.address) else "",
            user=self.user.name,
            host_key=self.folder / "host_key",
            authorized_keys=str(self.folder / "authorized_keys").replace("%", "%%"),
            sftp=sftp,
        )


_CONFIG = """Port {port}
{listen}
HostKey "{host_key}"
AuthorizedKeysFile "{authorized_keys}"
AllowUsers {user}
AuthenticationMethods publickey
PermitRootLogin forced-commands-only
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
# The folder above is its owner's alone, which is all that is asked of it.
StrictModes no
DisableForwarding yes
PermitUserEnvironment no
PermitUserRC no
PidFile none
PrintMotd no
PrintLastLog no
UseDNS no
# mpirun logs in to every node from one, at once.
MaxStartups 256
MaxSessions 256
LoginGraceTime 30
ClientAliveInterval 15
ClientAliveCountMax 4
LogLevel VERBOSE
Subsystem sftp {sftp}
"""


def fault(user: JobUser) -> str | None:
    """Why no sshd for this user can run on this machine, or None."""
    if find_program("sshd") is None:
        return "sshd is not installed (apt-get install openssh-server)"
    if _is_locked(user.name):
        return f"the account {user.name} is locked, which OpenSSH refuses (usermod -p '*' {user.name})"
    return None


@contextmanager
def serving(
    server: Server, keys: NodeKeys, peers: Sequence[Peer], step_host: StepHost, say: Callable[[str], None]
) -> Iterator[None]:
    """sshd runs inside the block, started in the step host as `server.user`, and is gone after it. Its folder
    is removed with the one above, which may be the job's to change.

    Raises SshError when it does not come up.
    """
    if wrong := fault(server.user):
        raise SshError(wrong)
    try:
        server.write(keys, peers)
        if server.user.uid == 0:
            _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    except OSError as error:
        raise SshError(f"the files of sshd cannot be written: {error}") from error
    number = server.port.numbers[0]
    running = _start(server, step_host)
    try:
        _wait_until_up(running, server, number)
        say(f"sshd answers at {server.address} port {number}")
        yield
    finally:
        job_process.stop([running], 1.0)
        if left := running.tree():
            say(f"sshd could not be stopped: {', '.join(str(member.pid) for member in left)}")


def _start(server: Server, step_host: StepHost) -> JobProcess:
    words = [find_program("sshd") or "sshd", "-D", "-e", "-f", str(server.folder / "sshd_config")]
    log = server.folder / "log"
    write(log, "", server.user)
    server.port.release()
    return step_host.start("sshd", f"exec {shlex.join(words)}", {}, log, log)


def _wait_until_up(running: JobProcess, server: Server, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    address = server.address if _is_here(server.address) else "localhost"
    while not _greets(address, port):
        if running.exit_code is not None or time.monotonic() > deadline:
            how = "does not answer" if running.exit_code is None else f"ended with {running.exit_code}"
            raise SshError(f"sshd at {server.address} port {port} {how}: {_words(server.folder / 'log')}")
        time.sleep(0.02)


def _greets(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2.0) as connection:
            connection.settimeout(2.0)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _words(log: Path) -> str:
    try:
        return " | ".join(log.read_text(errors="replace")[-_LOG_LIMIT:].split("\n")).strip(" |")
    except OSError:
        return ""


def _is_here(address: str) -> bool:
    """Whether this machine has the address itself: behind a translated one, sshd listens everywhere."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(where)
    except OSError:
        return False
    return True


def _is_locked(name: str) -> bool:
    """Without PAM, sshd refuses accounts whose password begins with "!". Only root can look."""
    try:
        lines = Path("/etc/shadow").read_text().splitlines()
    except OSError:
        return False
    return any(line.split(":")[:2][-1].startswith("!") for line in lines if line.startswith(f"{name}:"))
