"""A process of a job inside its container: started by `docker exec`, watched and ended on the node itself.

The client of `docker exec` forwards no signals, and what it reports is what the daemon tells it, while that
answers. So the processes themselves are found in the node's /proc by the marks in their environment.
"""

import os
import re
import shlex
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from runner.cage import Cage, bears, is_alive
from runner.containers.docker import Docker
from runner.containers.types import ContainerLostError
from runner.process import MARK, JobProcess
from shared.errors import LaunchError

_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
#: Names that bash, as /bin/sh of some images, refuses to set.
_READ_ONLY = frozenset({"UID", "EUID", "PPID", "BASHOPTS", "SHELLOPTS", "BASH_VERSINFO"})
#: The kernel is to take the job when memory runs out. bash as on the node, where the image has it.
_START = """{{ echo 500 >/proc/self/oom_score_adj; }} 2>/dev/null
for shell in /bin/bash /usr/bin/bash /usr/local/bin/bash /bin/sh; do [ -x "$shell" ] && break; done
exec "$shell" -c {command} </dev/null
"""


@dataclass
class ContainerStep(JobProcess):
    """A shell command in the container. `popen` is the client of `docker exec`, no part of the job."""

    first: psutil.Process  #: of the container, alive as long as the container is

    @property
    def exit_code(self) -> int | None:
        """See JobProcess. Raises ContainerLostError where the client ended and the job's process did not."""
        code = self.popen.poll()
        if code is None:
            return None
        if code < 0 or not is_alive(self.first):
            raise ContainerLostError(f"the container of the job ended under it (docker exec: {code})")
        if self._head_lives():
            raise ContainerLostError(f"docker lost its connection to the job (docker exec: {code})")
        return code

    def tree(self) -> list[psutil.Process]:
        """See JobProcess; the client is not among them."""
        found: dict[int, psutil.Process] = {}
        for process in self._marked():
            try:
                for member in (process, *process.children(recursive=True)):
                    found[member.pid] = member
            except psutil.NoSuchProcess:
                continue
        return [process for process in found.values() if is_alive(process)]

    def _marked(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if bears(process.pid, self.mark)]

    def _head_lives(self) -> bool:
        """Whether the process that docker itself has started is alive: its parent is outside the container,
        while orphans of the step have the container's first process as theirs."""
        marked = {process.pid for process in self._marked()}
        return any(_parent(pid) not in marked | {self.first.pid, 0} for pid in marked)


def _parent(pid: int) -> int:
    try:
        process = psutil.Process(pid)
        return int(process.ppid()) if is_alive(process) else 0
    except psutil.NoSuchProcess:
        return 0


def script(environment: Mapping[str, str], command: str) -> str:
    """What the container's shell reads from its standard input: the job's variables, then its command.

    In this way values of any form get there, and none is ever on a command line or in the environment of
    something that runs outside the container. Raises ValueError for what no process can be given.
    """
    if "\0" in command or any("\0" in text for pair in environment.items() for text in pair):
        raise ValueError("a command or variable holds a null character")
    lines = [
        f"export {name}={shlex.quote(value)}" for name, value in environment.items() if is_settable(name)
    ]
    return "\n".join([*lines, _START.format(command=shlex.quote(command))])


def is_settable(name: str) -> bool:
    """Whether a shell can set a variable of this name."""
    return bool(_SHELL_NAME.fullmatch(name)) and name not in _READ_ONLY


def start(
    docker: Docker,
    container: str,
    first: psutil.Process,
    name: str,
    command: str,
    environment: Mapping[str, str],
    cwd: str,
    stdout: Path,
    stderr: Path,
    cage: Cage,
) -> ContainerStep:
    """Run shell text in the container. Raises LaunchError where the client cannot be started."""
    own = uuid.uuid4().hex
    marks = {MARK: own, **dict([cage.mark])}
    # Names that no shell can set are none that a program on the node gives a meaning to.
    others = {name: value for name, value in environment.items() if not is_settable(name)}
    words = ["exec", "--interactive", "--workdir", cwd]
    words += [word for mark, value in marks.items() for word in ("--env", f"{mark}={value}")]
    words += [word for other in others for word in ("--env", other)]
    # The client itself bears the mark of the cage, whose switch ends it too.
    client = docker.client_environment(dict([cage.mark])) | others
    # Memory of our own, no file: secrets are in it.
    given = os.memfd_create("batchai-step")
    try:
        with os.fdopen(os.dup(given), "wb") as text:
            text.write(script(environment, command).encode())
        os.lseek(given, 0, os.SEEK_SET)
        with stdout.open("ab") as out, stderr.open("ab") as err:
            popen = subprocess.Popen(
                docker.words(*words, container, "/bin/sh", "-s"),
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
    cage.entered(popen.pid)
    return ContainerStep(name, popen, f"{MARK}={own}", first)
