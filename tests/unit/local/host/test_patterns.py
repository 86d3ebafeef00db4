"""local.host.patterns: which blob names a trigger's path takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.errors import HostError
from local.host.patterns import parse_pattern
from tests.support.cases import cases


@cases(
    ("path", "name", "parts"),
    [
        ("jobs/{path}/job.json", "w/e/j/job.json", {"path": "w/e/j"}),
        ("jobs/{path}/job.json", "j/job.json", {"path": "j"}),
        ("jobs/{path}/job.json", "/job.json", {"path": ""}),
        ("jobs/{path}/job.json", "a/job.json/job.json", {"path": "a/job.json"}),
        ("jobs/{path}/job.json", "job.json", None),
        ("jobs/{path}/job.json", "a/Job.json", None),
        ("jobs/{path}/job.json", "a/job.json.bak", None),
        ("jobs/{path}/job.json", "a/jobxjson", None),
        ("jobs/{a}/{b}.json", "x/y/z.json", {"a": "x/y", "b": "z"}),
        ("jobs/{a}/{a}", "x/y", {"a": "y"}),
        ("jobs/{{a}}/{b}", "{a}/c", {"b": "c"}),
        ("jobs/in/fixed.json", "in/fixed.json", {}),
        ("jobs/{any}", "line\nbreak", {"any": "line\nbreak"}),
        ("jobs", "anything/at all", {}),
    ],
)
def test_matches_as_the_host_does(path: str, name: str, parts: dict[str, str] | None) -> None:
    assert parse_pattern(path).match(name) == parts


def test_knows_container_and_the_literal_start() -> None:
    pattern = parse_pattern("jobs/in/{{x}}/{rest}/tail")
    assert (pattern.container, pattern.prefix) == ("jobs", "in/{x}/")


@cases("path", ["", "/a", "{c}/a", "jobs/", "jobs/{a", "jobs/a}", "jobs/{a-b}", "jobs/{}"])
def test_refuses_with_advice(path: str) -> None:
    with pytest.raises(HostError) as caught:
        parse_pattern(path)
    assert "{part}" in caught.value.advice


@given(st.text(min_size=0, max_size=30))
def test_a_parameter_takes_any_text(middle: str) -> None:
    assert parse_pattern("c/{p}/job.json").match(f"{middle}/job.json") == {"p": middle}
