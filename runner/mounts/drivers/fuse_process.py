"""The process behind a FUSE mount: started as our own child, watched until mounted, known to be gone."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.machine import mountinfo
from runner.machine.commands import find_program, kill_group, wait
from runner.secrets.redaction import masked

_LOG_LIMIT = 3000


@dataclass(frozen=True)
class FuseProcess:
    """A running FUSE program and where it mounts."""

    name: str
    child: subprocess.Popen[bytes]
    target: Path
    log: Path
    secrets: tuple[str, ...]

    def words(self) -> str:
        """The end of what it has logged, in one line, secrets masked."""
        try:
            text = self.log.read_bytes()[-2 * _LOG_LIMIT :].decode(errors="replace")
        except OSError:
            return ""
        # Masked before it is cut: half a secret would not be known for one.
        lines = [line.strip() for line in masked(text, self.secrets)[-_LOG_LIMIT:].splitlines()]
        return " | ".join(line for line in lines if line.strip("-"))

    def ended(self, seconds: float = 0.0) -> int | None:
        """Its exit status, or None while it runs; waits for up to `seconds`."""
        return wait(self.child, seconds)


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    target: Path,
    log: Path,
    secrets: tuple[str, ...],
) -> FuseProcess:
    """Start the program in its own session; returns at once. Raises OSError where it cannot be started."""
    with log.open("ab") as output:
        log.chmod(0o600)
        child = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
        )
    return FuseProcess(Path(command[0]).name, child, target, log, secrets)


def wait_until_mounted(process: FuseProcess, seconds: float) -> str | None:
    """None once the mount is there, otherwise what went wrong."""
    deadline = time.monotonic() + seconds
    while mountinfo.mounted_at(process.target) is None:
        code = process.child.poll()
        if code is not None:
            return f"{process.name} ended with exit status {code}: {process.words()}"
        if time.monotonic() > deadline:
            return f"{process.name} has not mounted it within {seconds:.0f} s (timed out): {process.words()}"
        time.sleep(0.01)
    return None


def wait_until_gone(process: FuseProcess, seconds: float) -> bool:
    """Wait for the process to end after its mount is gone; kill it where it does not. False: stuck."""
    return wait(process.child, seconds) is not None or kill_group(process.child)


def fuse_fault() -> str | None:
    """Why FUSE cannot be used here, or None."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is missing or closed to this user"
    if find_program("fusermount3") is None:
        return "fusermount3 is not installed (apt-get install fuse3)"
    return None


def may_allow_others() -> bool:
    """Whether other users than the runner's may be let in: FUSE leaves that to root or /etc/fuse.conf."""
    if os.geteuid() == 0:
        return True
    try:
        lines = Path("/etc/fuse.conf").read_text().splitlines()
    except OSError:
        return False
    return any(line.strip() == "user_allow_other" for line in lines)
