"""What commands print: tables for people, JSON, YAML and tab-separated values for scripts, JMESPath over all.

Where the output is no terminal the forms are those of az 2.91 (knack 0.14, tabulate) to the letter:
tests/e2e/clients/test_azure_cli.py holds both beside each other.
"""

import csv
import io
import json
import shutil
import sys
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import click

from cli.columns import Columns, Row
from cli.faults import USAGE, Fault

FORMS = ("table", "json", "jsonc", "yaml", "yamlc", "tsv", "csv", "none")
#: Columns where the output is no terminal: wide enough never to cut or fold.
_WIDTH = 10_000
#: A column is not made narrower than this, nor than the words of its header.
_NARROWEST = 6
#: A column is wider than its header by so much, where there is space.
_HEADER_SPACE = 2
#: Members that a table of a query's answer leaves out.
_NOT_IN_TABLES = ("id", "type", "etag")


def default_form() -> str:
    """A table in a terminal, JSON for everything that reads it."""
    return "table" if sys.stdout.isatty() else "json"


def show(value: Any, form: str, query: str | None, columns: Columns) -> None:
    """Print one flat resource or a list of them. Raises Fault for a query that is wrong."""
    if query:
        value = _searched(value, query)
    if form == "none" or value is None:
        return
    if form in ("json", "jsonc"):
        _http_copy(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", form)
    elif form in ("yaml", "yamlc"):
        _http_copy(_yaml(value), form)
    elif form == "tsv":
        click.echo(_tsv(value), nl=False)
    elif form == "csv":
        click.echo(_csv(_general(value) if query else _rows(value, columns)), nl=False)
    elif query:
        _print_table(_general(value))
    else:
        _print_table(_rows(value, columns))


def _rows(value: Any, columns: Columns) -> list[Row]:
    return [columns(item) for item in (value if isinstance(value, list) else [value])]


def check_query(query: str | None) -> None:
    """Raises Fault for a query that is no JMESPath."""
    if query:
        import jmespath
        from jmespath.exceptions import JMESPathError

        try:
            jmespath.compile(query)
        except JMESPathError as error:
            message = " ".join(str(error).split())
            raise Fault(f"--query is not JMESPath: {message}", "See https://jmespath.org", USAGE) from None


def _searched(value: Any, query: str) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        # The order of {b:x, a:y} is the query's.
        return jmespath.search(query, value, jmespath.Options(dict_cls=OrderedDict))
    except JMESPathError as error:
        raise Fault(f"--query cannot be answered: {error}", "See https://jmespath.org", USAGE) from None


def _http_copy(text: str, form: str) -> None:
    """Print JSON or YAML; a form that ends in c has colours in a terminal."""
    if form.endswith("c") and sys.stdout.isatty():
        from pygments import formatters, highlight, lexers

        text = highlight(text, lexers.get_lexer_by_name(form[:-1]), formatters.TerminalFormatter())
    click.echo(text, nl=False)


def _yaml(value: Any) -> str:
    import yaml

    plain = json.loads(json.dumps(value))  # without the ordered dictionaries of a query
    return str(yaml.safe_dump(plain, default_flow_style=False, allow_unicode=True))


def _tsv(value: Any) -> str:
    """A line per item; the members of a resource by sorted key, those of a query in its order."""
    items = value if isinstance(value, list) else [value]
    return "".join(_tsv_line(item) + "\n" for item in items)


def _tsv_line(item: Any) -> str:
    if isinstance(item, dict):
        item = [item[key] for key in (item if isinstance(item, OrderedDict) else sorted(item))]
    if isinstance(item, list):
        return "\t".join(_tsv_cell(cell) for cell in item)
    return str(item).lower() if isinstance(item, bool) else _tsv_cell(item)


def _tsv_cell(cell: Any) -> str:
    if isinstance(cell, dict):
        return ""
    if isinstance(cell, list):
        return str(len(cell))
    # A tab or a line break in a value would look like the next one; az lets it.
    return " ".join(cell.split()) if isinstance(cell, str) else str(cell)


def _csv(rows: Sequence[Row]) -> str:
    """What the table says, with a header, as RFC 4180 has it but for the line ends."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue() if names else ""


def _general(value: Any) -> list[Row]:
    """Rows for the answer of a query, whatever its form."""
    items = value if isinstance(value, list) else [value]
    rows: list[Row] = []
    for item in items:
        if isinstance(item, dict):
            rows.append(
                {key[:1].upper() + key[1:]: str(cell) for key, cell in item.items() if _shown(key, cell)}
            )
        elif isinstance(item, list):
            rows.append({f"Column{number}": _cell(cell) for number, cell in enumerate(item, 1)})
        else:
            rows.append({"Result": _cell(item)})
    return rows


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _shown(key: str, cell: Any) -> bool:
    return key not in _NOT_IN_TABLES and cell is not None and not isinstance(cell, dict | list)


def _print_table(rows: Sequence[Row]) -> None:
    """Print rows; nothing at all for none. In a terminal a table longer than it is shown by a pager."""
    if not any(rows):
        return
    text = _table(rows, _width())
    if sys.stdout.isatty() and text.count("\n") >= shutil.get_terminal_size().lines:
        click.echo_via_pager(text)
    else:
        click.echo(text, nl=False)


def rows_text(rows: Sequence[Row]) -> str:
    """Rows as a table, as wide as the terminal; "" for none."""
    return _table(rows, _width()) if any(rows) else ""


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
    table.add_row(*(Text("-" * column) for column in widths))
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
    """(headers, column widths, gap) of a table: as wide as az makes it, narrower only where `width` is less.

    First the columns lose the space beside their headers, then headers of several words take several lines,
    then the gap shrinks, then the widest columns fold.
    """
    cells = [
        max((len(line) for row in rows for line in row.get(name, "").split("\n")), default=0)
        for name in names
    ]
    headers, gap = list(names), 2
    widths = [max(cell, len(name) + _HEADER_SPACE) for cell, name in zip(cells, names, strict=True)]
    if sum(widths) + gap * (len(widths) - 1) > width:
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
