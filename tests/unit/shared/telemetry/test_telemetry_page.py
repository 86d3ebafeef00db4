"""docs/reference/telemetry.md lists every span and attribute, and no other."""

import re

from shared.telemetry.names import Attribute, SpanName
from tests.support.sources import PROJECT

PAGE = (PROJECT / "docs" / "reference" / "telemetry.md").read_text("utf-8")


def _listed(heading: str) -> list[str]:
    """The first column of the table below a heading."""
    section = re.split(r"^#+ ", PAGE.partition(f"### {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def test_the_page_lists_every_span() -> None:
    assert sorted(_listed("Spans")) == sorted(SpanName)


def test_the_page_lists_every_attribute() -> None:
    assert sorted(_listed("Attributes")) == sorted(Attribute)
