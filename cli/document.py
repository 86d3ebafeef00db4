"""A job.json or cluster.json from a file: read and checked as the service does, sent as an object."""

import sys
from pathlib import Path
from typing import Any

import click

from cli.faults import Fault
from cli.messages import warns
from shared.documents.json_reader.reader import read_json
from shared.errors import Problem, Severity

#: Stands for the service's own account where that is not known.
UNKNOWN_ACCOUNT = "youraccount"
_MOST_BYTES = 1024 * 1024


def read_job(file: str, account: str = "") -> dict[str, Any]:
    """The `properties` of a job.json. Its errors and warnings go to standard error, with line and column.

    `account`: the service's own, where that is known. Raises Fault where the service would refuse it.
    """
    # Imported late: the models take longer to load than most commands to run.
    from shared.documents.parse import DocumentSettings, parse_job

    data = _read(file)
    # Account and key stand for the placeholders while the document is checked; neither is sent.
    checking = DocumentSettings(storage_account=account or UNKNOWN_ACCOUNT, storage_key="AAAA")
    _refuse_faults(file, parse_job(data, checking).problems)
    return dict(read_json(data, _MOST_BYTES).value["properties"])


def read_sweep(file: str, name: str, account: str = "") -> dict[str, Any]:
    """The `properties` of a sweep.json for the sweep `name`; else as `read_job`."""
    return sweep_properties(file, _read(file), name, account)


def sweep_properties(file: str, data: bytes, name: str, account: str = "") -> dict[str, Any]:
    """As `read_sweep`, of a document that came from `file` in some other way."""
    from shared.documents.parse import DocumentSettings
    from shared.sweeps.parse import parse_sweep

    checking = DocumentSettings(storage_account=account or UNKNOWN_ACCOUNT, storage_key="AAAA")
    _refuse_faults(file, parse_sweep(data, checking, name).problems)
    return dict(read_json(data, _MOST_BYTES).value["properties"])


def read_properties(file: str) -> dict[str, Any]:
    """The `properties` of a document that options complete: only its JSON is checked here. Raises Fault."""
    found = read_json(_read(file), _MOST_BYTES)
    _refuse_faults(file, found.problems)
    properties = found.value.get("properties") if isinstance(found.value, dict) else None
    if not isinstance(properties, dict):
        raise Fault(f"{file} holds no properties", 'Write { "properties": { ... } }.')
    return dict(properties)


def _refuse_faults(file: str, problems: tuple[Problem, ...]) -> None:
    """Print errors, and warnings where they are wanted. Raises Fault where there is an error."""
    wanted = (Severity.ERROR, Severity.WARNING) if warns() else (Severity.ERROR,)
    seen = tuple(problem for problem in problems if problem.severity in wanted)
    if not seen:
        return
    from cli.lint_table import print_problems

    print_problems([(file, seen)], sys.stderr)
    if any(problem.severity is Severity.ERROR for problem in seen):
        raise Fault(f"{file} would be refused; nothing was sent", "Mend what is listed above.")


def _read(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(_MOST_BYTES + 1)
        with Path(file).open("rb") as stream:
            return stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise Fault(f"{click.format_filename(file)} cannot be read: {error.strerror or error}") from None
