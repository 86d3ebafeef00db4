"""Lines that jobs write, whatever they are, as series that every reader reads."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.resources.metrics import samples, thinned


def read(text: str | bytes) -> list[dict[str, Any]]:
    data = text.encode() if isinstance(text, str) else text
    return samples([(0, data)], len(data))


def test_objects_are_read_and_everything_else_is_skipped() -> None:
    text = '{"step": 1, "loss": 0.5}\nwords\n[1]\n3\n\n{"step": 2, "text": "é"}\n{"st'
    assert read(text) == [{"step": 1, "loss": 0.5}, {"step": 2, "text": "é"}]


def test_a_last_line_without_its_end_counts_when_it_is_whole() -> None:
    assert read('{"step": 1}') == [{"step": 1}]


@pytest.mark.parametrize(
    ("number", "shown"), [("NaN", None), ("-Infinity", None), ("1e999", None), ("1e3", 1000.0), ("7", 7)]
)
def test_numbers_that_json_does_not_have_are_gaps(number: str, shown: float | None) -> None:
    assert read(f'{{"loss": {number}}}') == [{"loss": shown}]


def test_numbers_that_no_browser_counts_are_rounded() -> None:
    assert read('{"step": 123456789012345678901}') == [{"step": 1.2345678901234568e20}]
    assert read('{"step": 1%s}' % ("0" * 400)) == [{"step": None}]


HOSTILE = {
    "deep list": "[" * 100_000,
    "deep object": '{"a":' * 9_000,
    "long number": '{"step": 1' + "0" * 9_999 + "}",
    "long text": '{"a": "' + "x" * 70_000 + '"}',
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_hostile_lines_are_skipped(line: str) -> None:
    assert read(f'{line}\n{{"step": 1}}\n')[-1:] == [{"step": 1}]
    assert len(read(line)) == 0


def test_only_the_first_members_of_a_sample_are_kept() -> None:
    (found,) = read(json.dumps({str(number): number for number in range(1000)}))
    assert len(found) == 200 and found["199"] == 199


def test_lines_cut_by_a_pieces_end_are_left_out() -> None:
    pieces = [(0, b'{"a": 1}\n{"a"'), (50, b'2}\n{"a": 3}\n{"a": 4'), (100, b'5}\n{"a": 6}')]
    assert samples(pieces, 111) == [{"a": 1}, {"a": 3}, {"a": 6}]


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_the_answer_is_json(data: bytes) -> None:
    assert json.dumps(read(data), allow_nan=False)


@given(st.integers(0, 200), st.integers(1, 50))
def test_thinned_values_are_spread_evenly_and_end_with_the_last(count: int, most: int) -> None:
    found = thinned(range(count), most)
    assert len(found) == min(count, most) and found == sorted(set(found))
    if count:
        assert found[-1] == count - 1
    if count and most > 1:
        assert found[0] == 0
    gaps = [later - earlier for earlier, later in pairwise(found)]
    assert not gaps or max(gaps) - min(gaps) <= 1
