"""local.host.connections: which setting a connection's name means."""

from collections.abc import Iterator

import pytest

from local.host.connections import Connections
from local.host.errors import HostError

LOCAL = "UseDevelopmentStorage=true"


@pytest.mark.parametrize(
    ("environment", "name", "found"),
    [
        ({"JOBS": "plain"}, "JOBS", "plain"),
        ({"JOBS": "plain", "AzureWebJobsJOBS": "prefixed"}, "JOBS", "prefixed"),
        ({"JOBS": "plain", "AzureWebJobsJOBS": ""}, "JOBS", "plain"),
        ({"AzureWebJobsStorage": "host"}, "AzureWebJobsStorage", "host"),
        ({"AzureWebJobsStorage": "host"}, "Storage", "host"),
        ({"AzureWebJobsStorage": "host"}, "", "host"),
    ],
)
def test_lookup(environment: dict[str, str], name: str, found: str) -> None:
    assert Connections(environment).connection_string(name) == found


@pytest.mark.parametrize(
    ("environment", "telling"),
    [
        ({}, "Set JOBS \\(or AzureWebJobsJOBS\\)"),
        ({"JOBS__queueServiceUri": "https://x"}, "identity-based"),
        ({"AzureWebJobsJOBS__accountName": "x"}, "identity-based"),
    ],
)
def test_a_missing_one_is_explained(environment: dict[str, str], telling: str) -> None:
    with pytest.raises(HostError, match=telling):
        Connections(environment).connection_string("JOBS")


@pytest.fixture
def connections() -> Iterator[Connections]:
    made = Connections({"A": LOCAL, "B": LOCAL, "BAD": "AccountKey=topsecret"})
    yield made
    made.close()


def test_one_client_per_connection_string(connections: Connections) -> None:
    assert connections.blobs("A") is connections.blobs("B")
    assert connections.queues("A") is connections.queues("A")
    assert connections.blobs("A").url.startswith("http://127.0.0.1:10000/devstoreaccount1")


def test_a_faulty_one_is_refused_without_showing_it(connections: Connections) -> None:
    with pytest.raises(HostError) as caught:
        connections.queues("BAD")
    assert "topsecret" not in str(caught.value)
