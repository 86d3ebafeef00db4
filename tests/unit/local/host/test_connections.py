"""local.host.connections: which setting a connection's name means."""

from collections.abc import Iterator

import pytest

from local.host.connections import Account, Connections
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
    assert Connections(environment).account(name) == Account(found)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "Set JOBS \\(or AzureWebJobsJOBS\\)"),
        ({"JOBS__queueServiceUri": "https://x"}, "identity-based, and its blobServiceUri is missing"),
        ({"JOBS__blobServiceUri": "http://x"}, "blobServiceUri is no https address"),
        ({"JOBS__blobServiceUri": "https://x?sig=y"}, "blobServiceUri is no https address"),
        ({"JOBS__credential": "workloadidentity"}, "JOBS__credential is 'workloadidentity'"),
    ],
)
def test_a_missing_one_is_explained(environment: dict[str, str], message: str) -> None:
    with pytest.raises(HostError, match=message):
        Connections(environment).blobs("JOBS")


ADDRESSES = {"JOBS__blobServiceUri": "https://h/b/", "JOBS__queueServiceUri": "https://h/q"}


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        (ADDRESSES, Account(blob="https://h/b", queue="https://h/q")),
        (
            ADDRESSES | {"JOBS__clientId": "me", "JOBS__credential": "managedidentity"},
            Account(blob="https://h/b", queue="https://h/q", client_id="me"),
        ),
        (
            {"AzureWebJobsJOBS__accountName": "x"} | ADDRESSES,
            Account(blob="https://x.blob.core.windows.net", queue="https://x.queue.core.windows.net"),
        ),
        (ADDRESSES | {"JOBS": "plain"}, Account("plain")),
    ],
)
def test_an_identity_instead_of_a_key(environment: dict[str, str], found: Account) -> None:
    assert Connections(environment).account("JOBS") == found


def test_clients_of_an_identity_share_its_credential() -> None:
    settings = ADDRESSES | {"OTHER__queueServiceUri": "https://h/q2"}
    made = Connections(settings | {"JOBS__clientId": "me", "OTHER__clientId": "me"})
    clients = (made.blobs("JOBS"), made.queues("JOBS"), made.queues("OTHER"))
    assert [client.url for client in clients] == ["https://h/b/", "https://h/q/", "https://h/q2/"]
    assert len({id(client.credential) for client in clients}) == 1
    made.close()


@pytest.fixture
def connections() -> Iterator[Connections]:
    made = Connections({"A": LOCAL, "B": LOCAL, "BAD": "AccountKey=topsecret"})
    yield made
    made.close()


def test_one_client_per_connection_string(connections: Connections) -> None:
    assert connections.blobs("A") is connections.blobs("B")
    assert connections.queues("A") is connections.queues("A")
    assert connections.blobs("A").url.startswith("http://127.0.0.1:10000/devstoreaccount1")


def test_a_faulty_one_is_refused_without_repeating_it(connections: Connections) -> None:
    with pytest.raises(HostError) as caught:
        connections.queues("BAD")
    assert "topsecret" not in str(caught.value)
