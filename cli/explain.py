"""`batchai explain`: what would become of a job document, without starting anything."""

import json
import os
import sys
from dataclasses import replace
from typing import Any

import click
from rich.console import Console

from cli.config import own_cloud
from cli.explain_sweep import explained_sweep
from cli.explain_text import show
from cli.explanation import explanation, imagined_placement
from cli.words import Command, one_of
from shared.documents.json_reader.reader import read_json
from shared.documents.parse import DocumentSettings, Parsed, parse_job
from shared.documents.spec import JobSpec
from shared.errors import LaunchError, Problem
from shared.sweeps.parse import is_sweep

#: Fills <AZURE_BATCHAI_STORAGE_KEY>: well-formed, opens nothing, never shown.
_KEY = "AAAA"
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
    settings = DocumentSettings(storage_account=storage_account_name, storage_key=_KEY)
    fields = {"file": file} | _explained(data, settings, nodes, gpus)
    if output == "json":
        click.echo(json.dumps(fields, indent=2))
    else:
        show(fields, Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False))
    raise SystemExit(0 if fields["accepted"] else 1)


def _explained(data: bytes, settings: DocumentSettings, nodes: int | None, gpus: int) -> dict[str, Any]:
    if is_sweep(read_json(data, settings.max_bytes).value):
        return explained_sweep(data, settings, lambda run: explained(run, settings, nodes, gpus))
    return explained(data, settings, nodes, gpus)


def explained(data: bytes, settings: DocumentSettings, nodes: int | None, gpus: int) -> dict[str, Any]:
    """`accepted`, `problems` and, where the document can run, `job`: its explanation."""
    parsed = _with_nodes(data, settings, nodes)
    problems, job = parsed.problems, None
    if parsed.spec:
        try:
            placement = imagined_placement(parsed.spec.node_count, gpus)
            job = explanation(parsed.spec, placement, own_cloud(os.environ))
        except LaunchError as fault:
            problems += (Problem(0, 0, "$.properties", f"It cannot be started: {fault}."),)
    return {"accepted": job is not None, "problems": [p.as_json() for p in problems], "job": job}


def _with_nodes(data: bytes, settings: DocumentSettings, nodes: int | None) -> Parsed[JobSpec]:
    """The document, with nodeCount replaced. It is parsed anew because defaults (processCount) follow it."""
    as_written = parse_job(data, settings)
    if nodes is None or as_written.spec is None:
        return as_written
    tree = read_json(data, settings.max_bytes).value
    tree["properties"]["nodeCount"] = nodes
    changed = parse_job(json.dumps(tree), settings)
    if changed.spec:
        return Parsed(changed.spec, as_written.problems)
    # The fault is the other nodeCount, which stands nowhere in the file.
    return Parsed(None, tuple(replace(problem, line=0, column=0) for problem in changed.problems))
