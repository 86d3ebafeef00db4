"""`batchai explain`: what would become of a job document, without starting anything."""

import json
import os
import sys
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from cli.config import own_cloud
from cli.words import Command, one_of
from shared.documents.parse import DocumentSettings
from shared.explain.check import STAND_IN_KEY, explained, explained_sweep, guessed_kind
from shared.explain.text import lines
from shared.sweeps.parse import SWEEP

#: Columns where the output is not a terminal, which knows its own width.
_WIDTH = 100


@click.command("explain", cls=Command, epilog="Example: batchai explain job.json --nodes 2 --gpus 4")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--nodes", type=click.IntRange(1, 100), help="As if nodeCount were this.")
@click.option("--gpus", type=click.IntRange(0, 64), default=1, show_default=True, help="GPUs of each node.")
@click.option(
    "--storage-account-name",
    default="youraccount",
    show_default=True,
    envvar="AZURE_BATCHAI_STORAGE_ACCOUNT",
    help="Fills <AZURE_BATCHAI_STORAGE_ACCOUNT>.",
)
@click.option(
    "-o",
    "--output",
    type=one_of("text", "json"),
    default="text",
    show_default=True,
    help="For people or for scripts.",
)
def command(file: str, nodes: int | None, gpus: int, storage_account_name: str, output: str) -> None:
    """Show what would become of the job document FILE (- is standard input).

    What would be mounted where, which commands would run on which node with which variables, and where
    their output would go. Nothing is started, nothing is contacted, no secret is shown.

    Exit code: 0 the document is good, 1 it has faults, 2 wrong usage.
    """
    with click.open_file(file, "rb") as stream:
        data = stream.read()
    settings = DocumentSettings(storage_account=storage_account_name, storage_key=STAND_IN_KEY)
    cloud = own_cloud(os.environ)
    if guessed_kind(data, settings.max_bytes) == SWEEP:
        found = explained_sweep(data, settings, gpus, cloud)
    else:
        found = explained(data, settings, nodes, gpus, cloud)
    problems = [problem.as_json() for problem in found.problems]
    fields = {"file": file, "accepted": found.job is not None, "problems": problems, "job": found.job}
    if found.sweep:
        fields["sweep"] = found.sweep
    if output == "json":
        click.echo(json.dumps(fields, indent=2))
    else:
        _print(fields)
    raise SystemExit(0 if found.job else 1)


def _print(fields: dict[str, Any]) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    for line in lines(fields, console.width):
        console.print(Text.assemble(*line), soft_wrap=True)
