"""The commands in the documentation work as they stand: the files and targets that they name are there."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.cases import cases

PROJECT = Path(__file__).parents[2]
PAGES = [
    PROJECT / "README.md",
    *(PROJECT / "docs").glob("**/*.md"),
    *(PROJECT / "examples").glob("*/README.md"),
]
#: A clone of the original's recipes beside this one: the page says so.
ELSEWHERE = "../BatchAI/"


def _commands() -> Iterator[tuple[str, str]]:
    for page in sorted(PAGES):
        for line in page.read_text("utf-8").splitlines():
            if found := re.match(r"\s*(?:\$ )?((?:az )?batchai (?!.*\bCOMMAND\b).*)", line):
                yield page.name, found[1].partition("  ")[0]


@cases(("page", "command"), list(_commands()))
def test_the_documents_that_a_command_names_exist(page: str, command: str) -> None:
    named = re.findall(r"(?<!\S)([\w./-]+\.json)\b", command)
    assert not [file for file in named if not file.startswith(ELSEWHERE) and not (PROJECT / file).exists()]


def test_the_pages_are_read() -> None:
    assert len(list(_commands())) > 30


def test_make_knows_the_targets_and_variables_that_are_named() -> None:
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"\$\((?:or \$\()?([A-Z_]+)", makefile))
    for page in PAGES:
        for line in page.read_text("utf-8").splitlines():
            for target, rest in re.findall(r"(?:^    |`)make ([a-z0-9-]+)((?: [A-Z_]+=)?)", line):
                assert target in targets, f"{page.name}: make {target}"
                assert rest.strip(" =") in variables | {""}, f"{page.name}: make {target}{rest}"
