"""Headers are read as the parser of mail reads them."""

import email.parser
import http.client

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.stores.lean_response import headers_of


def _both(lines: list[bytes]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    text = b"".join(lines).decode("iso-8859-1")
    theirs = email.parser.Parser(_class=http.client.HTTPMessage).parsestr(text)
    return headers_of(lines).items(), theirs.items()


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Type: multipart/mixed; boundary=batchresponse_1\r\n", b"\r\n"],
        [
            b"ETag: W/\"datetime'2026-11-29T20%3A48%3A08Z'\"\r\n",
            b"x-a:\r\n",
            b"x-b:   two words \t\r\n",
            b"\r\n",
        ],
        [b"x-a: 1\r\n", b"x-a: 2\r\n", b"X-A: \xe9\n", b"\n"],
        [b"x-a: folded\r\n", b"  over lines\r\n", b"\r\n"],
        [b"no colon here\r\n", b"x-a: 1\r\n", b"\r\n"],
        [b"HTTP/1.1 200 OK\r\n", b"\r\n"],
        [b": no name\r\n", b"x-a: 1\r\n", b"\r\n"],
        [b"\r\n"],
    ],
)
def test_known_forms(lines: list[bytes]) -> None:
    ours, theirs = _both(lines)
    assert [(n, v.strip()) for n, v in ours] == [(n, v.strip()) for n, v in theirs]


_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(st.lists(st.tuples(st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", fullmatch=True), _TEXT), max_size=8))
def test_what_the_standard_allows(headers: list[tuple[str, str]]) -> None:
    lines = [f"{name}: {value}\r\n".encode() for name, value in headers]
    ours, theirs = _both([*lines, b"\r\n"])
    assert [(n, v.strip()) for n, v in ours] == [(n, v.strip()) for n, v in theirs]
