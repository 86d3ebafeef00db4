"""`batchai doctor`: runs the runner's doctor as a program of its own, which knows storage and mounts."""

import importlib.util
import subprocess
import sys

import click

from cli.faults import Fault
from cli.words import Command, one_of

#: What the extra `runner` brings, and the doctor itself.
_NEEDED = ("runner", "psutil", "pynvml", "rich")


@click.command("doctor", cls=Command, epilog="\b\nExample: batchai doctor --cluster research/gpu -o table")
@click.option(
    "-o",
    "--output",
    type=one_of("table", "json"),
    default="table",
    show_default=True,
    help="Form.",
)
@click.option("--cluster", help="<workspace>/<cluster> or <cluster>, as for the runner.")
@click.option("--node-id", help="Name of this node.  [default: the host's]")
@click.option("--root", help="Folder for mounts and temps.")
@click.option("--gpus", help="The runner's GPUs: 0,1 or UUIDs, none.  [default: all]")
def command(output: str, **given: str | None) -> None:
    """Check this machine, a runner or a laptop: settings, storage rights, mounts, GPUs, clock.

    Shows the command that mends each fault. Settings come from the environment, else from the local stack of
    this directory. Exit code: 0 nothing failed, 1 something failed.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise Fault(
            f"the runner is not installed in this Python: no module {', '.join(missing)}",
            "pip install '.[runner]' -c constraints.txt",
        )
    words = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value]
    sys.exit(subprocess.call([sys.executable, "-P", "-m", "runner.doctor", f"--output={output}", *words]))
