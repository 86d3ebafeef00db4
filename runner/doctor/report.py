"""The report: a table and what mends it for people, JSON for programs."""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.doctor.check import Check, State

_STYLES = {State.OK: "green", State.FAILED: "bold red", State.NOT_CHECKED: "yellow"}
_WIDTH = 100


def exit_code(report: Sequence[Check]) -> int:
    """0: nothing failed; 1: something did."""
    return int(any(check.state is State.FAILED for check in report))


def as_json(report: Sequence[Check]) -> str:
    """{"checks": [{"name", "state", "detail", "remedy"}], "failed": n}"""
    number = sum(check.state is State.FAILED for check in report)
    return json.dumps({"checks": [asdict(check) for check in report], "failed": number}, indent=2)


def print_table(report: Sequence[Check]) -> None:
    """The table, then each remedy on lines of its own: commands that a fold would break."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=shutil.get_terminal_size((_WIDTH, 25)).columns)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Check", no_wrap=True)
    table.add_column("State", no_wrap=True)
    table.add_column("Detail", overflow="fold")
    for check in report:
        state = Text(str(check.state), style=_STYLES[check.state])
        table.add_row(Text(check.name), state, Text(check.detail))
    with console.capture() as drawn:
        console.print(table)
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()))
    _print_remedies(console, "To mend:", [c for c in report if c.state is State.FAILED])
    _print_remedies(
        console, "To have these too:", [c for c in report if c.state is State.NOT_CHECKED and c.remedy]
    )
    console.print(f"\n{summary(report)}")


def _print_remedies(console: Console, title: str, checks: Sequence[Check]) -> None:
    if not checks:
        return
    console.print(f"\n{title}", style="bold")
    for remedy, names in _by_remedy(checks).items():
        console.print(Text(f"  {', '.join(dict.fromkeys(names))}"))
        console.print(Text(f"    {remedy}"), soft_wrap=True)


def _by_remedy(checks: Sequence[Check]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for check in checks:
        found.setdefault(check.remedy, []).append(check.name)
    return found


def summary(report: Sequence[Check]) -> str:
    """How many checks ended how."""
    counts = Counter(check.state for check in report)
    return ", ".join(f"{counts[state]} {state}" for state in State)
