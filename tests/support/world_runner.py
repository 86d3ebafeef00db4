"""Real runner processes for a world: `python -m runner`, and the stand-in of ARM whose machines they are."""

import base64
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from local import environment, processes
from tests.support.arm import TOKEN
from tests.support.rest_api import PROJECT
from tests.support.world import World

NOTHING: Mapping[str, str] = MappingProxyType({})


def environment_of(world: World, **more: str) -> dict[str, str]:
    """What a runner of this world is started with."""
    unwanted = ("BATCHAI", "AZURE_", "AzureWebJobs")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    settings = world.settings
    return (
        kept
        | environment.AS_ITSELF
        | {
            "BATCHAI_STORAGE": settings.storage,
            "BATCHAI_DEFAULT_WORKSPACE": settings.default_workspace,
            "BATCHAI_SEALING_KEYS": base64.b64encode(settings.sealing_keys[0]).decode(),
            "BATCHAI_LEASE_SECONDS": "15",
            "BATCHAI_RENEW_SECONDS": "3",
            "BATCHAI_RETRY_SECONDS": "1",
            "BATCHAI_RESEND_SECONDS": "5",
            "BATCHAI_NODE_REPORT_SECONDS": "1",
            "BATCHAI_GRACE_SECONDS": "1",
            "BATCHAI_SCHEDULED_EVENTS_URL": "off",
            "BATCHAI_PREMOUNTED": json.dumps({}),
            "PYTHONUNBUFFERED": "1",
        }
        | more
    )


def start_runner(
    world: World, root: Path, node_id: str, words: Sequence[str] = (), more: Mapping[str, str] = NOTHING
) -> processes.Child:
    """`python -m runner` of the world's cluster, with a log in `root` and `more` settings; the caller stops
    it."""
    root.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "runner", "--cluster", str(world.cluster), "--node-id", node_id]
    command += ["--root", str(root / "node"), "--gpus", "none", *words]
    return processes.start(node_id, command, root / f"{node_id}.log", environment_of(world, **more), PROJECT)


@contextmanager
def machine_stand_in(world: World, root: Path, machines: int = 2) -> Iterator[tuple[processes.Child, str]]:
    """`python -m local.arm` whose machines are runners of this world; its process and URL."""
    log = root / "arm.log"
    command = [sys.executable, "-m", "local.arm", "--root", str(root), "--port", "0"]
    env = environment_of(world, BATCHAI_LOCAL_ARM_TOKEN=TOKEN)
    child = processes.start("arm", [*command, "--machines", str(machines)], log, env, PROJECT)
    try:
        child.wait_ready(lambda: b"http" in log.read_bytes(), 20)
        found = re.search(r"http://\S+", log.read_text())
        assert found
        yield child, found[0]
    finally:
        child.stop(25)
