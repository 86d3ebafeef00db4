from datetime import UTC, datetime

import pytest

from runner.mounts.from_document import place_of, volumes_of
from runner.mounts.types import FILE_SHARE, Volume
from shared.documents.spec import MountVolumes
from shared.errors import MountError, NotFoundError
from shared.settings import AccountEndpoints, Settings
from shared.stores.workspace_table import Kind, Row

LOGS = Volume(FILE_SHARE, "logs", account="a", share="logs")
DEEP = Volume(FILE_SHARE, "logs/deep", account="a", share="deep")
CLUSTER = Volume(FILE_SHARE, "azfiles", account="a", share="cluster")
ROOTS = {"/root/jobs/j/mounts": (LOGS, DEEP), "/root/mounts": (CLUSTER,)}


@pytest.mark.parametrize(
    ("path", "volume", "inner"),
    [
        ("/root/jobs/j/mounts/logs/sub/rg", LOGS, "sub/rg"),
        ("/root/jobs/j/mounts/logs", LOGS, ""),
        ("/root/jobs/j/mounts/logs/", LOGS, ""),
        ("/root/jobs/j/mounts//logs/x", LOGS, "x"),
        ("/root/jobs/j/mounts/logs/deep/x", DEEP, "x"),
        ("/root/mounts/azfiles/x", CLUSTER, "x"),
    ],
)
def test_a_path_lies_on_the_deepest_volume(path: str, volume: Volume, inner: str) -> None:
    place = place_of(path, ROOTS)
    assert place is not None
    assert (place.volume, place.inner) == (volume, inner)


@pytest.mark.parametrize(
    "path", ["/root/jobs/j/mounts", "/root/jobs/j/mounts/logs2/x", "/root/mounts/other", "/tmp/x", "/"]
)
def test_other_paths_lie_on_the_node(path: str) -> None:
    assert place_of(path, ROOTS) is None


@pytest.mark.parametrize("path", ["/root/jobs/j/mounts/logs/../../x", "/root/mounts/azfiles/a/../../x"])
def test_a_path_that_climbs_out_lies_on_no_volume(path: str) -> None:
    assert place_of(path, ROOTS) is None


def no_server(workspace: str, name: str) -> Row:
    raise NotFoundError("none")


def share_of(url: str, settings: Settings = Settings(), **credentials: str) -> Volume:  # noqa: B008
    share = {"azureFileUrl": url, "relativeMountPath": "afs", "credentials": credentials}
    mounts = MountVolumes.model_validate({"azureFileShares": [share]})
    (volume,) = volumes_of(mounts, settings, no_server)
    return volume


@pytest.mark.parametrize(
    ("url", "account", "endpoint"),
    [
        ("https://acc.file.core.windows.net/share", "acc", ""),
        ("https://acc.file.core.windows.net/share/", "acc", ""),
        ("https://acc.file.core.chinacloudapi.cn/share", "acc", "https://acc.file.core.chinacloudapi.cn"),
        ("https://acc.privatelink.example.org/share", "acc", "https://acc.privatelink.example.org"),
        ("http://127.0.0.1:10004/acc/share", "acc", "http://127.0.0.1:10004/acc"),
    ],
)
def test_addresses_of_shares(url: str, account: str, endpoint: str) -> None:
    volume = share_of(url, accountKey="a2V5")
    assert (volume.account, volume.share, volume.endpoint) == (account, "share", endpoint)


@pytest.mark.parametrize(
    "url",
    [
        "https://acc.file.core.windows.net/share",
        "https://ACC.file.core.usgovcloudapi.net/share",
        "https://acc.z12.file.storage.azure.net/share",
        "https://acc.files.contoso.example/share",  # the operator's own
        "http://127.0.0.1:10004/acc/share",
    ],
)
def test_without_a_key_the_machines_identity_opens_a_share(url: str) -> None:
    own = Settings(endpoints={"acc": AccountEndpoints(file="https://acc.files.contoso.example")})
    assert share_of(url, own).key == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://acc.evil.example/share",
        "https://acc.file.core.windows.net.evil.example/share",
        "https://file.core.windows.net/share",
        "https://acc.file.core.windows.net:8443/share",
        "https://127.0.0.1/acc/share",
    ],
)
def test_no_other_host_is_shown_the_identity(url: str) -> None:
    with pytest.raises(MountError, match="this runner's identity is shown to file services of Azure only"):
        share_of(url)
    assert share_of(url, accountKey="a2V5").key == "a2V5"


def test_the_installation_may_have_another_address_for_the_public_one_only() -> None:
    settings = Settings(endpoints={"acc": AccountEndpoints(file="http://emulator/acc")})
    assert share_of("https://acc.file.core.windows.net/share", settings).endpoint == "http://emulator/acc"
    other = share_of("https://acc.file.core.chinacloudapi.cn/share", settings)
    assert other.endpoint == "https://acc.file.core.chinacloudapi.cn"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "share",
        "https://acc.file.core.windows.net/",
        "https://acc.file.core.windows.net/a/b/c",
        "http://[",
    ],
)
def test_other_urls_are_mount_errors(url: str) -> None:
    with pytest.raises(MountError) as caught:
        share_of(url or " ")
    assert caught.value.code == "AZFMountError"


def test_a_secret_in_a_url_is_not_repeated() -> None:
    with pytest.raises(MountError) as caught:
        share_of("https://me:swordfish@acc.file.core.windows.net/a/b/c?sv=1&sig=swordfish")
    assert "swordfish" not in str(caught.value) and "/a/b/c" in str(caught.value)


ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI"
NFS = {"fileServerInternalIP": "10.0.0.4", "mountPoint": "/mnt/data"}


def server_of(arm_id: str, directory: str | None, **detail: object) -> Volume:
    """The volume of a file server that is known as `nfs` in the workspaces `ws` and `default`."""

    def find(workspace: str, name: str) -> Row:
        if (workspace, name) not in (("ws", "nfs"), ("default", "nfs")):
            raise NotFoundError("none")
        return Row(Kind.FILE_SERVER, workspace, name, datetime.now(UTC), detail)

    entry = {"fileServer": {"id": arm_id}, "relativeMountPath": "nfs", "sourceDirectory": directory}
    (volume,) = volumes_of(MountVolumes.model_validate({"fileServers": [entry]}), Settings(), find)
    return volume


@pytest.mark.parametrize(
    ("arm_id", "directory", "host", "source"),
    [
        (f"{ARM}/workspaces/ws/fileServers/nfs", None, "10.0.0.4", "/mnt/data"),
        (f"{ARM}/workspaces/ws/fileservers/nfs/", "/in", "10.0.0.4", "/mnt/data/in"),
        (f"{ARM}/fileServers/nfs", "in/deep", "10.0.0.4", "/mnt/data/in/deep"),
        ("nfs.example.org", "in", "nfs.example.org", "/in"),
        ("10.0.0.5", None, "10.0.0.5", ""),
    ],
)
def test_file_servers(arm_id: str, directory: str | None, host: str, source: str) -> None:
    volume = server_of(arm_id, directory, mountSettings=NFS)
    assert (volume.server, volume.source_directory) == (host, source)


@pytest.mark.parametrize(
    ("name", "detail", "words"),
    [("other", {"mountSettings": NFS}, "no file server 'other'"), ("nfs", {}, "has no mountSettings")],
)
def test_file_servers_without_an_address(name: str, detail: dict[str, object], words: str) -> None:
    with pytest.raises(MountError, match=words) as caught:
        server_of(f"{ARM}/workspaces/ws/fileServers/{name}", None, **detail)
    assert caught.value.code == "NFSMountError"


def test_volumes_know_key_and_endpoint() -> None:
    mounts = MountVolumes.model_validate(
        {
            "azureFileShares": [
                {
                    "azureFileUrl": "https://acc.file.core.windows.net/share",
                    "relativeMountPath": "afs",
                    "accountName": "acc",
                    "credentials": {"accountKey": "a2V5"},
                }
            ],
            "azureBlobFileSystems": [
                {
                    "accountName": "own",
                    "containerName": "data",
                    "relativeMountPath": "bfs",
                    "credentials": {},
                }
            ],
            "unmanagedFileSystems": [{"mountCommand": "mount x", "relativeMountPath": "u"}],
        }
    )
    settings = Settings(
        data_account="own", data_key="b3du", endpoints={"acc": AccountEndpoints(file="http://files/acc")}
    )
    share, container, other = volumes_of(mounts, settings, no_server)
    assert (share.account, share.share, share.key, share.endpoint) == (
        "acc",
        "share",
        "a2V5",
        "http://files/acc",
    )
    assert (container.container, container.key) == ("data", "b3du")
    assert other.mount_command == "mount x"
    assert "a2V5" not in repr(share)
    assert volumes_of(None, settings, no_server) == ()
