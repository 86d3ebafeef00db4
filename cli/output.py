"""What commands print: tables for people, JSON and tab-separated values for scripts, JMESPath over both."""

import io
import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click

from cli.columns import Columns, Row
from cli.faults import USAGE, Fault

FORMS = ("table", "json", "jsonc", "tsv", "none")
#: Columns where the output is no terminal: wide enough never to cut or fold.
_WIDTH = 10_000
#: A column is not made narrower than this, nor than the words of its header.
_NARROWEST = 6


def default_form() -> str:
    """A table in a terminal, JSON for everything that reads it."""
    return "table" if sys.stdout.isatty() else "json"


def show(value: Any, form: str, query: str | None, columns: Columns) -> None:
    """Print one flat resource or a list of them. Raises Fault for a query that is wrong."""
    if query:
        value = _searched(value, query)
    if form == "none":
        return
    if form in ("json", "jsonc"):
        click.echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))
    elif form == "tsv":
        click.echo(_tsv(value), nl=False)
    elif query:
        _print_table(_general(value))
    else:
        _print_table([columns(item) for item in (value if isinstance(value, list) else [value])])


def check_query(query: str | None) -> None:
    """Raises Fault for a query that is no JMESPath."""
    if query:
        import jmespath
        from jmespath.exceptions import JMESPathError

        try:
            jmespath.compile(query)
        except JMESPathError as error:
            told = " ".join(str(error).split())
            raise Fault(f"--query is not JMESPath: {told}", "See https://jmespath.org", USAGE) from None


def _searched(value: Any, query: str) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(query, value)
    except JMESPathError as error:
        raise Fault(f"--query cannot be answered: {error}", "See https://jmespath.org", USAGE) from None


def _tsv(value: Any) -> str:
    """As `az` wrote it: a line per item, dictionaries by sorted key, nothing for null on its own."""
    if value is None:
        return ""
    items = value if isinstance(value, list) else [value]
    return "".join(_tsv_line(item) + "\n" for item in items)


def _tsv_line(item: Any) -> str:
    if isinstance(item, dict):
        item = [item[key] for key in sorted(item)]
    if isinstance(item, list):
        return "\t".join(_tsv_cell(cell) for cell in item)
    return _tsv_cell(item)


def _tsv_cell(cell: Any) -> str:
    if isinstance(cell, dict):
        return ""
    if isinstance(cell, list):
        return str(len(cell))
    if isinstance(cell, bool):
        return str(cell).lower()
    # A tab or a line break in a value would look like the next one.
    return "None" if cell is None else " ".join(str(cell).split()) if isinstance(cell, str) else str(cell)


def _general(value: Any) -> list[Row]:
    """Rows for the answer of a query, whatever its form."""
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    rows: list[Row] = []
    for item in items:
        if isinstance(item, dict):
            rows.append({key: _cell(cell) for key, cell in item.items() if not isinstance(cell, dict | list)})
        elif isinstance(item, list):
            rows.append({f"Column{number}": _cell(cell) for number, cell in enumerate(item, 1)})
        else:
            rows.append({"Result": _cell(item)})
    return rows


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _print_table(rows: Sequence[Row]) -> None:
    """Print rows; nothing at all for none. In a terminal a table longer than it goes through a pager."""
    if not rows:
        return
    text = _table(rows, _width())
    if sys.stdout.isatty() and text.count("\n") >= shutil.get_terminal_size().lines:
        click.echo_via_pager(text)
    else:
        click.echo(text, nl=False)


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH


def _table(rows: Sequence[Row], width: int) -> str:
    # Imported late: not every command prints a table.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = list(dict.fromkeys(name for row in rows for name in row))
    headers, widths, gap = fitted(names, rows, width)
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for header, column in zip(headers, widths, strict=True):
        table.add_column(Text(header), overflow="fold", width=column, vertical="bottom")
    for row in rows:
        table.add_row(*(Text(row.get(name, "")) for name in names))
    out = io.StringIO()
    needed = sum(widths) + gap * len(widths)
    colours = sys.stdout.isatty()
    # With a height of its own it believes the width, whatever the terminal says of itself.
    console = Console(file=out, width=max(width, needed), height=25, force_terminal=colours, highlight=False)
    console.print(table)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def fitted(names: Sequence[str], rows: Sequence[Row], width: int) -> tuple[list[str], list[int], int]:
    """(headers, column widths, gap) of a table: as wide as it needs, narrower only where `width` is less.

    First the headers of several words take several lines, then the gap shrinks, then the widest columns fold.
    """
    cells = [max((len(row.get(name, "")) for row in rows), default=0) for name in names]
    headers, gap = list(names), 2
    widths = _widths(headers, cells)
    if sum(widths) + gap * (len(widths) - 1) > width:
        headers = [name.replace(" ", "\n") for name in names]
        widths = _widths(headers, cells)
    if sum(widths) + gap * (len(widths) - 1) > width:
        gap = 1
    least = _widths(headers, [_NARROWEST] * len(headers))
    while sum(widths) + gap * (len(widths) - 1) > width:
        widest = max(range(len(widths)), key=lambda i: (widths[i] > least[i], widths[i]))
        if widths[widest] <= least[widest]:
            break
        widths[widest] -= 1
    return headers, widths, gap


def _widths(headers: Sequence[str], cells: Sequence[int]) -> list[int]:
    lines = (max(map(len, header.split("\n"))) for header in headers)
    return [max(pair) for pair in zip(lines, cells, strict=True)]
