"""Hosts and origins as browsers send them, and what the API makes of them on every platform."""

from types import SimpleNamespace

import azure.functions as func
import pytest

from api import origins, requests
from shared.settings import Settings
from tests.support.cases import cases


@cases(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST:7071", True),
        ("my.localhost:1", True),
        ("localhost.", True),
        ("127.0.0.1:80", True),
        ("127.9.9.9", True),
        ("[::1]:80", True),
        ("", False),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost@evil.example", False),
        ("evil.example/localhost", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("[::1", False),
        ("a:b:c", False),
    ],
)
def test_names_of_this_machine(host: str, loopback: bool) -> None:
    assert origins.is_loopback(host) is loopback


@cases(
    ("origin", "host", "foreign"),
    [
        ("http://localhost:7071", "localhost:7071", False),
        ("https://app.example", "app.example", False),
        ("https://APP.example", "app.example:443", False),
        ("https://app.example:8443", "app.example", True),
        ("http://localhost:1", "localhost:7071", True),
        ("https://evil.example", "app.example", True),
        ("https://app.example.evil.example", "app.example", True),
        ("null", "app.example", True),
        ("", "", True),
        ("https://", "", True),
        ("chrome-extension://app.example", "app.example", True),
        ("https://portal.example", "app.example", False),
    ],
)
def test_origins(origin: str, host: str, foreign: bool) -> None:
    assert origins.is_foreign(origin, host, ("https://portal.example/",)) is foreign


def _request(method: str = "POST", **headers: str) -> func.HttpRequest:
    return func.HttpRequest(method, "https://app.example/x?code=1", headers=headers, body=b"")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    made = SimpleNamespace(settings=Settings())
    monkeypatch.setattr(requests, "backend", lambda: made)
    return made


def test_the_api_refuses_pages_of_other_sites_on_every_platform(settings: SimpleNamespace) -> None:
    assert requests.is_foreign(_request(origin="https://evil.example"))
    assert not requests.is_foreign(_request(origin="https://app.example"))
    assert not requests.is_foreign(_request())
    assert not requests.is_foreign(_request("GET", origin="https://evil.example"))
    settings.settings = Settings(allowed_origins=("https://evil.example",))
    assert not requests.is_foreign(_request(origin="https://evil.example"))


def test_links_begin_with_the_host_that_was_asked_or_the_one_that_the_operator_named(
    settings: SimpleNamespace,
) -> None:
    forged = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example", "x-original-host": "e"}
    assert requests.base(_request(**forged)) == "https://app.example"
    assert requests.base(_request(**{"x-forwarded-proto": "http"})) == "http://app.example"
    assert requests.base(_request(**{"x-forwarded-proto": "javascript"})) == "https://app.example"
    settings.settings = Settings(public_url="https://front.example/batchai")
    assert requests.base(_request(**forged)) == "https://front.example/batchai"
    assert not requests.is_foreign(_request(origin="https://front.example"))


def test_the_name_of_a_host_stands_without_its_port() -> None:
    assert (origins.host_name("Example.COM:7071"), origins.host_name("")) == ("example.com", "")
