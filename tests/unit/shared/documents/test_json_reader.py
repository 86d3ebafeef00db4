"""The JSON reader: strict in what it accepts, forgiving in how far it reads, exact about places."""

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.documents.json_reader.reader import read_json
from shared.documents.json_reader.scanner import MAX_DEPTH, MAX_PROBLEMS, MAX_VALUES
from shared.errors import Severity
from tests.support.cases import cases

LIMIT = 512 * 1024
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@cases(
    ("text", "line", "column", "words"),
    [
        ('{"a": 1,}', 1, 8, "A comma stands before }"),
        ('{"a": [1,\n2,]}', 2, 2, "A comma stands before ]"),
        ('{"a": 1 "b": 2}', 1, 9, "A comma is missing"),
        ('{"a": 1,, "b": 2}', 1, 9, "one comma too many"),
        ('{"a": 1} // no', 1, 10, "no comments"),
        ('{\n/* no */ "a": 1}', 2, 1, "no comments"),
        ('{"a": 1} # no', 1, 10, "no comments"),
        ('{"a": 1, "b": 2, "a": 3}', 1, 18, "second time"),
        ('{"a": NaN}', 1, 7, "NaN is not JSON"),
        ('{"a": -Infinity}', 1, 7, "-Infinity is not JSON"),
        ('{"a": True}', 1, 7, "Write true"),
        ('{"a": 0777}', 1, 7, "not a number as JSON"),
        ('{"a": 1e999}', 1, 7, "too large"),
        ('{"a": ' + "1" * 400 + "}", 1, 7, "too many digits"),
        ("{'a': 1}", 1, 2, "double quotes"),
        ("{a: 1}", 1, 2, "double quotes"),
        ('{"a": word}', 1, 7, "double quotes"),
        ('{"a": "x\ty"}', 1, 9, "U+0009"),
        ('{"a": "\\u0000"}', 1, 7, "NUL"),
        ('{"a": "\\ud800"}', 1, 7, "surrogate"),
        ('{"a": "C:\\data"}', 1, 7, "backslash"),
        ('{"a": 1} x', 1, 10, "more text follows"),
        ("", 1, 1, "empty"),
        ('{"a": "x', 1, 7, "does not end in its line"),
        ('{"a": [1', 1, 9, "ends before the ]"),
        ('{"a" 1}', 1, 6, "colon"),
        ('{"a": 1]', 1, 8, "Here is ] where"),
        ('{"a": }', 1, 7, "A value should begin here"),
        ("[" * 100_000, 1, MAX_DEPTH + 1, "levels deep"),
        ("[" + "1," * (MAX_VALUES + 1), 1, 2 * MAX_VALUES, "more than 50,000 values"),
        ("\ufeff{]", 1, 2, "name of a member"),
    ],
)
def test_every_fault_is_named_at_its_place(text: str, line: int, column: int, words: str) -> None:
    problems = [p for p in read_json(text, LIMIT).problems if p.severity is Severity.ERROR]

    assert any((p.line, p.column) == (line, column) and words in str(p) for p in problems), problems


def test_all_faults_of_one_text_are_found() -> None:
    text = read_json('{\'a\': NaN, // c\n b: 0777, "c": "x\ty", "a": True,}', LIMIT)

    assert text.readable
    assert len(text.problems) == 9


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_another_encoding_is_named_and_still_read(encoding: str) -> None:
    text = read_json('{"a": 1}'.encode(encoding), LIMIT)

    assert "must be UTF-8" in text.problems[0].message
    assert text.value == {"a": 1}


def test_a_byte_that_is_not_utf8_is_found() -> None:
    text = read_json(b'{"a": 1,\n "b": "\xe9"}', LIMIT)

    assert (text.problems[0].line, text.problems[0].column) == (2, 8)
    assert "0xE9" in text.problems[0].message


def test_a_utf8_mark_is_only_a_note_and_moves_no_column() -> None:
    text = read_json(b'\xef\xbb\xbf{"a": 1}', LIMIT)

    assert [p.severity for p in text.problems] == [Severity.NOTE]
    assert text.position(("a",)) == (1, 7)


def test_a_large_file_is_refused_unread() -> None:
    text = read_json(b"[" + b" " * LIMIT, LIMIT)

    assert not text.readable
    assert "at most 524,288" in text.problems[0].message


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_count_them(newline: str) -> None:
    text = read_json(newline.join(['{"a": 1,', "", '  "b": [1, {"c": 2}]}']), LIMIT)

    assert text.position(("b",)) == (3, 8)
    assert text.position(("b",), at_key=True) == (3, 3)
    assert text.position(("b", 1, "c")) == (3, 18)
    assert text.position(("b", 1, "absent")) == (3, 12)


@given(JSON, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_what_python_writes_is_read_back(value: Any, indent: Any, ascii_only: bool) -> None:
    text = read_json(json.dumps(value, indent=indent, ensure_ascii=ascii_only), LIMIT)

    assert text.problems == ()
    assert text.value == value


@given(JSON)
def test_a_place_points_at_its_value(value: Any) -> None:
    source = json.dumps({"before": [None], "it": value}, indent=1, ensure_ascii=False)
    line, column = read_json(source, LIMIT).position(("it",))

    rest = "\n".join(source.split("\n")[line - 1 :])[column - 1 :]
    assert json.JSONDecoder().raw_decode(rest)[0] == value


@given(st.text() | st.binary() | st.text(string.printable) | st.text("{}[]\",:0123 \\'ntf/#*\n"))
def test_nothing_is_ever_raised_and_strictness_matches_pythons(data: str | bytes) -> None:
    text = read_json(data, LIMIT)

    clean = not any(p.severity is Severity.ERROR for p in text.problems)
    if clean:
        raw = data if isinstance(data, str) else data.decode("utf-8")
        assert json.loads(raw.removeprefix("\ufeff")) == text.value


def test_a_text_that_could_not_be_followed_has_no_places() -> None:
    assert read_json("", LIMIT).position(("a",)) == (0, 0)


def test_after_a_thousand_problems_nobody_reads_on() -> None:
    found = read_json("[" + "/* x */" * 2_000 + "1]", LIMIT)
    assert len(found.problems) == MAX_PROBLEMS
    assert not found.readable


@cases("text", ["{", '{"a"', '{"a":', '{"a": 1', "[", "[1", "[1,", '{"a": 1,'])
def test_a_text_that_is_cut_off_is_reported_where_it_begins(text: str) -> None:
    found = read_json(text, LIMIT)
    assert not found.readable
    assert "The file ends before the" in found.problems[-1].message
    assert "line 1, column 1" in found.problems[-1].hint
