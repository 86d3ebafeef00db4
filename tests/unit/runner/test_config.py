import json
from pathlib import Path

import pytest

from runner.config import Premounted, RunnerConfig, config_from, job_base_environment
from shared.errors import SettingsError
from shared.names.ids import ClusterId
from tests.support.cases import cases


def config(
    env: dict[str, str] | None = None, cluster: str = "", node: str = "n0", root: str = "/r", gpus: str = ""
) -> RunnerConfig:
    return config_from(env or {}, cluster, node, root, gpus)


@cases(
    ("cluster", "env", "expected"),
    [
        ("", {}, ClusterId("default", "default")),
        ("gpu", {}, ClusterId("default", "gpu")),
        ("ws/gpu", {"BATCHAI_CLUSTER": "other"}, ClusterId("ws", "gpu")),
        ("", {"BATCHAI_CLUSTER": "ws/gpu"}, ClusterId("ws", "gpu")),
        ("gpu", {"BATCHAI_DEFAULT_WORKSPACE": "ws"}, ClusterId("ws", "gpu")),
        ("my.group/ws/gpu", {}, ClusterId("my.group/ws", "gpu")),
        ("batchai/ws/gpu", {}, ClusterId("ws", "gpu")),
        ("Mine/ws/gpu", {"BATCHAI_RESOURCE_GROUP": "mine"}, ClusterId("ws", "gpu")),
    ],
)
def test_the_cluster(cluster: str, env: dict[str, str], expected: ClusterId) -> None:
    assert config(env, cluster).cluster == expected


def test_every_fault_is_reported_at_once() -> None:
    env = {
        "BATCHAI_PREMOUNTED": "[]",
        "BATCHAI_DRIVERS": "{",
        "BATCHAI_GRACE_SECONDS": "-1",
        "BATCHAI_IDLE_POLL_SECONDS": "nan",
    }
    with pytest.raises(SettingsError) as caught:
        config(env, "a/b/c/d", "no de", gpus="two")
    message = str(caught.value)
    for name in ("--cluster", "--node-id", "--gpus", *env):
        assert name in message


def test_gpus() -> None:
    assert config().gpus is None
    assert config(gpus="all").gpus is None
    assert config(gpus="none").gpus == ()
    assert config(gpus="0,2").gpus == ("0", "2")
    assert config({"BATCHAI_GPUS": "GPU-0a1b, GPU-2c"}).gpus == ("GPU-0a1b", "GPU-2c")
    for wrong in ("two", "0,", "1,1", "-1", "0;1"):
        with pytest.raises(SettingsError, match=r"--gpus: '.*expected 0,1 or all or none"):
            config(gpus=wrong)


def test_premounted_shares_and_drivers() -> None:
    env = {
        "BATCHAI_PREMOUNTED": json.dumps({"acc/logs": "/mnt/logs", "dev/*": "/data/shares"}),
        "BATCHAI_DRIVERS": json.dumps({"azureFileShare": "premounted rclone"}),
        "BATCHAI_ALLOWED_MOUNT_COMMANDS": "mount -t nfs ; mount -t beegfs;",
    }
    found = config(env)
    assert found.premounted["acc/logs"] == Path("/mnt/logs")
    assert found.drivers == {"azureFileShare": ("premounted", "rclone")}
    assert found.allowed_mount_commands == ("mount -t nfs", "mount -t beegfs")


PREMOUNTED = Premounted({"acc/logs": Path("/mnt/logs"), "dev/*": Path("/data/shares")})


def test_a_star_stands_for_every_share_of_the_account() -> None:
    assert PREMOUNTED["dev/logs"] == Path("/data/shares/logs")
    assert "acc/other" not in PREMOUNTED
    assert "other/logs" not in PREMOUNTED


@cases("share", ["..", ".", "", "*", "a/b", "../x", "logs\n", "Logs", "a--b", ".own", "a"])
def test_a_star_stands_for_names_of_shares_only(share: str) -> None:
    assert f"dev/{share}" not in PREMOUNTED


def test_jobs_see_little_of_the_machine() -> None:
    env = {
        "PATH": "/usr/bin",
        "HOME": "/root",
        "CUDA_HOME": "/cuda",
        "BATCHAI_STORAGE": "secret",
        "AZURE_CLIENT_SECRET": "secret",
        "AWS_SECRET": "secret",
    }
    base = job_base_environment(config({"BATCHAI_JOB_PATH": "/venv/bin"}), env)
    assert base == {
        "PATH": "/venv/bin:/usr/bin",
        "HOME": "/root",
        "CUDA_HOME": "/cuda",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.mark.parametrize("address", ["10.0.0.4", "fd00::4", "node-1.internal.example", "::1"])
def test_addresses(tmp_path: Path, address: str) -> None:
    assert config_from({}, "c", "n", str(tmp_path), "", address).address == address


@pytest.mark.parametrize("address", ["10.0.0.4 x", "-oProxyCommand=x", "a\nb", "a,b", "[::1]"])
def test_what_is_no_address(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError, match=r"--address: (?s:.*) expected IPv4, IPv6 or a host name"):
        config_from({}, "c", "n", str(tmp_path), "", address)
