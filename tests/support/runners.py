"""Further runners of a running stack, with settings of their own."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from local import environment, processes
from local.azurite import Endpoints
from local.layout import DataDirectory, StackState
from local.stack import APP
from runner.machine import mountinfo

NOTHING: Mapping[str, str] = MappingProxyType({})


def directory_of(state: StackState) -> DataDirectory:
    """The data directory of a running stack."""
    return DataDirectory(Path(state.parts[0].log).parents[1])


def settings_of(state: StackState) -> dict[str, str]:
    """What a runner of the stack is given, without premounted shares."""

    def port(service: str, connection: str) -> int:
        found = re.search(rf"{service}Endpoint=http://[^:]+:(\d+)/", connection)
        assert found, connection
        return int(found[1])

    blob, queue, table = (port(service, state.storage) for service in ("Blob", "Queue", "Table"))
    endpoints = Endpoints(blob, queue, table)
    directory = directory_of(state)
    shared = environment.shared_settings(directory, endpoints, port("File", state.files))
    return environment.runner_settings(shared, directory) | {"BATCHAI_PREMOUNTED": "{}"}


def command(
    cluster: str, node_id: str, root: Path | str, python: Sequence[str] = (sys.executable,)
) -> list[str]:
    return [*python, "-m", "runner", "--cluster", cluster, "--node-id", node_id, "--root", str(root)]


@contextmanager
def runner(
    state: StackState,
    cluster: str,
    overrides: Mapping[str, str] = NOTHING,
    python: Sequence[str] = (sys.executable,),
    cwd: Path = APP,
) -> Iterator[processes.Child]:
    """A runner of `cluster` on this machine; drained at the end, and nothing of it left mounted."""
    directory = directory_of(state)
    root, log = directory.node(f"{cluster}-0"), directory.logs / f"runner-{cluster}.log"
    env = environment.machine() | settings_of(state) | dict(overrides)
    begun = log.stat().st_size if log.exists() else 0
    words = command(cluster, f"{cluster}-0", root, python)
    child = processes.start(f"runner {cluster}", words, log, env, cwd)
    try:
        child.wait_ready(lambda: b"node " in log.read_bytes()[begun:], 30)
        yield child
    finally:
        child.stop(20)
        # A test that failed half-way may have left a mount; pytest could not remove its folder then.
        for mount in mountinfo.mounted_under(root):
            subprocess.run(["umount", "-l", mount.target], check=False)


def premounted(state: StackState) -> dict[str, str]:
    """BATCHAI_PREMOUNTED of a runner: the stack's shares."""
    account = re.search(r"AccountName=(\w+)", state.files)
    assert account
    return {"BATCHAI_PREMOUNTED": json.dumps({f"{account[1]}/*": str(directory_of(state).shares)})}


def drivers(**names: str) -> dict[str, str]:
    """BATCHAI_DRIVERS of a runner."""
    return {"BATCHAI_DRIVERS": json.dumps(names)}
