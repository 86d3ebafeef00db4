"""A metric in the text of a log, and the patterns that are let through."""

import time

import pytest

from shared.sweeps.metric_patterns import pattern_fault
from shared.sweeps.metrics import last_match, last_value
from tests.support.cases import cases


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"loss": 1}\n{"loss": 0.5}\n', 0.5),
        ('{"loss": 1}\n{"step": 2}\n\nno json\n[1]\n{"loss": "a"}\n{"loss": true}\n', 1),
        ('{"loss": NaN}\n', None),
        ('{"loss": 1' + "0" * 400 + "}\n", None),
        ('{"loss": 3}', 3),
        ("[" * 100_000, None),
        ("", None),
    ],
)
def test_the_last_number_under_a_key_counts(text: str, expected: float | None) -> None:
    assert last_value(text, "loss") == expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"acc ([0-9.]+)", "acc 0.5\nacc 0.75\nend\n", 0.75),
        (r"acc ([0-9.]+)", "acc 0.5\nacc ...\n", 0.5),
        (r"[0-9]+", "a 1\nb 23 c\n", 23),
        (r"acc (-?[0-9.]+)?", "acc\n", None),
        (r"acc ([a-z]+)", "acc nan\nacc inf\n", None),
        (r"x", "", None),
    ],
)
def test_the_last_line_that_matches_counts(pattern: str, text: str, expected: float | None) -> None:
    assert last_match(text, pattern) == expected


@cases(
    ("pattern", "fault"),
    [
        (r"accuracy[ :=]+([0-9.]+)", None),
        (r"(?:loss|cost): (-?\d+\.\d+)", None),
        (r"\[done\] \(best\) ([0-9]{1,5})", None),
        (r"[*+{}()]* ([\d]+)", None),
        ("x" * 201, "is longer than 200 characters"),
        ("(", "is no regular expression"),
        ("(a) (b)", "has several groups"),
        (r"(a)\1", "refers back to a group"),
        ("(?=a)b", "has a group that begins with (?"),
        ("(a+)+$", "repeats a group"),
        ("(?:a|aa)*b", "repeats a group"),
        ("(?:a){2,}b", "repeats a group"),
        ("a*b*c*d*", "repeats more than 3 times"),
    ],
)
def test_patterns_that_could_keep_the_service_busy_are_refused(pattern: str, fault: str | None) -> None:
    found = pattern_fault(pattern)
    assert found is None if fault is None else found is not None and found.startswith(fault)


def test_a_hostile_log_takes_bounded_time() -> None:
    begun = time.monotonic()
    assert last_match("a" * 1_000_000, r"a*a*(b)") is None
    assert time.monotonic() - begun < 20
