"""Run an external program in a child, with a time limit that holds though it hangs in the kernel."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.secrets.redaction import masked
from runner.secrets.settings import without_settings

_OUTPUT_LIMIT = 4000
_AFTER_KILL_SECONDS = 2.0
#: Children that did not die of SIGKILL (state D). Kept so that nobody waits for them and none is forgotten.
_stuck: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Finished:
    """How a program ended. `code` is None where it did not start or had to be given up."""

    command: str  #: for messages; secrets are never on it
    code: int | None
    output: str  #: stdout and stderr together, cut, secrets masked
    timed_out: bool = False
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.code == 0

    def __str__(self) -> str:
        if self.timed_out:
            how = f"gave no answer within {self.seconds:.0f} s and was stopped"
        elif self.code is None:
            how = "could not be started"
        else:
            how = f"exit status {self.code}"
        return f"`{self.command}`: {how}{f': {self.output}' if self.output else ''}"


def find_program(name: str) -> str | None:
    """Absolute path of a program on PATH, beside the interpreter (virtual environment) or in an sbin."""
    beside = os.fspath(Path(sys.executable).parent)
    places = os.pathsep.join((os.environ.get("PATH", ""), beside, "/usr/local/sbin", "/usr/sbin", "/sbin"))
    return shutil.which(name, path=places)


def run(
    command: Sequence[str],
    *,
    timeout_seconds: float,
    environment: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
) -> Finished:
    """Run to the end or to the limit; then SIGKILL to its whole group. Raises nothing. `environment` None is
    this process's without the runner's settings.

    A child that survives SIGKILL (it waits in the kernel) is left behind, listed by `stuck_children`.
    """
    shown = masked(" ".join(command), secrets)
    started = time.monotonic()
    # A file and not a pipe: a daemon that the program leaves behind would hold a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        try:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=without_settings(os.environ) if environment is None else dict(environment),
                cwd="/",  # never a directory that may be, or lie on, a dead mount
                start_new_session=True,
            )
        except OSError as error:
            return Finished(shown, None, str(error))
        code = wait(child, timeout_seconds)
        timed_out = code is None
        if timed_out:
            kill_group(child)
        output.seek(0)
        text = output.read(_OUTPUT_LIMIT * 4).decode(errors="replace").strip()
    text = masked(text, secrets)[:_OUTPUT_LIMIT]
    return Finished(shown, code, text, timed_out, time.monotonic() - started)


def wait(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit status, or None where the child still runs after `seconds`."""
    try:
        return child.wait(max(seconds, 0.0))
    except subprocess.TimeoutExpired:
        return None


def kill_group(child: subprocess.Popen[bytes]) -> bool:
    """SIGKILL to the child's process group (it leads one). False where it does not die: then it is stuck."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if wait(child, _AFTER_KILL_SECONDS) is None:
        _stuck.append(child)
        return False
    return True


def stuck_children() -> tuple[int, ...]:
    """Process ids of children that SIGKILL did not end. Not empty: the machine needs a look."""
    _stuck[:] = [child for child in _stuck if child.poll() is None]
    return tuple(child.pid for child in _stuck)
