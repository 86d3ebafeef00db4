"""The job that RQ's workers run; in the environment of the peers."""

import subprocess
from pathlib import Path


def run(command: str, folder: str, name: str) -> None:
    """The job: shell text with its output in files, as a job of ours has it."""
    with Path(folder, f"{name}.out").open("ab") as out, Path(folder, f"{name}.err").open("ab") as err:
        subprocess.run(["/bin/bash", "-c", command], stdout=out, stderr=err, check=True)
