"""A process of a job inside its container: started by `docker exec`, watched and ended on the node itself.

The client of `docker exec` forwards no signals, and what it reports is what the daemon reports to it, while
that answers. So the processes themselves are found in the node's /proc by the marks in their environment.
"""

import os
import re
import shlex
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from runner.containers.container import EXITS, Container
from runner.containers.errors import ContainerLostError
from runner.processes.job_process import MARK, JobProcess
from runner.processes.process_table import Table, is_alive, look, marked, with_descendants
from runner.processes.process_tracker import ProcessTracker
from shared.errors import LaunchError

_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
#: Names that bash, as /bin/sh of some images, refuses to set.
_READ_ONLY = frozenset({"UID", "EUID", "PPID", "BASHOPTS", "SHELLOPTS", "BASH_VERSINFO"})
# The kernel is to take the job when memory runs out. bash as on the node, where the image has it. This shell
# lives through SIGTERM, for it has to report how its child ended, and says nothing itself.
_START = """{{ echo 500 >/proc/self/oom_score_adj; }} 2>/dev/null
for shell in /bin/bash /usr/bin/bash /usr/local/bin/bash /bin/sh; do [ -x "$shell" ] && break; done
trap : TERM INT HUP QUIT USR1 USR2
exec 3>&2 2>/dev/null
"$shell" -c {command} </dev/null 2>&3 3>&-
code=$?
echo "$code" >{record}
exit "$code"
"""
#: After its container is dead.
_CLIENT_SECONDS = 5.0
_MOST_RECORD = 16  # bytes
#: How long the client may take to bring the last of the output, once the step has ended.
_OUTPUT_SECONDS = 10.0
#: How often is looked whether the step lives while nothing is heard, and how long it may be missing.
_LOOK_SECONDS, _MISSING_SECONDS = 5.0, 60.0


@dataclass
class ContainerStep(JobProcess):
    """A shell command in the container. `popen` is the client of `docker exec`, no part of the job."""

    first: psutil.Process  #: of the container, alive as long as the container is
    record: Path  #: where the exit code appears on the node
    monotonic: Callable[[], float] = time.monotonic
    _ended: float | None = None
    _looked: float = 0.0
    _lived: float = 0.0

    def __post_init__(self) -> None:
        self._looked = self._lived = self.monotonic()

    @property
    def exit_code(self) -> int | None:
        """See JobProcess. The step's own record of it counts: it is there when docker hangs, or has lost its
        connection to the step and believes in an end.

        Raises ContainerLostError where the container is gone, or docker's word is all there is and wrong.
        """
        client = self.popen.poll()
        code = recorded(self.record)
        if code is not None:
            self._ended = self._ended or self.monotonic()
            return code if client is not None or self._waited_for_output() else None
        if client is None:
            self._must_be_there()
            return None
        if client < 0 or not is_alive(self.first):
            raise ContainerLostError(f"the container of the job ended under it (docker exec: {client})")
        if self._head_lives():
            raise ContainerLostError(f"docker lost its connection to the job (docker exec: {client})")
        return client  # the job has killed the shell that keeps the record, or filled the disk

    def _waited_for_output(self) -> bool:
        return self._ended is not None and self.monotonic() - self._ended > _OUTPUT_SECONDS

    def _must_be_there(self) -> None:
        """Raises ContainerLostError where the step is not to be seen for long: docker has not started it, or
        it was killed and docker does not say so."""
        now = self.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        if self._head_lives():
            self._lived = now
        elif now - self._lived > _MISSING_SECONDS:
            raise ContainerLostError("docker does not answer, and nothing of the job runs in its container")

    def end_client(self) -> bool:
        """Once the container is dead: let the client go, which ends by itself unless its daemon hangs.
        Whether it did, so that all output is here."""
        try:
            self.popen.wait(0.0 if self._waited_for_output() else _CLIENT_SECONDS)
            return True
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            return False

    def members(self, table: Table) -> list[psutil.Process]:
        """See JobProcess; the client is not among them."""
        return with_descendants(table, marked(table, self.mark))

    def _head_lives(self) -> bool:
        """Whether the process that docker itself has started is alive: its parent is outside the container,
        while orphans of the step have the container's first process as theirs."""
        table = look(self.others)
        steps = marked(table, self.mark)
        inside = steps | {self.first.pid, 0}
        return any(table[pid].parent not in inside for pid in steps if not table[pid].zombie)


def recorded(record: Path) -> int | None:
    """An exit code that a step has left. The job could write there too: nothing but a number is read."""
    try:
        file = os.open(record, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = os.read(file, _MOST_RECORD)
    except OSError:
        return None
    finally:
        os.close(file)
    found = re.fullmatch(rb"([0-9]{1,3})\n", data)
    return int(found[1]) if found else None


def script(environment: Mapping[str, str], command: str, record: str) -> str:
    """What the container's shell reads from its standard input: the job's variables, then its command.

    In this way values of any form get there, and none is ever on a command line or in the environment of
    something that runs outside the container. Raises ValueError for what no process can be given.
    """
    if "\0" in command or any("\0" in text for pair in environment.items() for text in pair):
        raise ValueError("a command or variable holds a null character")
    lines = [
        f"export {name}={shlex.quote(value)}" for name, value in environment.items() if is_settable(name)
    ]
    return "\n".join([*lines, _START.format(command=shlex.quote(command), record=record)])


def is_settable(name: str) -> bool:
    """Whether a shell can set a variable of this name."""
    return bool(_SHELL_NAME.fullmatch(name)) and name not in _READ_ONLY


def start(
    container: Container,
    name: str,
    command: str,
    environment: Mapping[str, str],
    cwd: str,
    stdout: Path,
    stderr: Path,
    tracker: ProcessTracker,
) -> ContainerStep:
    """Run shell text in the container. Raises LaunchError where the client cannot be started."""
    if container.first is None:
        raise LaunchError("the container is not running")
    docker, own = container.docker, uuid.uuid4().hex
    marks = {MARK: own, **dict([tracker.mark])}
    # Names that no shell can set are none that a program on the node gives a meaning to.
    others = {name: value for name, value in environment.items() if not is_settable(name)}
    words = ["exec", "--interactive", "--workdir", cwd]
    words += [word for mark, value in marks.items() for word in ("--env", f"{mark}={value}")]
    words += [word for other in others for word in ("--env", other)]
    # The client itself bears the mark of the process tracker, whose watchdog ends it too.
    client = docker.client_environment(dict([tracker.mark])) | others
    # Memory of our own, no file: secrets are in it.
    given = os.memfd_create("batchai-step")
    try:
        with os.fdopen(os.dup(given), "wb") as text:
            text.write(script(environment, command, f"{EXITS}/{own}").encode())
        os.lseek(given, 0, os.SEEK_SET)
        with stdout.open("ab") as out, stderr.open("ab") as err:
            popen = subprocess.Popen(
                docker.words(*words, container.name, "/bin/sh", "-s"),
                env=client,
                cwd="/",
                stdin=given,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        raise LaunchError(f"could not start {name or 'the job'}: {error}") from error
    finally:
        os.close(given)
    tracker.entered(popen.pid)
    return ContainerStep(name, popen, f"{MARK}={own}", tracker.before, container.first, container.exits / own)
