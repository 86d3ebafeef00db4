"""shared.stores.transport: the environment is honoured, and read once."""

from collections.abc import Iterator

import pytest
import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest

from shared.stores.plain_sending import PlainSender
from shared.stores.transport import StorageTransport

Sent = list[tuple[str, dict[str, str] | None]]
_ACCOUNT = "https://account.blob.core.windows.net"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What is sent: address, and the proxies where it takes the long way."""
    calls: Sent = []
    monkeypatch.setattr(PlainSender, "send", lambda self, request: calls.append((request.url, None)))
    monkeypatch.setattr(
        RequestsTransport,
        "send",
        lambda self, request, **options: calls.append((request.url, options["proxies"])),
    )
    return calls


@pytest.fixture
def transport() -> Iterator[StorageTransport]:
    with StorageTransport(1, 1) as made:
        yield made


def test_a_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, sent: Sent, transport: StorageTransport
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    transport.send(HttpRequest("GET", f"{_ACCOUNT}/a"))
    transport.send(HttpRequest("GET", "https://inside.example/a"))
    (_, proxies), (_, none) = sent
    assert proxies and proxies["https"] == "http://proxy:3128"
    assert none is None


def test_the_environment_is_searched_once_for_a_host(
    monkeypatch: pytest.MonkeyPatch, sent: Sent, transport: StorageTransport
) -> None:
    searched: list[str] = []
    real = requests.utils.get_environ_proxies

    def search(url: str) -> dict[str, str]:
        searched.append(url)
        return dict(real(url))

    monkeypatch.setattr(requests.utils, "get_environ_proxies", search)
    for name in "abc":
        transport.send(HttpRequest("GET", f"{_ACCOUNT}/{name}"))
    assert searched == [f"{_ACCOUNT}/"]
    assert len(sent) == 3


@pytest.mark.parametrize(
    ("url", "content", "options", "is_plain"),
    [
        (f"{_ACCOUNT}/a", b"x", {"stream": False}, True),
        (f"{_ACCOUNT}/a", None, {}, True),
        (f"{_ACCOUNT}/a", None, {"stream": True}, False),
        (f"{_ACCOUNT}/a", None, {"read_timeout": 3}, False),
        (f"{_ACCOUNT}/a", "text", {}, False),  # the SDK counts its characters, not its bytes
        (f"{_ACCOUNT}/a", iter([b"x"]), {}, False),
        (f"{_ACCOUNT}/a b", None, {}, False),
        (f"{_ACCOUNT}/é", None, {}, False),
    ],
)
def test_what_is_not_plain_is_left_to_the_sdk(
    sent: Sent,
    transport: StorageTransport,
    url: str,
    content: object,
    options: dict[str, object],
    is_plain: bool,
) -> None:
    transport.send(HttpRequest("PUT", url, content=content), **options)  # type: ignore[arg-type]
    assert sent == [(url, None if is_plain else {})]
