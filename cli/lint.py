"""`batchai lint`: check documents on one's own machine, with the reader that the service uses."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cli.config import stack_account
from cli.document import UNKNOWN_ACCOUNT
from cli.lint_table import print_table
from cli.words import Command, one_of
from shared.documents.envelope import CLUSTER, JOB
from shared.documents.parse import DocumentSettings, parse_cluster, parse_job
from shared.errors import Problem, Severity
from shared.explain.check import STAND_IN_KEY, guessed_kind
from shared.sweeps.parse import SWEEP, parse_sweep

#: More of a file than this is not even looked at.
_MOST_READ = 16 * 1024 * 1024
STDIN = "-"


@dataclass(frozen=True)
class Linted:
    """What was found in one file. `unreadable` says why it could not be read at all."""

    file: str
    kind: str
    problems: tuple[Problem, ...]
    unreadable: str = ""

    def count(self, severity: Severity) -> int:
        """Problems of that severity."""
        return sum(problem.severity is severity for problem in self.problems)

    def as_json(self) -> dict[str, Any]:
        """The form of `-o json`."""
        fields: dict[str, Any] = {"file": self.file}
        if self.unreadable:
            return fields | {"unreadable": self.unreadable}
        return fields | {
            "kind": self.kind,
            "accepted": not self.count(Severity.ERROR),
            "problems": [problem.as_json() for problem in self.problems],
        }


@click.command(
    "lint", cls=Command, epilog="Example: batchai lint job.json cluster.json   or: batchai lint - < job.json"
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--job", "kind", flag_value=JOB, help="Read every FILE as a job.  [default: known by its content]"
)
@click.option("--sweep", "kind", flag_value=SWEEP, help="Read every FILE as a sweep.")
@click.option("--cluster", "kind", flag_value=CLUSTER, help="Read every FILE as a cluster.")
@click.option("--strict", is_flag=True, help="Warnings count as problems.")
@click.option("--quiet-notes", is_flag=True, help="Leave notes out.")
@click.option(
    "--storage-account-name",
    default=lambda: stack_account(os.environ) or UNKNOWN_ACCOUNT,
    show_default=f"that of the stack that runs here, else {UNKNOWN_ACCOUNT}",
    envvar="AZURE_BATCHAI_STORAGE_ACCOUNT",
    help="Fills <AZURE_BATCHAI_STORAGE_ACCOUNT>.",
)
@click.option(
    "-o",
    "--output",
    type=one_of("table", "json"),
    default="table",
    show_default=True,
    help="Form.",
)
def command(
    files: tuple[str, ...],
    kind: str | None,
    strict: bool,
    quiet_notes: bool,
    storage_account_name: str,
    output: str,
) -> None:
    """Check job.json, sweep.json and cluster.json files: every problem at once, with line and column.

    FILE may be - for standard input. Exit code: 0 accepted, 1 problems, 2 a file could not be read.
    """
    settings = DocumentSettings(storage_account=storage_account_name, storage_key=STAND_IN_KEY)
    linted = [_lint(file, kind, settings, quiet_notes) for file in files]
    if output == "json":
        click.echo(json.dumps(_summary(linted), indent=2))
    else:
        print_table([(one.file, one.problems) for one in linted if not one.unreadable], _sentence(linted))
    for one in linted:
        if one.unreadable:
            click.echo(f"{click.format_filename(one.file)}: {one.unreadable}", err=True)
    sys.exit(_exit_code(linted, strict))


def _lint(file: str, kind: str | None, settings: DocumentSettings, quiet_notes: bool) -> Linted:
    try:
        data = _read(file)
    except OSError as fault:
        return Linted(file, kind or "", (), f"cannot be read: {fault.strerror or fault}")
    kind = kind or _guess(file, data, settings.max_bytes)
    problems = _problems(kind, data, settings)
    if quiet_notes:
        problems = tuple(problem for problem in problems if problem.severity is not Severity.NOTE)
    return Linted(file, kind, problems)


def _problems(kind: str, data: bytes, settings: DocumentSettings) -> tuple[Problem, ...]:
    if kind == SWEEP:
        return parse_sweep(data, settings).problems
    return (parse_cluster if kind == CLUSTER else parse_job)(data, settings).problems


def _read(file: str) -> bytes:
    if file == STDIN:
        return sys.stdin.buffer.read(_MOST_READ)
    with Path(file).open("rb") as stream:
        return stream.read(_MOST_READ)


def _guess(file: str, data: bytes, max_bytes: int) -> str:
    """The kind by content; by name where the content reports nothing."""
    name = Path(file).name.lower()
    by_name = CLUSTER if "cluster" in name else SWEEP if "sweep" in name else JOB
    return guessed_kind(data, max_bytes) or by_name


def _summary(linted: list[Linted]) -> dict[str, Any]:
    counts = {f"{s}s": sum(one.count(s) for one in linted) for s in Severity}
    return {"files": [one.as_json() for one in linted], **counts}


def _sentence(linted: list[Linted]) -> str:
    counts = []
    for severity in Severity:
        number = sum(one.count(severity) for one in linted)
        if number:
            counts.append(f"{number} {severity}{'' if number == 1 else 's'}")
    files = f"{len(linted)} file{'' if len(linted) == 1 else 's'}"
    return f"{files}: {', '.join(counts) or 'nothing to complain of'}"


def _exit_code(linted: list[Linted], strict: bool) -> int:
    if any(one.unreadable for one in linted):
        return 2
    counted = (Severity.ERROR, Severity.WARNING) if strict else (Severity.ERROR,)
    return int(any(problem.severity in counted for one in linted for problem in one.problems))
