"""Log lines name what they are about, wherever they are written."""

import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.log_context import SaysWhatItIsAbout, worded


class Kept(logging.Handler):
    """Keeps the lines as a host writes them: the message alone."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.mark.parametrize(
    ("message", "extra", "line"),
    [
        ("claimed", {"job": "w/e/j", "uuid": "u", "action": "claimed"}, "claimed (job w/e/j)"),
        ("message not put back", {"uuid": "u"}, "message not put back (uuid u)"),
        ("seat freed", {"job": "w/e/j", "node": "n"}, "seat freed (job w/e/j, node n)"),
        ("sweep of w/c failed", {"cluster": "w/c"}, "sweep of w/c failed"),
        ("job document %s", {"blob": "jobs/j/job.json"}, "job document x (blob jobs/j/job.json)"),
        ("ready", {"action": "ready"}, "ready"),
        ("w/e/jo and w/e/j: seen", {"job": "w/e/j"}, "w/e/jo and w/e/j: seen"),
        ("seen xw/e/j, w/e/jo, w/e/j_1", {"job": "w/e/j"}, "seen xw/e/j, w/e/jo, w/e/j_1 (job w/e/j)"),
    ],
)
def test_a_line_says_what_it_is_about(message: str, extra: dict[str, str], line: str) -> None:
    """Twice where two handlers share a record: it is said once."""
    logger, kept = logging.Logger("probe"), [Kept(), Kept()]
    for handler in kept:
        handler.addFilter(SaysWhatItIsAbout())
        logger.addHandler(handler)
    logger.info(message, *(["x"] if "%s" in message else []), extra=extra)
    assert [handler.lines for handler in kept] == [[line], [line]]


@given(text=st.text("ab_- é9"), value=st.text("ab_- é9", min_size=1))
def test_a_value_stands_in_a_line_as_an_expression_finds_it(text: str, value: str) -> None:
    found = re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None
    record = logging.makeLogRecord({"msg": text, "job": value})
    assert (worded(record) == text) is found


def test_no_expression_is_kept_for_each_job() -> None:
    re.purge()
    for number in range(3):
        worded(logging.makeLogRecord({"msg": "claimed", "job": f"w/e/j{number}"}))
    assert not re._cache  # type: ignore[attr-defined]
