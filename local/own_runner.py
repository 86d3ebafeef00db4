"""`python -m local runner`: one more runner of the running stack, started by hand."""

import fcntl
import os
from pathlib import Path
from typing import NoReturn

from local import environment
from local.azurite import Endpoints
from local.layout import DataDirectory, load
from local.ports import remembered
from local.processes import StartError
from local.runner_process import RunnerPlace, loopback_address
from shared.names.ids import NAME_PATTERN, ClusterId

#: Beyond those of the runners that the stack has itself.
_FIRST_ADDRESS = 100
_MOST = 100


def run(directory: DataDirectory, cluster: str, gpus: str) -> NoReturn:
    """Become a runner of `<workspace>/<cluster>` or `<cluster>`. Raises StartError where no stack runs."""
    if load(directory) is None:
        raise StartError("no stack runs here for it to work for; start one with: make up")
    workspace, _, name = cluster.rpartition("/")
    wanted = ClusterId(workspace or "default", name)
    if not all(NAME_PATTERN.match(word) for word in (wanted.workspace, wanted.cluster)):
        raise StartError(f"'{cluster}' is not a cluster; expected <workspace>/<cluster> or <cluster>")
    number = _free_number(directory.root / "nodes")
    node_id = f"extra-{number}"
    address = loopback_address(_FIRST_ADDRESS + number)
    place = RunnerPlace(node_id, address, gpus, directory)
    ports = remembered(directory.ports)
    endpoints = Endpoints(ports.blob, ports.queue, ports.table)
    shared = environment.shared_settings(directory, endpoints, ports.file)
    command = place.command(wanted)
    env = environment.machine() | environment.runner_settings(shared, directory)
    os.execve(command[0], command, env)  # nosec B606 # our own Python


def _free_number(nodes: Path) -> int:
    """A number that no other such runner has: its lock is inherited by the runner, and ends with it."""
    nodes.mkdir(parents=True, exist_ok=True)
    for number in range(_MOST):
        lock = os.open(nodes / f"extra-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        os.set_inheritable(lock, True)
        return number
    raise StartError(f"{_MOST} runners were started by hand already")
