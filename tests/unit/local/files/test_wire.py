"""local.files.wire: header values both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.files import wire
from local.files.errors import FilesError
from local.files.wire import Span


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"range": "bytes=0-3"}, Span(0, 3)),
        ({"range": "bytes=4-"}, Span(4, 9)),
        ({"range": "bytes=4-400"}, Span(4, 9)),
        ({"range": "bytes=0-0", "x-ms-range": "bytes=1-2"}, Span(1, 2)),
    ],
)
def test_ranges(headers: dict[str, str], expected: Span | None) -> None:
    assert wire.span(headers, 10) == expected


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=10-11", "bytes=5-4"])
def test_ranges_that_hold_nothing(text: str) -> None:
    with pytest.raises(FilesError) as refused:
        wire.span({"range": text}, 10)
    assert refused.value.status == 416


@pytest.mark.parametrize("text", ["bytes=-5", "bytes=a-b", "bytes=0-1,3-4", "lines=1-2", ""])
def test_ranges_nobody_understands(text: str) -> None:
    with pytest.raises(FilesError) as refused:
        wire.span({"range": text}, 10)
    assert refused.value.status == 400


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 2**40))
def test_a_range_never_leaves_the_file(start: int, end: int, size: int) -> None:
    try:
        found = wire.span({"range": f"bytes={start}-{end}"}, size)
    except FilesError:
        assert start >= size or end < start
    else:
        assert found and 0 <= found.start <= found.end < size


@given(st.integers(0, 4_000_000_000 * 10**9))
def test_file_times_come_back(nanoseconds: int) -> None:
    text = wire.file_time(nanoseconds)
    assert wire.parse_file_time(text, 0) == nanoseconds // 100 * 100


def test_words_for_times() -> None:
    assert wire.parse_file_time("now", 7) == 7
    assert wire.parse_file_time("preserve", 7) is None
    assert wire.parse_file_time("", 7) is None
    with pytest.raises(FilesError):
        wire.parse_file_time("yesterday", 7)


def test_the_sdk_sends_a_header_that_is_no_metadata() -> None:
    headers = {"x-ms-meta": "{'a': '1'}", "x-ms-meta-a": "1", "x-ms-meta-b_c": "2"}
    assert wire.metadata(headers) == {"a": "1", "b_c": "2"}
    with pytest.raises(FilesError):
        wire.metadata({"x-ms-meta-1a": "x"})


@pytest.mark.parametrize(
    ("headers", "etag", "reading", "not_modified"),
    [
        ({}, '"1"', True, False),
        ({"if-match": '"1"'}, '"1"', False, False),
        ({"if-match": "*"}, '"1"', False, False),
        ({"if-none-match": '"1"'}, '"1"', True, True),
        ({"if-none-match": '"2", "3"'}, '"1"', True, False),
        ({"if-none-match": "*"}, None, False, False),
        ({"if-modified-since": "Sat, 31 Jan 2026 12:00:00 GMT"}, '"1"', True, True),
    ],
)
def test_conditions_met(headers: dict[str, str], etag: str | None, reading: bool, not_modified: bool) -> None:
    assert wire.check_conditions(headers, etag, 10**18, reading=reading) is not_modified


@pytest.mark.parametrize(
    ("headers", "etag", "reading"),
    [
        ({"if-match": '"2"'}, '"1"', False),
        ({"if-match": '"2"'}, '"1"', True),
        ({"if-match": "*"}, None, False),
        ({"if-none-match": '"1"'}, '"1"', False),
        ({"if-none-match": "*"}, '"1"', False),
        ({"if-unmodified-since": "Sat, 01 Jan 2000 12:00:00 GMT"}, '"1"', False),
    ],
)
def test_conditions_not_met(headers: dict[str, str], etag: str | None, reading: bool) -> None:
    with pytest.raises(FilesError) as refused:
        wire.check_conditions(headers, etag, 10**18, reading=reading)
    assert refused.value.code == "ConditionNotMet"
