"""Containers that a runner which is no more has left behind."""

import logging
from collections.abc import Callable
from pathlib import Path

from runner.containers.container import remove
from runner.containers.docker import Docker

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
