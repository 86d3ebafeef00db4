"""The documentation holds together: links lead somewhere, named files exist, every page is in the index."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.cases import cases
from tests.support.sources import PROJECT, files

DOCS = PROJECT / "docs"
ADRS = sorted(DOCS.glob("adr/[0-9]*.md"))
PAGES = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(DOCS.glob("**/*.md")),
    *sorted(PROJECT.glob("examples/*/README.md")),
]
#: Files that the documentation names and that only come to be.
MADE = ("status.json", "local.settings.json")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FOLDERS = "api|bench|cli|docs|examples|local|runner|schemas|scripts|shared|tests"
#: A file or, with a slash at its end, a folder; a star stands for any name.
_PATH = re.compile(rf"`((?:{_FOLDERS})/(?:[\w.*/-]*(?:\.\w+|/))?)`")
_TEST = re.compile(r"`(test_\w+?)(?:\[\w+\]|_?\.\.\.)?`")
_MODULE = re.compile(rf"python (?:-P )?-m ((?:{_FOLDERS})[\w.]*)")
#: A page; a decision may be named by its number alone.
_PAGE = re.compile(r"\bdocs/(?:adr/\d{4}|[\w/-]+\.md)")


@cache
def prose(page: Path) -> str:
    """A page without its code blocks, in which brackets mean something else."""
    return _FENCE.sub("", page.read_text("utf-8"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """What `#...` may name on a page: its headings as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return frozenset(re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-") for text in plain)


def links(page: Path) -> Iterator[str]:
    return (link for link in _LINK.findall(prose(page)) if not re.match(r"[a-z]+:", link))


def lost(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            found.append(link)
    return found


def missing(page: Path) -> list[str]:
    """The project's files and folders that a page names and that are not there."""
    named = [path for path in _PATH.findall(prose(page)) if not path.endswith(MADE)]
    return [path for path in named if not any(PROJECT.glob(path.rstrip("/")))]


@cases("page", PAGES)
def test_links_lead_somewhere_and_files_exist(page: Path) -> None:
    assert not lost(page)
    assert not missing(page)


def test_links_and_files_that_are_not_there_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](gone.md) [b](#one) [c](#two) [d](https://example.com/x)\n"
        "`shared/errors.py` `shared/gone.py` `shared/jobs/` `shared/gone/` `shared/jobs/*.py` `api/*.txt`\n"
    )
    assert lost(page) == ["gone.md", "#two"]
    assert missing(page) == ["shared/gone.py", "shared/gone/", "api/*.txt"]


def test_the_tests_and_modules_that_pages_name_exist() -> None:
    tests = " ".join(file.stem + file.read_text("utf-8") for file in PROJECT.glob("tests/**/test_*.py"))
    for page in PAGES:
        text = page.read_text("utf-8")
        assert not [name for name in _TEST.findall(text) if name not in tests], page
        modules = [PROJECT / module.rstrip(".").replace(".", "/") for module in _MODULE.findall(text)]
        assert not [m for m in modules if not (m.with_suffix(".py").exists() or (m / "__main__.py").exists())]


def test_every_page_is_linked_from_the_index() -> None:
    index = DOCS / "index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    pages = {page for page in DOCS.glob("**/*.md") if page.parent.name != "adr" and page != index}
    assert not pages - linked
    assert {page.parent.name for page in pages} == {"docs", "tutorials", "how-to", "reference", "explanation"}


def test_every_decision_has_a_status_a_date_and_a_line_in_the_index() -> None:
    index = (DOCS / "adr" / "index.md").read_text("utf-8")
    status = re.compile(
        r"^\*\*Status\.\*\* (Accepted|Proposed|Superseded by .+), 20\d\d-\d\d-\d\d\.", re.MULTILINE
    )
    assert not [adr.name for adr in ADRS if not status.search(adr.read_text("utf-8"))]
    assert not [adr.name for adr in ADRS if f"({adr.name})" not in index]
    assert len({adr.name[:4] for adr in ADRS}) == len(ADRS), "two decisions have one number"


def test_the_readme_is_short_and_the_table_of_changes_long() -> None:
    assert len((PROJECT / "README.md").read_text("utf-8").splitlines()) <= 90
    table = (DOCS / "architecture.md").read_text("utf-8").partition("## Where do I change X")[2]
    assert len(re.findall(r"^\| (?!I want|---)", table, re.MULTILINE)) >= 25


def test_the_pages_that_code_names_exist() -> None:
    folders = ("api", "bench", "cli", "local", "runner", "scripts", "shared", "tests")
    code = [file for folder in folders for file in files(folder)]
    code += [PROJECT / "Makefile", PROJECT / "function_app.py"]
    texts = {file: file.read_text("utf-8", "replace") for file in code if file.suffix in ("", ".py", ".sh")}
    named = {(file, page) for file, text in texts.items() for page in _PAGE.findall(text)}
    assert len(named) > 20
    lost = {page for _, page in named if not any(PROJECT.glob(page + "*"))}
    assert not [(str(file), page) for file, page in sorted(named) if page in lost]
