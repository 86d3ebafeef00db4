"""shared.stores.transport: the environment is honoured, and read once."""

import io
from typing import Any

import pytest
import requests
from urllib3 import HTTPResponse

from shared.stores.transport import StorageTransport


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What reaches the adapter below requests."""
    calls: list[dict[str, Any]] = []

    def send(self: object, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        calls.append(options | {"headers": request.headers})
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, str(request.url), request
        answer.raw = HTTPResponse(io.BytesIO(b""))
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    return calls


def _get(transport: StorageTransport, url: str) -> None:
    from azure.core.rest import HttpRequest

    transport.send(HttpRequest("GET", url, headers={"Authorization": "SharedKey account:signature"}))


def test_a_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, sent: list[dict[str, Any]]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    with StorageTransport() as transport:
        _get(transport, "https://account.blob.core.windows.net/a")
        _get(transport, "https://inside.example/a")
    assert sent[0]["proxies"]["https"] == "http://proxy:3128"
    assert "https" not in sent[1]["proxies"]


def test_certificates_of_the_environment_are_used(
    monkeypatch: pytest.MonkeyPatch, sent: list[dict[str, Any]]
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/own.pem")
    with StorageTransport() as transport:
        _get(transport, "https://account.blob.core.windows.net/a")
    assert sent[0]["verify"] == "/etc/own.pem"


def test_the_environment_is_searched_once_for_a_host(
    monkeypatch: pytest.MonkeyPatch, sent: list[dict[str, Any]]
) -> None:
    searched: list[str] = []
    real = requests.utils.get_environ_proxies

    def search(url: str) -> Any:
        searched.append(url)
        return real(url)

    monkeypatch.setattr(requests.utils, "get_environ_proxies", search)
    monkeypatch.setattr(requests.sessions, "get_environ_proxies", search)
    with StorageTransport() as transport:
        for name in "abc":
            _get(transport, f"https://account.blob.core.windows.net/{name}")
    assert searched == ["https://account.blob.core.windows.net/"]
    assert all(call["headers"]["Authorization"] == "SharedKey account:signature" for call in sent)
