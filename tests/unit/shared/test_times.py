"""Durations: ISO-8601 and the .NET spelling."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.times import is_dot_net, iso_duration, parse_duration, spelled
from tests.support.cases import cases


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P7D", timedelta(days=7)),
        ("PT1H30M", timedelta(hours=1, minutes=30)),
        ("P1W", timedelta(weeks=1)),
        ("PT0.5S", timedelta(seconds=0.5)),
        ("pt90m", timedelta(minutes=90)),
        ("7.00:00:00", timedelta(days=7)),
        ("01:30:00", timedelta(hours=1, minutes=30)),
    ],
)
def test_durations_are_read(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected
    assert is_dot_net(text) == (":" in text)


@cases("text", ["", "P", "PT", "P1DT", "P1M", "P1Y", "1h", "PT0S", "P99999999999D", "P1.2.3D", "-P1D"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be|is not"):
        parse_duration(text)


@given(st.timedeltas(timedelta(microseconds=1), timedelta(days=3650)))
def test_what_is_written_is_read_back(span: timedelta) -> None:
    assert abs(parse_duration(iso_duration(span)) - span) <= timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (95, "95 s"), (120, "2 min"), (250, "4 min 10 s"), (7200, "2 h"), (7500, "2 h 5 min")],
)
def test_seconds_are_spelled_for_people(seconds: float, words: str) -> None:
    assert spelled(seconds) == words
