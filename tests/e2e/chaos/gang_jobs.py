"""Jobs of several nodes that note what they do: one process on each node, all of which meet before they end.

    <seconds> <job>/<rank> <attempt> begin|effect

Each process waits until it sees every other one of its attempt in the ledger: a gang that runs in parts never
ends, and one whose attempts overlap is seen.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shared.jobs.model import Job, State
from tests.e2e.chaos.ledger import Line

_SCRIPT = """\
import os, sys, time
ledger, job, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
rank, attempt = os.environ["AZ_BATCHAI_TASK_INDEX"], os.environ["AZ_BATCHAI_ATTEMPT"]
size = len(os.environ["AZ_BATCH_HOST_LIST"].split(","))

def report(what):
    with open(ledger, "a") as file:
        file.write(f"{time.time()} {job}/{rank} {attempt} {what}\\n")

def met():
    lines = [line.split() for line in open(ledger)]
    return len({who for _, who, which, _ in lines if which == attempt and who.startswith(job + "/")}) == size

report("begin")
while not met():
    time.sleep(0.05)
time.sleep(seconds)
report("effect")
"""


def properties(folder: Path, ledger: Path, name: str, nodes: int, seconds: float) -> dict[str, Any]:
    """What a job.json says beyond the least."""
    script = folder / "rank.py"
    script.write_text(_SCRIPT)
    settings = {
        "pythonScriptFilePath": str(script),
        "commandLineArgs": f"{ledger} {name} {seconds}",
        "communicationBackend": "gloo",
    }
    return {"customToolkitSettings": None, "nodeCount": nodes, "pyTorchSettings": settings}


def faults(job: Job, name: str, nodes: int, lines: Iterable[Line]) -> list[str]:
    """What is wrong with how a job of several nodes that should have succeeded has run."""
    own = [line for line in lines if line.job.startswith(f"{name}/")]
    attempts = [line.attempt for line in own]
    effects = {line.job for line in own if (line.what, line.attempt) == ("effect", job.attempt)}
    found = []
    if job.state is not State.SUCCEEDED:
        found.append(f"{name}: {job.state}, attempt {job.attempt}, {job.errors}")
    elif len(effects) != nodes:
        found.append(f"{name}: {effects} of attempt {job.attempt} on {nodes} nodes")
    if attempts != sorted(attempts):
        found.append(f"{name}: attempts overlap: {attempts}")
    return found
