"""One container of one attempt: started, found on the node, killed, removed."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from runner.containers.docker import Answer, Docker, never
from runner.containers.errors import ContainerError
from runner.containers.images import is_final
from runner.containers.options import Options, run_words
from runner.machine import tree_removal
from runner.processes.process_table import bears, is_alive

#: Where the steps of a job leave their exit codes, in the container.
EXITS = "/.batchai-exits"

log = logging.getLogger(__name__)

_START_SECONDS, _INSPECT_SECONDS = 120.0, 30.0
_KILL_SECONDS = 10.0
#: A try to remove, and the pause before the next.
_REMOVE_SECONDS, _PAUSE_SECONDS = 10.0, 2.0
#: The only try of a runner in a hurry: its job is to be handed back within seconds, whatever docker does.
_HURRIED_SECONDS = 2.0


@dataclass
class Container:
    """`start` it, then `kill` and `remove` it: in any order, more than once, also when it never came up."""

    docker: Docker
    options: Options
    image: str
    exits: Path  #: that folder on the node: private to the runner, made here, removed with the container
    first: psutil.Process | None = field(default=None)  #: as the node sees it; None before the start

    @property
    def name(self) -> str:
        return self.options.name

    def start(self, interrupted: Callable[[], bool] = never) -> psutil.Process:
        """Its first process. Raises ContainerError, StoppedEarlyError."""
        tree_removal.discard(self.exits)
        self.exits.mkdir(parents=True, mode=0o700)
        words = run_words(self.options, self.image)
        answer = self.docker.ask(*words, seconds=_START_SECONDS, interrupted=interrupted)
        if answer.ok:
            state = "{{.State.Pid}}"
            answer = self.docker.ask("inspect", "--format", state, self.name, seconds=_INSPECT_SECONDS)
        if not answer.ok:
            raise self._error(answer)
        try:
            self.first = psutil.Process(int(answer.out))
        except (ValueError, psutil.NoSuchProcess):
            raise ContainerError(self.image, f"the container of {self.image} ended at once", True) from None
        return self.first

    def _error(self, answer: Answer) -> ContainerError:
        message = f"unable to start a container of {self.image}: {answer.words}"
        return ContainerError(self.image, message, answer.no_daemon and not is_final(answer))

    def kill(self) -> bool:
        """SIGKILL to its first process: the kernel then kills all others in it. Asks nothing of docker.
        Whether it is dead."""
        mark = "=".join(next(iter(self.options.marks.items())))
        if self.first is None or not is_alive(self.first) or not bears(self.first.pid, mark):
            return True
        try:
            self.first.kill()
            self.first.wait(_KILL_SECONDS)
        except psutil.NoSuchProcess:
            return True
        except psutil.TimeoutExpired:
            return False
        return True

    def remove(self, seconds: float) -> str:
        """Have docker forget it, trying for so long (once at least); what went wrong, or ""."""
        tree_removal.discard(self.exits)
        deadline = time.monotonic() + seconds
        while True:
            fault = remove(self.docker, self.name, max(_HURRIED_SECONDS, min(_REMOVE_SECONDS, seconds)))
            if not fault or time.monotonic() + _PAUSE_SECONDS > deadline:
                return fault
            time.sleep(_PAUSE_SECONDS)


def remove(docker: Docker, name: str, seconds: float = _REMOVE_SECONDS) -> str:
    """One try to kill and remove a container by name or id; what went wrong, "" when it is gone."""
    answer = docker.ask("rm", "--force", "--volumes", name, seconds=seconds)
    gone = answer.ok or any(
        sign in answer.err.lower() for sign in ("no such container", "already in progress")
    )
    return "" if gone else answer.words


log = logging.getLogger(__name__)

#: A runner knows its containers by its root, of which there is one per runner on a machine.
ROOT_LABEL, JOB_LABEL = "batchai.runner-root", "batchai.job"
_LIST_SECONDS = 20.0


def sweep(docker: Docker, root: Path, say: Callable[[str], None]) -> str:
    """Kill and remove every container of the runner with this root; why docker could not be asked, or "".
    Raises nothing. For moments at which no job of it runs, and before its volumes are undone: containers hold
    on to them."""
    if docker.program is None:
        return f"there is no '{docker.command}' on this node"
    words = ("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={ROOT_LABEL}={root}")
    listed = docker.ask(*words, seconds=_LIST_SECONDS)
    if not listed.ok:
        # On a node that has docker installed and does not use it this is nothing to worry about.
        log.info("docker: %s", listed.words, extra={"action": "sweep_containers"})
        return listed.words
    for container in listed.out.split():
        fault = remove(docker, container)
        say(f"container {container[:12]} {f'could not be removed: {fault}' if fault else 'removed'}")
    return ""
