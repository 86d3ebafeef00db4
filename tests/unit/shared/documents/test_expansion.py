"""shared.documents.expansion: what a shell does inside double quotes, and nothing that it runs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.documents.expansion import MOST_BYTES, expand, expanded_bytes
from shared.errors import LaunchError
from tests.support.cases import cases

KNOWN = {"A": "one", "AB": "two", "EMPTY": "", "DOLLAR": "$A ${A}", "_x9": "low"}


@cases(
    ("text", "expected"),
    [
        ("$A/logs", "one/logs"),
        ("${A}B", "oneB"),
        ("$AB", "two"),
        ("$AB$A", "twoone"),
        ("$_x9!", "low!"),
        ("[$EMPTY]", "[]"),
        ("[$UNKNOWN][${UNKNOWN}]", "[][]"),
        ("$DOLLAR", "$A ${A}"),
        (r"\$A", "$A"),
        (r"\${A}", "${A}"),
        (r"C:\dir\$A", "C:\\dir$A"),
        (r"a\d+\"b\\", r"a\d+\"b\\"),
        ("pa$$word", "pa$$word"),
        ("$$A", "$$A"),
        ("$$$A", "$$one"),
        ("$1 $@ $? $ $", "$1 $@ $? $ $"),
        ("$(A) `A`", "$(A) `A`"),
        ("${A:-x} ${} ${1A} ${A", "${A:-x} ${} ${1A} ${A"),
        ("$A-data", "one-data"),
        ("$Aé $a", "oneé "),
    ],
)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, KNOWN) == expected


@given(st.text().filter(lambda text: "$" not in text))
def test_text_without_a_dollar_is_left_alone(text: str) -> None:
    assert expand(text, KNOWN) == text


@given(st.text(alphabet="$\\{}A_b9 é\n"), st.text())
def test_values_are_never_expanded_again(text: str, value: str) -> None:
    # The value is put in as it is: expanding with a placeholder and replacing that gives the same.
    names = ("A", "A_b9", "A_b", "A_", "A9", "b9", "b", "_", "__", "_A", *re.findall(r"\w+", text, re.ASCII))
    direct = expand(text, dict.fromkeys(names, value))
    indirect = expand(text, dict.fromkeys(names, "\0")).replace("\0", value)
    assert direct == indirect


def test_a_value_is_not_put_together_beyond_what_a_process_can_be_given() -> None:
    with pytest.raises(LaunchError, match=r"^the variable X comes out longer than 131,072 bytes"):
        expand("$A" * 3, {"A": "x" * 50_000}, "the variable X")
    assert len(expand("$A" * 2, {"A": "x" * 65_536})) == MOST_BYTES
    with pytest.raises(LaunchError):
        expand("$A" * 2, {"A": "é" * 40_000})


@given(st.text(alphabet="$\\{}AB_9 é\n"), st.dictionaries(st.sampled_from("AB"), st.text(max_size=9)))
def test_what_a_text_comes_to_is_known_without_putting_it_together(
    text: str, variables: dict[str, str]
) -> None:
    sizes = {name: len(value.encode("utf-8", "surrogatepass")) for name, value in variables.items()}
    expanded = expand(text, variables).encode("utf-8", "surrogatepass")
    assert expanded_bytes(text, sizes) == len(expanded)
