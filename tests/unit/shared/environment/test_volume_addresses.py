"""Addresses of volumes in other clouds than the public one."""

from shared.documents.spec import AzureBlobFileSystem, AzureFileShare
from shared.environment.volume_addresses import container_place, share_place
from shared.settings import AccountEndpoints, Settings

CHINA = Settings(storage_suffix="core.chinacloudapi.cn")


def blobs(account: str) -> AzureBlobFileSystem:
    volume = {"accountName": account, "containerName": "data", "relativeMountPath": "bfs"}
    return AzureBlobFileSystem.model_validate(volume)


def test_a_container_lies_in_the_cloud_of_the_installation() -> None:
    assert container_place(blobs("acct"), CHINA).endpoint == "https://acct.blob.core.chinacloudapi.cn"
    assert container_place(blobs("acct"), Settings()).endpoint == ""


def test_an_address_that_the_operator_gave_counts_more() -> None:
    own = Settings(
        storage_suffix=CHINA.storage_suffix, endpoints={"acct": AccountEndpoints(blob="http://10.0.0.4:1/a")}
    )
    assert container_place(blobs("acct"), own).endpoint == "http://10.0.0.4:1/a"


def test_a_share_with_a_public_address_lies_there_too() -> None:
    volume = {"azureFileUrl": "https://acct.file.core.windows.net/logs", "relativeMountPath": "a"}
    share = AzureFileShare.model_validate(volume)
    assert share_place(share, CHINA).endpoint == "https://acct.file.core.chinacloudapi.cn"
