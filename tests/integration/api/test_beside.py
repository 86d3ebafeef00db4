"""What clients of Batch AI ask for beside it: resource groups, and the storage account of the local stack."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from local import azurite
from tests.support.rest_api import GROUP, ROOT, RestApi
from tests.support.rest_api import rest_api as start

SUBSCRIPTION = GROUP.partition("/resourceGroups")[0]
STORAGE = "providers/Microsoft.Storage"
ACCOUNTS = f"{GROUP}/{STORAGE}/storageAccounts"
#: Of the providers in question; that of Batch AI is another.
VERSION = "2018-02-01"


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestApi]:
    """As the local stack is: its own account is the emulators'."""
    own = {"AZURE_BATCHAI_STORAGE_ACCOUNT": azurite.ACCOUNT, "AZURE_BATCHAI_STORAGE_KEY": azurite.KEY}
    with start(tmp_path_factory.mktemp("emulated"), **own) as running:
        yield running


def found(api: RestApi, path: str) -> list[str]:
    return [item["name"] for item in api.must("GET", path, **{"api-version": VERSION})["value"]]


def test_the_installation_s_group_is_there_however_it_is_written(api: RestApi) -> None:
    asked = {"api-version": VERSION}
    shown = api.must("PUT", GROUP, {"location": "eastus", "tags": {"a": "b"}}, **asked)
    assert shown == api.must("GET", GROUP.replace("resourceGroups", "resourcegroups"), **asked)
    assert (shown["id"], shown["name"], shown["location"]) == (GROUP, "batchai", "northeurope")
    assert shown["properties"] == {"provisioningState": "Succeeded"}
    head = api.call("HEAD", GROUP, **asked)
    assert (head.status_code, head.content) == (204, b"")
    assert found(api, f"{SUBSCRIPTION}/resourcegroups") == ["batchai"]
    refused = api.call("DELETE", GROUP, **asked)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, PUT, HEAD")


@pytest.fixture
def one_group(tmp_path: Path) -> Iterator[RestApi]:
    with start(tmp_path, BATCHAI_RESOURCE_GROUPS="one") as running:
        yield running


def test_another_group_is_there_where_it_is_served(api: RestApi, one_group: RestApi) -> None:
    other = GROUP.replace("batchai", "batchaiautostorage")
    for method, status in (("GET", 200), ("HEAD", 204), ("PUT", 200)):
        body = {"location": "eastus"} if method == "PUT" else None
        assert api.call(method, other, body, **{"api-version": VERSION}).status_code == status
        answer = one_group.call(method, other, body, **{"api-version": VERSION})
        assert answer.status_code == 404
        assert method == "HEAD" or answer.json()["error"]["code"] == "ResourceGroupNotFound"


def test_the_emulators_account_is_found_with_the_published_key(emulated: RestApi) -> None:
    assert found(emulated, f"{SUBSCRIPTION}/{STORAGE}/storageAccounts") == [azurite.ACCOUNT]
    shown = emulated.must("GET", f"{ACCOUNTS}/{azurite.ACCOUNT}", **{"api-version": VERSION})
    assert shown == emulated.must("PUT", shown["id"], {"location": "eastus"}, **{"api-version": VERSION})
    (key,) = emulated.must("POST", f"{shown['id']}/listKeys", **{"api-version": VERSION})["keys"]
    assert key["value"] == azurite.KEY
    # It is the account that is there
    credential = {"account_name": shown["name"], "account_key": key["value"]}
    with BlobServiceClient(shown["properties"]["primaryEndpoints"]["blob"], credential=credential) as blobs:
        assert "jobs" in {container.name for container in blobs.list_containers()}


def test_the_account_lies_in_every_location_that_a_workspace_has(emulated: RestApi) -> None:
    emulated.must("PUT", f"{ROOT}/far-away", {"location": "South India"})
    listed = emulated.must("GET", ACCOUNTS, **{"api-version": VERSION})["value"]
    assert {"northeurope", "southindia"} <= {account["properties"]["primaryLocation"] for account in listed}
    assert {account["name"] for account in listed} == {azurite.ACCOUNT}


def test_no_other_account_is_there_or_can_be_made(emulated: RestApi) -> None:
    asked = {"api-version": VERSION}
    for method, path in (("GET", "mine"), ("POST", "mine/listKeys")):
        answer = emulated.call(method, f"{ACCOUNTS}/{path}", **asked)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")
        assert azurite.ACCOUNT in answer.json()["error"]["message"]
    answer = emulated.call("PUT", f"{ACCOUNTS}/mine", {"location": "eastus"}, **asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "StorageAccountNotServed")
    check = f"{SUBSCRIPTION}/{STORAGE}/checkNameAvailability"
    for name, reason in ((azurite.ACCOUNT, "AlreadyExists"), ("mine", "AccountNameInvalid")):
        message = emulated.must("POST", check, {"name": name}, **asked)
        assert (message["nameAvailable"], message["reason"]) == (False, reason)


def test_an_installation_with_an_account_of_its_own_shows_no_key(api: RestApi, tmp_path: Path) -> None:
    key = base64.b64encode(b"a key that opens something").decode()
    # Not even one that has the emulators' name with, for whatever reason, a key of its own.
    odd = {"AZURE_BATCHAI_STORAGE_ACCOUNT": azurite.ACCOUNT, "AZURE_BATCHAI_STORAGE_KEY": key}
    with start(tmp_path, **odd) as other:
        for running in (api, other):
            for method, path in (
                ("POST", f"{ACCOUNTS}/{azurite.ACCOUNT}/listKeys"),
                ("GET", f"{ACCOUNTS}/{azurite.ACCOUNT}"),
                ("PUT", f"{ACCOUNTS}/{azurite.ACCOUNT}"),
                ("GET", ACCOUNTS),
                ("GET", f"{SUBSCRIPTION}/{STORAGE}/storageAccounts"),
                ("POST", f"{SUBSCRIPTION}/{STORAGE}/checkNameAvailability"),
            ):
                answer = running.call(method, path, {"name": "x"}, **{"api-version": VERSION})
                assert (answer.status_code, answer.json()["error"]["code"]) == (404, "InvalidResourceType")
                assert key not in answer.text and azurite.KEY not in answer.text
