"""The human form of `batchai lint`: place, severity, member; below, the problem and what would be right."""

import sys
from typing import TextIO

from rich.console import Console
from rich.text import Text

from shared.errors import Problem, Severity

#: Columns where the output is not a terminal, which knows its own width.
_WIDTH = 110
_INDENT = 4
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def print_table(found: list[tuple[str, tuple[Problem, ...]]], sentence: str) -> None:
    """Print the problems of each file and then `sentence`."""
    print_problems(found, sys.stdout)
    _console(sys.stdout).print(Text(sentence, style="bold"))


def print_problems(found: list[tuple[str, tuple[Problem, ...]]], stream: TextIO) -> None:
    """Print the problems of each file. Nothing from a document is read as markup."""
    console = _console(stream)
    for file, problems in found:
        for problem in problems:
            # One line whatever its length, so that editors and grep find file:line:column.
            console.print(_head(file, problem), soft_wrap=True)
            for line in _as_text(problem).wrap(console, console.width - _INDENT):
                line.rstrip()
                console.print(Text(" " * _INDENT) + line, soft_wrap=True)


def _console(stream: TextIO) -> Console:
    return Console(file=stream, width=None if stream.isatty() else _WIDTH, highlight=False)


def _head(file: str, problem: Problem) -> Text:
    name = "<stdin>" if file == "-" else file.encode("utf-8", "replace").decode()
    head = Text(f"{name}:{problem.line}:{problem.column}: " if problem.line else f"{name}: ")
    head.append(str(problem.severity), style=_STYLES[problem.severity])
    return head.append(f" {problem.path}", style="bold")


def _as_text(problem: Problem) -> Text:
    message = Text(problem.message)
    return message.append(f"\n{problem.hint}", style="dim") if problem.hint else message
