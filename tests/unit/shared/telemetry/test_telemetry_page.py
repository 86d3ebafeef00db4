"""docs/reference/telemetry.md lists every span, attribute and metric, and what log records say, and no
other."""

import re

from shared.telemetry.log_records import SENT
from shared.telemetry.names import Attribute, Metric, SpanName
from tests.support.sources import PROJECT

PAGE = (PROJECT / "docs" / "reference" / "telemetry.md").read_text("utf-8")


def _listed(heading: str) -> list[str]:
    """The first column of the table below a heading."""
    _, found, rest = PAGE.partition(f"# {heading}\n")
    assert found, heading
    section = re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^\| (`[^`]+`(?:(?! \| \|) \| [^|]+)?) \|", section, re.MULTILINE)


def test_the_page_lists_every_span() -> None:
    assert sorted(_first(_listed("Spans"))) == sorted(SpanName)


def test_the_page_lists_every_attribute() -> None:
    assert sorted(_first(_listed("Attributes"))) == sorted(Attribute)


def test_the_page_lists_every_metric_with_kind_and_unit() -> None:
    wanted = [f"`{metric.title}` | {metric.kind}, `{metric.unit}`" for metric in Metric]
    assert sorted(_listed("Metrics and their attributes")) == sorted(wanted)


def test_the_page_lists_what_a_log_record_says() -> None:
    assert sorted(_first(_listed("Attributes of a log record"))) == sorted(SENT)


def _first(rows: list[str]) -> list[str]:
    return [row.split("`")[1] for row in rows]
