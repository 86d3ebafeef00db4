"""The field's word for each thing (docs/glossary.md): those that it has replaced stand in no name, text,
comment or page. Decisions (docs/adr) and the change log keep the words of their day.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import PROJECT, files

#: A replaced word, as a regular expression -> what to write in its place.
REPLACED = {
    "told": "report, inform, ask, distinguish",
    "tell|tells|telling": "say, report, show, inform, ask, distinguish",
    "goes": "is removed, is written to, is sent to, continues, comes first",
    "knock|knocks|knocked|knocking": "wake up",
    "cage|cages": "process tracker",
    "inmate|inmates": "processes",
    "dead[ _-]?man|dead man's switch": "watchdog",
    "workplace|workplaces": "step host",
    "crew|crews": "peers",
    "assembly": "rendezvous",
    "leftovers": "clean_node, what a job has left",
    "ground": "trusted path",
    "trial|trials": "permission probe, probe",
    "homes": "state dirs",
    "door|doors": "entry point, submission, metadata firewall",
    "room|rooms": "package; space, capacity",
    "standing": "job_status",
    "patience": "retry, delays",
    "fitting": "coercion; matching",
    "wrapper|wrappers": "envelope",
    "conclusion|conclusions": "outcome report",
    "first_things": "seed",
    "cascade|cascades": "cascading deletion",
    "surroundings": "settings source, environment",
    "examination|examinations": "run_checks, report",
}
#: (file, the line's text around the word): where the word is somebody else's, or on the wire.
ALLOWED = (
    ("tests/unit/test_words.py", ""),
    ("docs/glossary.md", "|"),  # its third column
    ("shared/stores/node_table.py", '{"Knocked": True}'),  # a column that runners of before read
    ("tests/unit/conftest.py", "hookimpl(wrapper=True)"),
    ("tests/integration/files_emulator/test_files.py", "log.tell()"),
)
_FOLDERS = "api bench cli console deploy docs examples infra local runner schemas scripts shared tests"
_TEXTS = (
    ".bicep",
    ".css",
    ".html",
    ".js",
    ".json",
    ".md",
    ".mjs",
    ".py",
    ".sh",
    ".toml",
    ".ts",
    ".tsx",
    ".yaml",
    ".yml",
    "",
)
#: What versions of before wrote, names of packages of others, and decisions.
_NOT_OURS = (
    *("api/console_files/", "console/package-lock.json", "docs/adr/", "local/node/package-lock.json"),
    *("tests/data/", "tests/browser/package-lock.json"),
)
_DECISION = re.compile(r"\d{4}-[\w-]+\.md")


def _anywhere(word: str) -> str:
    """As a word of a text and as a part of a name: told, Told, TOLD, _told, isTold, never untold."""
    capital = "|".join(each[0].upper() + each[1:] for each in word.split("|"))
    return rf"(?<![A-Za-z])(?:{word})(?![a-z])|(?:{capital})(?![a-z])|(?<![A-Z])(?:{word.upper()})(?![A-Z])"


_PATTERNS = {re.compile(_anywhere(word)): instead for word, instead in REPLACED.items()}
#: What each begins with: a text without it, in small letters, has none of them. Searching these is cheap.
_BEGINNINGS = {re.split(r"[^a-z_]", word)[0] for word in REPLACED}


def found_in(text: str) -> Iterator[tuple[int, str, str]]:
    """(line number, line, what to write instead) of every replaced word in a text."""
    for number, line in _suspects(text):
        plain = _DECISION.sub("", line)
        yield from ((number, line, new) for old, new in _PATTERNS.items() if old.search(plain))


def _suspects(text: str) -> Iterator[tuple[int, str]]:
    """The lines in which one of the beginnings stands."""
    small, lines = text.lower(), set[int]()
    for beginning in _BEGINNINGS:
        at = small.find(beginning)
        while at >= 0:
            lines.add(small.rfind("\n", 0, at) + 1)
            at = small.find(beginning, at + 1)
    for start in sorted(lines):
        yield text.count("\n", 0, start) + 1, text[start:].partition("\n")[0]


def _texts() -> Iterator[tuple[str, str]]:
    """(path, text) of every text file of the project."""
    for file in [*PROJECT.glob("*"), *(file for folder in _FOLDERS.split() for file in files(folder))]:
        path = file.relative_to(PROJECT).as_posix()
        ours = not path.startswith(_NOT_OURS) and path != "CHANGELOG.md"
        if ours and file.suffix in _TEXTS and file.is_file():
            yield path, file.read_text("utf-8", errors="replace")


def _is_allowed(path: str, line: str) -> bool:
    return any(path == file and part in line for file, part in ALLOWED)


def test_replaced_words_stand_nowhere() -> None:
    faults = [
        f"{path}:{number}: {line.strip()[:100]!r}: write {instead}"
        for path, text in _texts()
        for number, line, instead in found_in(text)
        if not _is_allowed(path, line)
    ]
    assert not faults, "\n".join(faults)


def test_what_is_allowed_is_there() -> None:
    for file, part in ALLOWED:
        lines = [line for _, line, _ in found_in(Path(PROJECT, file).read_text("utf-8"))]
        assert any(part in line for line in lines), f"{file} needs no exception for {part!r} any more"


@pytest.mark.parametrize(
    "line",
    [
        "is told so",
        "def test_it_is_told():",
        "class Told:",
        "_TOLD = 1",
        "wasTold(x)",
        "It goes on.",
        "dead_man",
    ],
)
def test_a_replaced_word_is_found_in_texts_and_names(line: str) -> None:
    assert list(found_in(line))


@pytest.mark.parametrize(
    "line", ["untold", "background", "mushroom", "Toldo", "0296-azurite-tells-what.md", "retell"]
)
def test_parts_of_other_words_and_titles_of_decisions_are_none(line: str) -> None:
    assert not list(found_in(line))
