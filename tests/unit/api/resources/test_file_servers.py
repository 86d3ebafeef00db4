"""Documents of file servers: what is kept, what is filled in, what is refused."""

from typing import Any

import pytest

from api.resources.file_servers import file_server_detail
from shared.errors import RequestError
from shared.names.table_limits import MOST_DOCUMENT_UNITS
from tests.support.cases import cases

DISKS = {"diskSizeInGB": 10, "diskCount": 2, "storageAccountType": "Standard_LRS"}
LEAST: dict[str, Any] = {
    "vmSize": "STANDARD_D1",
    "sshConfiguration": {"userAccountSettings": {"adminUserName": "me", "adminUserPassword": "hunter2"}},
    "dataDisks": DISKS,
}


def test_the_least_is_kept_with_defaults_and_without_its_password() -> None:
    assert file_server_detail(LEAST | {"unknown": 1, "subnet": None}) == {
        "vmSize": "STANDARD_D1",
        "sshConfiguration": {"userAccountSettings": {"adminUserName": "me"}},
        "dataDisks": DISKS | {"cachingType": "none"},
    }


def test_everything_is_kept() -> None:
    account = {"adminUserName": "me", "adminUserSshPublicKey": "ssh-rsa AAAA"}
    ssh = {"publicIPsToAllow": ["1.2.3.4"], "userAccountSettings": account}
    more = {
        "sshConfiguration": ssh,
        "dataDisks": DISKS | {"cachingType": "readonly"},
        "subnet": {"id": "/subscriptions/s/subnets/n", "more": 1},
        "mountSettings": {"fileServerInternalIP": "10.0.0.4", "fileServerPublicIP": 5},
    }
    assert file_server_detail(LEAST | more) == {
        "vmSize": "STANDARD_D1",
        "sshConfiguration": ssh,
        "dataDisks": DISKS | {"cachingType": "readonly"},
        "subnet": {"id": "/subscriptions/s/subnets/n"},
        "mountSettings": {"mountPoint": "/mnt/data", "fileServerInternalIP": "10.0.0.4"},
    }


@pytest.mark.parametrize("addresses", ["1.2.3.4", [1]])
def test_addresses_that_are_no_list_of_texts_are_dropped(addresses: Any) -> None:
    ssh = LEAST["sshConfiguration"] | {"publicIPsToAllow": addresses}
    shown = file_server_detail(LEAST | {"sshConfiguration": ssh})["sshConfiguration"]
    assert shown == {"userAccountSettings": {"adminUserName": "me"}}


@cases(
    ("changes", "fault"),
    [
        ({"vmSize": None}, "vmSize must be text"),
        ({"vmSize": 1}, "vmSize must be text"),
        ({"dataDisks": []}, "dataDisks must be an object"),
        ({"dataDisks": DISKS | {"diskCount": "2"}}, "dataDisks.diskCount is missing or of the wrong type"),
        ({"dataDisks": DISKS | {"diskCount": True}}, "dataDisks.diskCount is missing or of the wrong type"),
        ({"dataDisks": DISKS | {"cachingType": "much"}}, "cachingType must be none, readonly or readwrite"),
        ({"sshConfiguration": []}, "userAccountSettings.adminUserName is missing"),
        ({"sshConfiguration": {"userAccountSettings": {"adminUserName": " "}}}, "adminUserName is missing"),
        ({"subnet": {"id": 5}}, "properties.subnet.id is missing"),
        ({"mountSettings": {"mountPoint": "/x"}}, "mountSettings.fileServerInternalIP is missing"),
        ({"vmSize": "x" * MOST_DOCUMENT_UNITS}, "too large to be kept"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(RequestError, match=fault) as refused:
        file_server_detail(LEAST | changes)
    assert refused.value.code == "InvalidRequestContent"


@pytest.mark.parametrize("name", LEAST)
def test_what_is_missing_is_said(name: str) -> None:
    with pytest.raises(RequestError, match=f"properties.{name} is missing"):
        file_server_detail({key: value for key, value in LEAST.items() if key != name})
