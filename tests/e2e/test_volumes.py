"""Volumes mounted by rclone in a running stack: dropped jobs, real mounts, real faults."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.azurite import ACCOUNT, KEY
from local.layout import StackState
from runner.machine import mountinfo
from runner.mounts.drivers.fuse_process import fuse_fault
from tests.integration.mounts.conftest import words_of
from tests.support import runners
from tests.support.needs import need
from tests.support.stack_client import CLUSTER, SHARE_URL, StackClient, job
from tests.support.waiting import eventually, files_below

MOUNTS = "$AZ_BATCHAI_JOB_MOUNT_ROOT"
OWN = "<AZURE_BATCHAI_STORAGE_ACCOUNT>"


@pytest.fixture(scope="module")
def node(stack: StackState, client: StackClient) -> Iterator[Path]:
    """The root of a runner of the cluster `rclone`, which mounts everything with rclone."""
    need(fuse_fault())
    client.drop_cluster("rclone")
    chosen = runners.drivers(azureFileShare="rclone", azureBlobFileSystem="rclone")
    root = runners.directory_of(stack).node("rclone-0")
    with runners.runner(stack, "rclone", chosen | {"BATCHAI_MOUNT_TIMEOUT_SECONDS": "20"}):
        yield root
        assert not mountinfo.mounted_under(root), "no job is running any more"


def share(name: str, **more: Any) -> dict[str, Any]:
    return {"azureFileUrl": f"{SHARE_URL}{name}", "relativeMountPath": name} | more


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"accountName": OWN, "containerName": name, "relativeMountPath": name} | more


def run(
    client: StackClient,
    name: str,
    command: str,
    *states: str,
    shares: tuple[dict[str, Any], ...] = (),
    containers: tuple[dict[str, Any], ...] = (),
    seconds: float = 60,
) -> dict[str, Any]:
    """Drop a job for the runner with rclone, its logs on the share `logs`, and wait for its end."""
    drop(client, name, command, shares, containers)
    return client.await_state(f"default/volumes/{name}", *(states or ("succeeded",)), seconds=seconds)


def drop(
    client: StackClient,
    name: str,
    command: str,
    shares: tuple[dict[str, Any], ...] = (),
    containers: tuple[dict[str, Any], ...] = (),
) -> None:
    volumes = {"azureFileShares": [share("logs"), *shares], "azureBlobFileSystems": list(containers)}
    document = job(command, cluster={"id": "rclone"}, mountVolumes=volumes)
    client.drop("jobs", f"default/volumes/{name}/job.json", document)


def new_container(client: StackClient, name: str) -> None:
    if not client.blobs.get_container_client(name).exists():
        client.blobs.create_container(name)


def blob(client: StackClient, container: str, name: str) -> bytes:
    found: bytes = client.blobs.get_blob_client(container, name).download_blob().readall()
    return found


@pytest.mark.usefixtures("node")
def test_a_share_is_a_folder(client: StackClient) -> None:
    client.share("afs")
    client.shares.get_share_client("afs").get_file_client("in.txt").upload_file(b"given")
    command = (
        f"cd {MOUNTS}/afs; cat in.txt; mkdir -p out; echo made > out/a; echo more >> out/a; mv out/a out/b"
    )
    run(client, "share", command, shares=(share("afs"),))
    file = client.shares.get_share_client("afs").get_file_client("out/b")
    assert file.download_file().readall() == b"made\nmore\n"


@pytest.mark.usefixtures("node")
def test_a_container_is_a_folder(client: StackClient) -> None:
    """Read, write, append, rename, 200 MB and a thousand small files, in a bounded time."""
    new_container(client, "data")
    client.drop("data", "in/a.txt", b"given\n")
    command = (
        f"set -e; cd {MOUNTS}/data; cat in/a.txt > copy; echo more >> copy; mv copy moved; "
        "dd if=/dev/urandom of=big bs=1M count=200 2> /dev/null; sha256sum big | cut -d' ' -f1 > sum; "
        "mkdir small; for i in $(seq 1000); do echo $i > small/$i; done"
    )
    began = time.monotonic()
    run(client, "container", command, containers=(container("data"),), seconds=180)
    print(f"200 MB and 1000 files, until they are in the container: {time.monotonic() - began:.1f} s")
    assert blob(client, "data", "moved") == b"given\nmore\n"
    names = {found.name: found.size for found in client.blobs.get_container_client("data").list_blobs()}
    assert names["big"] == 200 << 20 and "copy" not in names
    assert sum(name.startswith("small/") for name in names) == 1000
    # Read back through another mount: nothing is in its cache.
    again = f"cd {MOUNTS}/data; sha256sum big | grep -f sum && ls small | wc -l | grep -x 1000"
    run(client, "again", again, containers=(container("data"),))


WRONG = {"credentials": {"accountKey": "d3Jvbmcga2V5"}}
REFUSED = {"azureFileUrl": f"http://127.0.0.1:1/{ACCOUNT}/afs", "credentials": {"accountKey": KEY}}


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize(
    ("name", "shares", "containers", "code", "words"),
    [
        ("no-container", (), (container("missing"),), "BFSMountError", "spelled right"),
        ("no-share", (share("missing"),), (), "AZFMountError", "spelled right"),
        ("key-container", (), (container("locked", **WRONG),), "BFSMountError", "account key"),
        ("key-share", (share("afs", **WRONG),), (), "AZFMountError", "account key"),
        ("port", (share("afs", **REFUSED),), (), "AZFMountError", "TCP port"),
    ],
)
def test_a_volume_that_cannot_be_mounted(
    client: StackClient,
    name: str,
    shares: tuple[dict[str, Any], ...],
    containers: tuple[dict[str, Any], ...],
    code: str,
    words: str,
) -> None:
    client.share("afs")
    new_container(client, "locked")
    status = run(client, name, "echo never", "failed", shares=shares, containers=containers)
    (error,) = status["errors"]
    assert error["code"] == code and words in error["message"], error
    assert "could not mount" in error["message"] or "cannot be reached" in error["message"]
    assert WRONG["credentials"]["accountKey"] not in str(status) and KEY not in str(status)
    assert not [log for log in status["logs"] if log["name"].startswith("stdout")], "nothing was started"


def test_rclone_killed_in_mid_job(client: StackClient, node: Path) -> None:
    new_container(client, "killed")
    command = (
        f"cd {MOUNTS}/killed; echo early > early; touch $AZ_BATCHAI_JOB_TEMP/ready; "
        "while echo x >> late; do sleep 0.1; done; exit 5"
    )
    drop(client, "killed", command, containers=(container("killed"),))
    eventually(lambda: files_below(node / "jobs", "ready"), 30)
    victims = [p for p in psutil.process_iter() if _serves(p, f"{node}/jobs", "killed")]
    assert len(victims) == 1
    victims[0].kill()
    status = client.await_state("default/volumes/killed", "failed", seconds=60)
    # The job's own result stands, and what it had closed has arrived.
    assert status["errors"][0]["code"] == "JobFailed" and status["exitCode"] == 5
    assert blob(client, "killed", "early") == b"early\n"
    # The node continues.
    run(client, "after", "true")
    assert not mountinfo.mounted_under(node / "jobs")


def _serves(process: psutil.Process, root: str, name: str) -> bool:
    words = words_of(process)
    return len(words) > 3 and words[1] == "mount" and words[3].startswith(root) and words[3].endswith(name)


def test_a_killed_runner_is_followed_by_one_that_sweeps(stack: StackState, client: StackClient) -> None:
    """Its mount outlives it; the next runner uploads what is pending, unmounts, and runs the job again."""
    need(fuse_fault())
    client.drop_cluster("swept")
    new_container(client, "swept")
    settings = runners.drivers(azureBlobFileSystem="rclone")
    settings |= {"BATCHAI_LEASE_SECONDS": "6", "BATCHAI_RENEW_SECONDS": "1"}
    root = runners.directory_of(stack).node("swept-0")
    command = (
        f"cd {MOUNTS}/swept; [ $AZ_BATCHAI_ATTEMPT = 2 ] && exit 0; echo pending > file; "
        "touch $AZ_BATCHAI_JOB_TEMP/ready; sleep 60"
    )
    document = job(command, cluster={"id": "swept"})
    document["properties"]["mountVolumes"]["azureBlobFileSystems"] = [container("swept")]
    with runners.runner(stack, "swept", settings) as first:
        client.drop("jobs", "default/volumes/swept/job.json", document)
        eventually(lambda: files_below(root / "jobs", "ready"), 30)
        first.process.kill()
        first.process.wait()
        assert mountinfo.mounted_under(root), "rclone outlives its runner"
        with runners.runner(stack, "swept", settings) as second:
            assert not mountinfo.mounted_under(root / "jobs")
            assert "left by an earlier run" in second.log.read_text()
            assert blob(client, "swept", "file") == b"pending\n"
            status = client.await_state("default/volumes/swept", "succeeded", seconds=60)
    assert status["attempt"] == 2
    assert not mountinfo.mounted_under(root)


def test_auto_storage(stack: StackState, client: StackClient) -> None:
    """What `cluster create --use-auto-storage` sends: nobody has made the share and the container before."""
    need(fuse_fault())
    shares = [share("batchaishare", relativeMountPath="autoafs")]
    containers = [container("batchaicontainer", relativeMountPath="autobfs")]
    volumes = {"azureFileShares": shares, "azureBlobFileSystems": containers}
    setup = {"nodeSetup": {"mountVolumes": volumes}}
    client.drop_cluster("auto", {"properties": CLUSTER["properties"] | setup})
    root = "$AZ_BATCHAI_MOUNT_ROOT"
    command = f"echo afs > {root}/autoafs/file; echo bfs > {root}/autobfs/file"
    with runners.runner(
        stack, "auto", runners.drivers(azureFileShare="rclone", azureBlobFileSystem="rclone")
    ):
        document = job(
            command, cluster={"id": "auto"}, stdOutErrPathPrefix=f"{root}/autoafs", mountVolumes=None
        )
        client.drop("jobs", "default/volumes/auto/job.json", document)
        client.await_state("default/volumes/auto", "succeeded")
    # The runner has left, so everything is uploaded.
    file = client.shares.get_share_client("batchaishare").get_file_client("file")
    assert file.download_file().readall() == b"afs\n"
    assert blob(client, "batchaicontainer", "file") == b"bfs\n"
