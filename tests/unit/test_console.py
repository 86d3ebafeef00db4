"""The built console (`make console`): small, complete, and nothing in it that its policy forbids."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
BUILT = PROJECT / "api/console_files"
SOURCES = PROJECT / "console/src"
MOST_BYTES = 150_000  #: of everything, as it is sent: the issue's budget
FIRST_BYTES = 45_000  #: of what the first view needs
_PACKED = (".br", ".gz")


def built_files() -> list[Path]:
    """What Vite made, without the compressed forms. Fails where it was not built."""
    files = [file for file in BUILT.rglob("*") if file.is_file() and file.suffix not in _PACKED]
    if not files:
        pytest.fail("the console is not built: make console")
    return files


def sent_bytes(file: Path) -> int:
    """As a browser that takes brotli gets it."""
    packed = file.with_name(f"{file.name}.br")
    return (packed if packed.exists() else file).stat().st_size


def test_everything_together_is_within_the_budget() -> None:
    sizes = {str(file.relative_to(BUILT)): sent_bytes(file) for file in built_files()}
    assert sum(sizes.values()) < MOST_BYTES, sizes


def test_the_first_view_is_small() -> None:
    page = (BUILT / "index.html").read_text("utf-8")
    named = re.findall(r'(?:src|href)="/console/([^"]+)"', page)
    assert named, page
    assert sum(sent_bytes(BUILT / name) for name in named) < FIRST_BYTES


def test_every_text_is_there_compressed() -> None:
    texts = [file for file in built_files() if file.suffix in (".html", ".js", ".css", ".json", ".svg")]
    missing = [file for file in texts for end in _PACKED if not file.with_name(file.name + end).exists()]
    assert not missing


def test_the_page_has_no_script_or_style_of_its_own() -> None:
    page = (BUILT / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page), page


def test_nothing_is_loaded_from_elsewhere() -> None:
    # Names of XML languages are no addresses to load from; "here" stands for no server (jobs/filters.ts).
    allowed = re.compile(r"https?://(?:www\.w3\.org/|here\b)")
    for file in built_files():
        if file.suffix in (".html", ".css"):
            assert not re.search(r"(?:https?:)?//[a-z]", file.read_text("utf-8")), file
        if file.suffix == ".js":
            found = re.findall(r"https?://[\w.-]+[^\s\"'`]*", file.read_text("utf-8"))
            assert not [each for each in found if not allowed.match(each)], file


@pytest.mark.parametrize(
    "forbidden", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
)
def test_no_source_makes_html_of_text(forbidden: str) -> None:
    sources = [file for file in SOURCES.rglob("*") if file.suffix in (".ts", ".tsx")]
    assert sources
    assert not [str(file) for file in sources if forbidden in file.read_text("utf-8")]
