"""A page that is open in a browser reaches the loopback interface too; it must not reach functions."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.host.conftest import MakeHost
from tests.support.functions_host import HostUnderTest

APP = """
@app.route(route="thing", methods=["GET", "PUT", "POST"])
def thing(req: func.HttpRequest) -> str:
    return "reached"

@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer")
def yearly(timer: func.TimerRequest) -> None:
    print("the timer ran")
"""


@pytest.fixture
def host(make_host: MakeHost) -> Iterator[HostUnderTest]:
    yield make_host(APP).start("--allow-host", "my-box.example")


def _ask(host: HostUnderTest, method: str, path: str = "/api/thing", **headers: str) -> httpx.Response:
    content = b'{"input": ""}' if method == "POST" else b""
    return httpx.request(method, host.url + path, headers=headers, content=content)


def test_a_name_that_somebody_lets_point_to_this_machine(host: HostUnderTest) -> None:
    port = urlsplit(host.url).port
    foreign = ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1")
    for name in (*foreign, f"evil.example:{port}", ""):
        for method, path in (("PUT", "/api/thing"), ("GET", "/api/thing"), ("GET", "/admin/host/status")):
            answer = _ask(host, method, path, Host=name)
            assert answer.status_code == 421, (name, method, path)
            assert "BATCHAI_ALLOWED_HOSTS" in answer.json()["error"]["message"]
    names = (f"localhost:{port}", "127.0.0.1", f"127.0.0.2:{port}", "[::1]:80", "LOCALHOST", "x.localhost")
    for name in (*names, "my-box.example:1"):
        assert _ask(host, "GET", Host=name).text == "reached", name


def test_a_page_of_another_site(host: HostUnderTest) -> None:
    changes = (("POST", "/api/thing"), ("PUT", "/api/thing"), ("POST", "/admin/functions/yearly"))
    for origin in ("https://evil.example", "null", "http://localhost:1", "http://", "file://x", "x" * 99):
        for method, path in changes:
            answer = _ask(host, method, path, Origin=origin)
            assert answer.status_code == 403, (origin, method, path)
            assert answer.json()["error"]["code"] == "OriginNotAllowed"
    assert "the timer ran" not in host.output()
    # Reading needs no more than the browser's own rules; a page of this very address may do all.
    assert _ask(host, "GET", Origin="https://evil.example").text == "reached"
    assert _ask(host, "POST", Origin=host.url).text == "reached"
