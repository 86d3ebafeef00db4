"""Log lines name what they are about, wherever they are written."""

import logging

import pytest

from shared.log_context import SaysWhatItIsAbout


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
