"""A real runner beside the function app of `rest_api`."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import environment, processes
from tests.support.rest_api import PROJECT, RestApi


@contextmanager
def runner(api: RestApi, cluster: str, root: Path) -> Iterator[processes.Child]:
    """`python -m runner` for `<workspace>/<cluster>`, with the shares at hand on this machine."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATCHAI", "AZURE_", "AzureWebJobs"))}
    more = environment.AS_ITSELF | {
        "BATCHAI_PREMOUNTED": json.dumps({f"{api.account}/*": str(api.shares_root)}),
        "BATCHAI_JOB_PATH": str(Path(sys.prefix) / "bin"),
        "BATCHAI_NODE_REPORT_SECONDS": "1",
        "BATCHAI_GRACE_SECONDS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    root.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "runner",
        "--cluster",
        cluster,
        "--node-id",
        "node-0",
        "--root",
        str(root),
    ]
    child = processes.start("runner", command, root / "runner.log", kept | api.environment | more, PROJECT)
    try:
        yield child
    finally:
        child.stop(20)
