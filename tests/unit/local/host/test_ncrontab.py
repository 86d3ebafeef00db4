"""local.host.ncrontab: when a timer fires."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.errors import HostError
from local.host.ncrontab import parse_schedule
from tests.support.cases import cases


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@cases(
    ("schedule", "after", "fires"),
    [
        ("*/15 * * * * *", "2026-01-01 00:00:00", "2026-01-01 00:00:15"),
        ("*/15 * * * * *", "2026-01-01 00:00:46", "2026-01-01 00:01:00"),
        ("0 */5 * * * *", "2026-01-01 00:00:00", "2026-01-01 00:05:00"),
        ("0 */5 * * * *", "2026-12-31 23:57:00", "2027-01-01 00:00:00"),
        ("*/5 * * * *", "2026-01-01 00:00:01", "2026-01-01 00:05:00"),
        ("0 30 9 * * MON-FRI", "2026-01-02 09:30:00", "2026-01-05 09:30:00"),
        ("0 0 0 1 JAN,JULY *", "2026-01-01 00:00:00", "2026-07-01 00:00:00"),
        ("0 0 0 29 2 *", "2096-03-01 00:00:00", "2104-02-29 00:00:00"),
        ("0 0 0 29 2 1", "2072-03-01 00:00:00", "2112-02-29 00:00:00"),
        ("31 */5 5-20 19 9 1", "2023-01-01 00:00:00", "2033-09-19 05:00:31"),
        ("31 */5 5-20 19 9 1", "2033-09-19 20:55:31", "2039-09-19 05:00:31"),
        ("*/15 * * * * *", "2026-01-01 00:00:14.999999", "2026-01-01 00:00:15"),
        ("*/15 * * * * *", "2026-01-01 00:00:15.000001", "2026-01-01 00:00:30"),
        # NCrontab wants both days to fit: a Friday that is a 13th.
        ("0 0 0 13 * 5", "2026-01-01 00:00:00", "2026-02-13 00:00:00"),
        ("30 10-14/2 * * * *", "2026-01-01 00:10:30", "2026-01-01 00:12:30"),
        ("5/20 * * * * *", "2026-01-01 00:00:06", "2026-01-01 00:00:25"),
        ("00:02:30", "2026-01-01 00:00:00", "2026-01-01 00:02:30"),
        ("1.00:00:00", "2026-01-01 00:00:00", "2026-01-02 00:00:00"),
    ],
)
def test_next_time(schedule: str, after: str, fires: str) -> None:
    assert parse_schedule(schedule).next_after(at(after)) == at(fires)


@cases(
    "schedule",
    [
        "",
        "* * *",
        "60 * * * * *",
        "* * * * * 7",
        "*/0 * * * * *",
        "5-1 * * * * *",
        "0 0 0 30 2 *",
        "x * * * * *",
        "00:00:00",
        "25:00:00",
        "* * * 0 * *",
        "1,,2 * * * * *",
    ],
)
def test_refuses_with_advice(schedule: str) -> None:
    with pytest.raises(HostError) as caught:
        parse_schedule(schedule)
    assert "six fields" in caught.value.advice


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("* * *", "it has 3 fields"),
        ("* * 24 * * *", "the hour '24' must be 0 to 23"),
        ("* * * * * L", "the day of the week 'L' must be 0 to 6"),
        ("* * * * * */x", "the step 'x' of the day of the week must be a number above 0"),
        ("5-1 * * * * *", "the second '5-1' runs backwards"),
        ("0 0 0 31 4,6,9,11 *", "it never fires"),
    ],
)
def test_says_which_field_is_wrong(schedule: str, words: str) -> None:
    with pytest.raises(HostError) as caught:
        parse_schedule(schedule)
    assert caught.value.message == f"The timer schedule '{schedule}' is not valid: {words}."


@given(
    st.integers(946_684_800, 3_786_912_000),
    st.integers(0, 59),
    st.integers(1, 30),
    st.integers(0, 23),
)
def test_is_the_first_matching_second(moment: int, second: int, step: int, hour: int) -> None:
    start = dt.datetime.fromtimestamp(moment, dt.UTC)
    found = parse_schedule(f"{second} */{step} {hour} * * *").next_after(start)
    assert found > start
    assert found - start <= dt.timedelta(days=1, seconds=1)
    assert (found.second, found.minute % step, found.hour, found.microsecond) == (second, 0, hour, 0)
