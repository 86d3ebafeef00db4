"""A whole runner in a guest kernel: cifs and nfs as in production, and how soon a line can be read over REST.

The stack, Samba and Ganesha run on this machine; the guest reaches them through its own network.
"""

import json
import shlex
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import processes
from local.azurite import ACCOUNT, KEY
from local.layout import StackState
from local.stack import APP
from runner.mounts.drivers.fuse_process import fuse_fault
from tests.support import file_servers, guest, runners
from tests.support.guest import Guest
from tests.support.needs import need
from tests.support.stack_client import ROOT, SHARE_URL, StackClient, job
from tests.support.waiting import eventually

MOUNTS = "$AZ_BATCHAI_JOB_MOUNT_ROOT"
SMB_HOST = f"{ACCOUNT}.file.core.windows.net"
LINES = 10


@pytest.fixture(scope="module")
def kernel() -> None:
    need(guest.missing() or file_servers.missing())


@pytest.fixture(scope="module")
def servers(kernel: None, stack: StackState, client: StackClient) -> Iterator[int]:
    """Samba over the share `by-smb` and Ganesha over `by-nfs`, which the emulator serves too; NFS's port."""
    shares = runners.directory_of(stack).shares
    for name in ("by-smb", "by-nfs"):
        client.share(name)
    port = processes.free_port()
    with (
        tempfile.TemporaryDirectory(prefix="servers-") as home,
        file_servers.samba(Path(home) / "smb", "by-smb", shares / "by-smb", ACCOUNT, KEY),
        file_servers.ganesha(Path(home) / "nfs", "/export", shares / "by-nfs", port),
    ):
        yield port


@pytest.fixture(scope="module")
def machine(servers: int, stack: StackState, client: StackClient) -> Iterator[Guest]:
    """A guest in which a runner of the cluster `guest` works."""
    client.drop_cluster("guest")
    overrides = runners.drivers(azureFileShare="cifs") | {
        "BATCHAI_SMB_HOSTS": json.dumps({ACCOUNT: SMB_HOST})
    }
    settings = runners.settings_of(stack) | overrides
    with (
        tempfile.TemporaryDirectory(prefix="uml-") as folder,
        guest.boot(Path(folder), names=(SMB_HOST,)) as running,
    ):
        lines = [f"export {k}={shlex.quote(v.replace('127.0.0.1', guest.HOST))}" for k, v in settings.items()]
        (running.folder / "settings").write_text("\n".join(lines))
        words = shlex.join(runners.command("guest", "guest-0", "/mnt/node"))
        started = running.start(
            f". /run/host/settings; cd {APP}; echo $$ > /run/runner.pid; exec {words} > /run/host/log 2>&1"
        )
        eventually(lambda: "ready for jobs" in _text(running.folder / "log"), 60)
        yield running
        running.run("kill -TERM $(cat /run/runner.pid)")
        assert running.result(started, 60).code == 0, _text(running.folder / "log")


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


@pytest.fixture(scope="module")
def by_rclone(stack: StackState, client: StackClient) -> Iterator[None]:
    need(fuse_fault())
    client.drop_cluster("by-rclone")
    with runners.runner(stack, "by-rclone", runners.drivers(azureFileShare="rclone")):
        yield


def document(cluster: str, prefix: str, volumes: dict[str, Any]) -> dict[str, Any]:
    """A job that prints the time once a second, and leaves a file on its volume."""
    command = (
        f"for i in $(seq {LINES}); do date +%s.%N; sleep 1; done; "
        f"grep ' {MOUNTS}/{prefix} ' /proc/mounts; echo kept > {MOUNTS}/{prefix}/kept.txt"
    )
    return job(
        command,
        cluster={"id": cluster},
        stdOutErrPathPrefix=f"{MOUNTS}/{prefix}",
        mountVolumes=volumes,
    )


def share_volume(name: str) -> dict[str, Any]:
    return {"azureFileShares": [{"azureFileUrl": f"{SHARE_URL}{name}", "relativeMountPath": "vol"}]}


def watch(client: StackClient, name: str, share: str) -> list[float]:
    """Seconds from printing to being readable over REST, of each line; reads every 50 ms."""
    resource = eventually(lambda: _running(client, name), 60)
    segment = resource["properties"]["jobOutputDirectoryPathSegment"]
    delays: list[float] = []
    deadline = time.monotonic() + 60
    while len(delays) < LINES and time.monotonic() < deadline:
        text = (client.log(segment, share=share) or b"").decode()
        now = time.time()
        delays += [now - float(line) for line in text.splitlines()[len(delays) : LINES] if "." in line]
        time.sleep(0.05)
    client.await_state(f"default/latency/{name}", "running", "succeeded", seconds=1)
    eventually(lambda: _state(client, name) == "succeeded", 60)
    assert len(delays) == LINES
    return delays


def _resource(client: StackClient, name: str) -> dict[str, Any]:
    code, resource = client.get(f"{ROOT}/default/experiments/latency/jobs/{name}")
    return resource if code == 200 else {}


def _state(client: StackClient, name: str) -> str:
    state = (client.status("jobs", f"default/latency/{name}") or {}).get("state", "")
    assert state != "failed", client.status("jobs", f"default/latency/{name}")
    return str(state)


def _running(client: StackClient, name: str) -> dict[str, Any]:
    _state(client, name)
    resource = _resource(client, name)
    return resource if resource and resource["properties"]["executionState"] == "running" else {}


def report(driver: str, delays: list[float]) -> None:
    """The promise: under a second mostly, two at worst."""
    median, worst = statistics.median(delays), max(delays)
    print(f"| {driver} | {median:.2f} s | {worst:.2f} s |")
    assert median < 1.0 and worst < 2.0, delays


def kept(client: StackClient, share: str) -> bytes:
    file = client.shares.get_share_client(share).get_file_client("kept.txt")
    data: bytes = file.download_file().readall()
    return data


def execution_log(client: StackClient, name: str, share: str) -> str:
    segment = _resource(client, name)["properties"]["jobOutputDirectoryPathSegment"]
    return (client.log(segment, "execution.log", share) or b"").decode()


def test_lines_on_a_premounted_share(client: StackClient) -> None:
    client.drop(
        "jobs", "default/latency/premounted/job.json", document("default", "vol", share_volume("logs"))
    )
    report("premounted", watch(client, "premounted", "logs"))


@pytest.mark.usefixtures("by_rclone")
def test_lines_on_a_share_by_rclone(client: StackClient) -> None:
    client.drop("jobs", "default/latency/rclone/job.json", document("by-rclone", "vol", share_volume("logs")))
    report("rclone", watch(client, "rclone", "logs"))
    assert "with rclone" in execution_log(client, "rclone", "logs")


def test_a_job_in_the_guest_on_a_share_by_cifs(machine: Guest, client: StackClient) -> None:
    client.drop("jobs", "default/latency/cifs/job.json", document("guest", "vol", share_volume("by-smb")))
    report("cifs (guest kernel)", watch(client, "cifs", "by-smb"))
    assert kept(client, "by-smb") == b"kept\n"
    log = execution_log(client, "cifs", "by-smb")
    assert "with cifs" in log and "no longer mounted" in log and "SUCCEEDED" in log.upper()
    assert "/mnt/node/jobs" not in machine.run("cat /proc/mounts").output


def test_a_job_in_the_guest_on_a_file_server_by_nfs(
    machine: Guest, servers: int, client: StackClient
) -> None:
    """The file server is a resource that says where it runs; the logs are files on it."""
    place = {"fileServerInternalIP": guest.HOST, "mountPoint": "/export"}
    arm_id = put_file_server(client, "nfs", place)
    volume = {"fileServer": {"id": arm_id}, "relativeMountPath": "vol", "mountOptions": f"rw,port={servers}"}
    client.drop("jobs", "default/latency/nfs/job.json", document("guest", "vol", {"fileServers": [volume]}))
    report("nfs (guest kernel)", watch(client, "nfs", "by-nfs"))
    assert kept(client, "by-nfs") == b"kept\n"
    assert "with nfs" in execution_log(client, "nfs", "by-nfs")
    assert "/mnt/node/jobs" not in machine.run("cat /proc/mounts").output


def put_file_server(client: StackClient, name: str, place: dict[str, str]) -> str:
    """PUT a file server of the workspace `default`; its ARM id."""
    arm_id = f"{ROOT}/default/fileServers/{name}"
    properties = {
        "vmSize": "STANDARD_D1",
        "sshConfiguration": {
            "userAccountSettings": {"adminUserName": "me", "adminUserSshPublicKey": "ssh-rsa A"}
        },
        "dataDisks": {"diskSizeInGB": 1, "diskCount": 1, "storageAccountType": "Standard_LRS"},
        "mountSettings": place,
    }
    request = urllib.request.Request(
        f"{client.state.http}{arm_id}?api-version=2018-05-01",
        json.dumps({"properties": properties}).encode(),
        {"Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status in (200, 201, 202)
    return arm_id
