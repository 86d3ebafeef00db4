"""The share and the container of auto storage are made when a cluster that mounts them is accepted."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient

from local.azurite import Endpoints
from local.files.server import FilesServer
from shared.managers.cluster_manager import ClusterAnswer
from shared.settings import AccountEndpoints
from tests.support.world import CLUSTER, World, settings_for
from tests.support.world import world as open_world

OWN = "<AZURE_BATCHAI_STORAGE_ACCOUNT>"
NAMES = {"share": "batchaishare", "container": "batchaicontainer"}


@pytest.fixture
def files(tmp_path: Path) -> Iterator[FilesServer]:
    server = FilesServer(tmp_path / "shares").start()
    yield server
    server.stop()


@pytest.fixture
def world(installation: str, azurite: Endpoints, files: FilesServer) -> Iterator[World]:
    """An installation whose own account is that of both emulators, without the container."""
    urls = AccountEndpoints(azurite.blob_endpoint, files.url)
    with BlobServiceClient.from_connection_string(installation) as blobs:
        if blobs.get_container_client(NAMES["container"]).exists():
            blobs.delete_container(NAMES["container"])
    settings = settings_for(
        installation, data_account=azurite.account, data_key=azurite.key, endpoints={azurite.account: urls}
    )
    with open_world(settings) as made:
        yield made


def cluster(share: str, container: str, account: str = OWN) -> dict[str, Any]:
    url = f"https://{account}.file.core.windows.net/{share}"
    shares = [{"accountName": account, "azureFileUrl": url, "relativeMountPath": "autoafs"}]
    blobs = [{"accountName": account, "containerName": container, "relativeMountPath": "autobfs"}]
    if account != OWN:
        for volume in (*shares, *blobs):
            volume["credentials"] = {"accountKey": "a2V5"}  # type: ignore[assignment]
    setup = {"mountVolumes": {"azureFileShares": shares, "azureBlobFileSystems": blobs}}
    return {"properties": CLUSTER["properties"] | {"nodeSetup": setup}}


def made(world: World, files: FilesServer) -> tuple[bool, bool]:
    """Whether the share and the container are there."""
    container = world.backend.connection.blobs.get_container_client(NAMES["container"])
    with ShareServiceClient.from_connection_string(files.connection_string) as shares:
        return NAMES["share"] in {share.name for share in shares.list_shares()}, container.exists()


def warnings(answer: ClusterAnswer) -> list[str]:
    return [str(problem) for problem in answer.problems if "auto storage" in problem.message]


@pytest.mark.parametrize("way", ["dropped", "put"])
def test_both_are_made_once(world: World, files: FilesServer, way: str) -> None:
    data = json.dumps(cluster(**NAMES)).encode()
    for _ in range(2):
        if way == "dropped":
            answer = world.backend.cluster_manager.accept(world.cluster, data, "clusters/c/cluster.json")
        else:
            answer = world.backend.cluster_manager.accept_http(world.cluster, data)
        assert answer.accepted and not warnings(answer), answer.problems
        assert made(world, files) == (True, True)


def test_other_names_and_other_accounts_are_not_touched(world: World, files: FilesServer) -> None:
    for document in (cluster("other", "another"), cluster(**NAMES, account="elsewhere")):
        answer = world.backend.cluster_manager.accept_http(world.cluster, json.dumps(document).encode())
        assert answer.accepted, answer.problems
    assert made(world, files) == (False, False)


def test_what_cannot_be_made_is_a_warning(world: World, files: FilesServer) -> None:
    # A wrong key: the service refuses.
    world.settings = replace(world.settings, data_key="d3Jvbmc=")
    world.restart()
    answer = world.backend.cluster_manager.accept_http(world.cluster, json.dumps(cluster(**NAMES)).encode())
    assert answer.accepted
    message = warnings(answer)
    assert len(message) == 2 and "share 'batchaishare'" in message[0] and "403" in message[0]
    assert "container 'batchaicontainer'" in message[1] and "d3Jvbmc" not in "".join(message)
