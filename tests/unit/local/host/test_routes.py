"""local.host.routes and constraints: ASP.NET's matching."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.errors import HostError
from local.host.routes import parse_route, split_path
from tests.support.cases import cases

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def match(route: str, path: str) -> dict[str, str] | None:
    return parse_route("", route).match(split_path(path))


@cases(
    ("route", "path", "values"),
    [
        ("health", "/health", {}),
        ("health", "/HEALTH/", {}),
        ("health", "/health/x", None),
        ("Subscriptions/{sub}/Jobs/{job}", "/subscriptions/S1/jobs/MyJob", {"sub": "S1", "job": "MyJob"}),
        ("jobs/{job}", "/jobs", None),
        ("jobs/{job}", "/jobs//", None),
        ("jobs/{job}", "/jobs/a%20b", {"job": "a b"}),
        ("jobs/{job}", "/jobs/a%2Fb%2fc", {"job": "a%2Fb%2Fc"}),
        ("jobs/{job}", "/jobs/a%252Fb", {"job": "a%2Fb"}),
        ("jobs/{job}", "/jobs/%C3%BC+x", {"job": "ü+x"}),
        ("jobs/{job?}", "/jobs", {}),
        ("jobs/{job?}", "/jobs/1", {"job": "1"}),
        ("jobs/{job=none}", "/jobs", {"job": "none"}),
        ("jobs/{a=1}/{b=2}", "/jobs/9", {"a": "9", "b": "2"}),
        ("files/{*rest}", "/files", {}),
        ("files/{*rest}", "/files/a/b%20c", {"rest": "a/b c"}),
        ("{*rest}", "/", {}),
        ("{name}.{ext}", "/a.b.txt", {"name": "a.b", "ext": "txt"}),
        ("{name}.json", "/x.JSON", {"name": "x"}),
        ("", "/", {}),
        ("x/{id:guid}", f"/x/{GUID.upper()}", {"id": GUID.upper()}),
        ("x/{id:guid}", "/x/not-a-guid", None),
        ("x/{n:int}", "/x/-12", {"n": "-12"}),
        ("x/{n:int}", "/x/2147483648", None),
        ("x/{n:long}", "/x/2147483648", {"n": "2147483648"}),
        ("x/{n:int:min(3)}", "/x/2", None),
        ("x/{n:range(1,5)}", "/x/5", {"n": "5"}),
        ("x/{n:range(1,5)}", "/x/6", None),
        ("x/{n:int?}", "/x", {}),
        ("x/{n:int=7}", "/x", {"n": "7"}),
        ("x/{s:length(2,3)}", "/x/abcd", None),
        ("x/{s:alpha}", "/x/a1", None),
        ("x/{s:bool}", "/x/True", {"s": "True"}),
        ("x/{s:regex(^[a-c]{{2}}$)}", "/x/ab", {"s": "ab"}),
        ("x/{s:regex(^[a-c]{{2}}$)}", "/x/abc", None),
    ],
)
def test_matches_as_aspnet_does(route: str, path: str, values: dict[str, str] | None) -> None:
    assert match(route, path) == values


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("jobs/all", "jobs/{id:int}"),
        ("jobs/{id:int}", "jobs/{id}"),
        ("jobs/{name}.json", "jobs/{id}"),
        ("jobs/{id}", "jobs/{*rest:alpha}"),
        ("jobs/{*rest:alpha}", "jobs/{*rest}"),
        ("jobs", "jobs/{*rest}"),
        ("jobs/{a}/x", "jobs/{a}/{b}"),
    ],
)
def test_tries_the_more_exact_route_first(better: str, worse: str) -> None:
    assert parse_route("", better).precedence < parse_route("", worse).precedence


@pytest.mark.parametrize(("prefix", "text"), [("api", "api/x"), ("", "x"), ("/a/b/", "a/b/x")])
def test_puts_the_prefix_before(prefix: str, text: str) -> None:
    assert parse_route(prefix, "/x/").text == text


@cases(
    ("route", "message"),
    [
        ("a/{x", "partner"),
        ("a/{x:sortof}", "known are"),
        ("a/{x:min(a)}", "known are"),
        ("a/{x:regex([)}", "not valid"),
        ("{*rest}/x", "at the end"),
        ("{x?}/y", "at the end"),
        ("{x}/{X}", "twice"),
        ("a//b", "empty segment"),
        ("a/{1x}", "no parameter"),
        ("f-{x?}", "missing"),
        ("admin/x", "conflicts"),
        ("Runtime/x", "conflicts"),
    ],
)
def test_refuses_what_aspnet_refuses(route: str, message: str) -> None:
    with pytest.raises(HostError) as caught:
        parse_route("", route)
    assert message in str(caught.value)


@given(
    st.text(min_size=1, max_size=20).filter(
        lambda t: "/" not in t and not any(0xD800 <= ord(c) <= 0xDFFF for c in t)
    )
)
def test_a_value_comes_back_as_it_was_sent(value: str) -> None:
    assert match("jobs/{job}/x", f"/jobs/{quote(value, safe='')}/x") == {"job": value}
