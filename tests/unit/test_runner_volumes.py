import pytest

from runner.mounts.types import FILE_SHARE, Volume
from runner.volumes import place_of, share_address, volumes_of
from shared.errors import MountError
from shared.settings import AccountEndpoints, Settings
from shared.spec import MountVolumes

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


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://acc.file.core.windows.net/share", ("acc", "share", "")),
        ("https://acc.file.core.windows.net/share/", ("acc", "share", "")),
        ("https://acc.file.core.chinacloudapi.cn/share", ("acc", "share", "")),
        ("http://127.0.0.1:10004/acc/share", ("acc", "share", "http://127.0.0.1:10004/acc")),
    ],
)
def test_addresses_of_shares(url: str, expected: tuple[str, str, str]) -> None:
    assert share_address(url) == expected


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
        share_address(url)
    assert caught.value.code == "AZFMountError"


def test_a_signature_in_a_url_is_not_repeated() -> None:
    with pytest.raises(MountError) as caught:
        share_address("https://acc.file.core.windows.net/a/b/c?sv=1&sig=swordfish")
    assert "swordfish" not in str(caught.value)


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
    share, container, other = volumes_of(mounts, settings)
    assert (share.account, share.share, share.key, share.endpoint) == (
        "acc",
        "share",
        "a2V5",
        "http://files/acc",
    )
    assert (container.container, container.key) == ("data", "b3du")
    assert other.mount_command == "mount x"
    assert "a2V5" not in repr(share)
    assert volumes_of(None, settings) == ()
