"""Volumes under a working agent: logs on a plain one, one that cannot be undone, one whose server hangs."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from local.azurite import Endpoints
from runner.isolation.node_config import NodeConfig
from runner.machine import mountinfo
from runner.mounts.drivers.fuse_process import fuse_fault
from runner.mounts.types import BLOB_CONTAINER
from shared.jobs.model import State
from shared.jobs.waiting_reason import NodeView
from shared.settings import AccountEndpoints
from tests.integration.runner.test_agent import an_agent, done
from tests.support.needs import need
from tests.support.waiting import eventually
from tests.support.wire import Wire
from tests.support.world import World, document, settings_for
from tests.support.world import world as open_world

MOUNTS = "$AZ_BATCHAI_JOB_MOUNT_ROOT"


@pytest.fixture
def world(installation: str, azurite: Endpoints) -> Iterator[World]:
    urls = AccountEndpoints(blob=azurite.blob_endpoint)
    with open_world(
        settings_for(installation, endpoints={azurite.account: urls}, lease_seconds=6, renew_seconds=0.5)
    ) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_mounted(tmp_path: Path) -> Iterator[None]:
    """Nothing is left mounted, whatever a test did."""
    yield
    left = mountinfo.mounted_under(tmp_path)
    for mount in left:
        subprocess.run(["umount", "-l", mount.target], check=False)
    assert not left


@pytest.fixture
def container(azurite: Endpoints, world: World) -> Iterator[ContainerClient]:
    name = world.cluster.workspace
    with ContainerClient(azurite.blob_endpoint, name, credential=azurite.key) as client:
        client.create_container()
        yield client


def rclone_job(azurite: Endpoints, container: ContainerClient, command: str) -> bytes:
    volume = {
        "accountName": azurite.account,
        "containerName": container.container_name,
        "relativeMountPath": "data",
        "credentials": {"accountKey": azurite.key},
    }
    return document(command, mountVolumes={"azureBlobFileSystems": [volume]})


def by_rclone(config: Callable[..., NodeConfig], **changes: Any) -> NodeConfig:
    need(fuse_fault())
    return config(drivers={BLOB_CONTAINER: ("rclone",)}, **changes)


def node(world: World) -> NodeView:
    (view,) = world.backend.clusters.node_views(world.cluster)
    return view


def test_logs_on_an_unmanaged_volume_are_files_on_it(
    world: World, config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    need("mount needs root" if os.geteuid() else None)
    outside = tmp_path / "outside"
    outside.mkdir()
    command = f"mount --bind {outside}"
    volume = {"mountCommand": command, "relativeMountPath": "plain"}
    properties = {
        "stdOutErrPathPrefix": f"{MOUNTS}/plain",
        "mountVolumes": {"unmanagedFileSystems": [volume]},
    }
    world.accept(
        data=document(f"echo first; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done", **properties)
    )

    def out() -> str:
        return "".join(path.read_text() for path in outside.rglob("stdout.txt"))

    with an_agent(world, config(allowed_mount_commands=(command,))):
        eventually(lambda: out() == "first\n")
        assert world.job().state is State.RUNNING
        (tmp_path / "go").touch()
        eventually(lambda: done(world))
    assert world.job().state is State.SUCCEEDED
    logs = {log["name"]: log for log in world.status()["logs"]}
    assert logs["stdout.txt"]["complete"] and logs["execution.log"]["complete"]
    (diary,) = outside.rglob("execution.log")
    assert "mounting unmanaged file system plain" in diary.read_text()


def test_a_volume_that_cannot_be_unmounted_makes_the_node_unusable_until_it_can(
    world: World,
    config: Callable[..., NodeConfig],
    azurite: Endpoints,
    container: ContainerClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mount is real; the tool that undoes it refuses, as the kernel does where a process in another mount
    namespace holds it."""
    stubborn(tmp_path, monkeypatch)
    runner = by_rclone(config, mount_timeout_seconds=20)
    world.accept("first", rclone_job(azurite, container, f"echo kept > {MOUNTS}/data/file; exit 7"))
    with an_agent(world, runner):
        eventually(lambda: done(world, "first"), 40)
        # The job's own result stands, its data has arrived, and the node says why it stops.
        first = world.job("first")
        assert (first.state, first.exit_code, first.errors[0].code) == (State.FAILED, 7, "JobFailed")
        assert container.download_blob("file").readall() == b"kept\n"
        eventually(lambda: node(world).state == "unusable")
        assert "busy" in node(world).detail or "still mounted" in node(world).detail
        world.accept("second", document("true"))
        eventually(lambda: "still mounted" in node(world).detail, 15)
        assert mountinfo.mounted_under(runner.root)
        assert world.job("second").state is State.QUEUED and world.job("second").attempt == 0
        # When it can be unmounted again, the node heals by itself.
        (tmp_path / "refuse").unlink()
        eventually(lambda: done(world, "second"), 20)
        eventually(lambda: node(world).state == "idle")


def stubborn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a fusermount3 on PATH that refuses to unmount while the file `refuse` is there."""
    real = subprocess.run(["which", "fusermount3"], check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / "bin").mkdir()
    (tmp_path / "refuse").touch()
    script = tmp_path / "bin/fusermount3"
    refusal = 'echo "fusermount3: failed to unmount $2: Device or resource busy" >&2; exit 1'
    script.write_text(
        f'#!/bin/sh\nif [ "$1" = -u ] && [ -e {tmp_path}/refuse ]; then {refusal}; fi\nexec {real} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")


def test_a_volume_somebody_else_holds_open_is_unmounted_and_the_job_has_its_result(
    world: World,
    config: Callable[..., NodeConfig],
    azurite: Endpoints,
    container: ContainerClient,
    tmp_path: Path,
) -> None:
    runner = by_rclone(config)
    wait = f"echo x > {MOUNTS}/data/file; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    world.accept("first", rclone_job(azurite, container, wait))
    with an_agent(world, runner):
        (path,) = eventually(lambda: list(runner.root.glob("jobs/**/mounts/data/file")), 20)
        # No process of the job: one that the machine's owner has started.
        with subprocess.Popen(["tail", "-f", path], stdout=subprocess.DEVNULL) as holder:
            (tmp_path / "go").touch()
            eventually(lambda: done(world, "first"), 40)
            holder.wait(5)
        world.accept("second", document("true"))
        eventually(lambda: done(world, "second"), 20)
    assert world.job("first").state is State.SUCCEEDED
    assert container.download_blob("file").readall() == b"x\n"


def test_a_server_that_hangs_puts_the_job_back_and_the_lease_is_kept_meanwhile(
    world: World,
    config: Callable[..., NodeConfig],
    azurite: Endpoints,
    container: ContainerClient,
) -> None:
    """Mounting takes longer than a lease; the node is heard of all the time, and nobody else gets the job."""
    limit = 9.0
    assert limit > world.settings.lease_seconds
    heard: set[Any] = set()
    seen: list[Any] = []

    def over() -> bool:
        rows, _ = world.stores.nodes.nodes(world.cluster)
        heard.update(row.heard for row in rows)
        seen.append(world.job())
        if seen[-1].state is not State.RUNNING:
            return True
        assert world.receive() is None, "the message must stay hidden: the lease is renewed"
        return False

    world.accept(data=rclone_job(azurite, container, "echo must not run"))
    port = int(azurite.blob_endpoint.rsplit(":", 1)[1].partition("/")[0])
    with Wire(port) as wire:
        wire.dead.set()
        urls = AccountEndpoints(blob=f"http://127.0.0.1:{wire.port}/{azurite.account}")
        runner = by_rclone(config, mount_timeout_seconds=limit)
        with an_agent(world, runner, endpoints={azurite.account: urls}):
            eventually(lambda: world.job().state is State.RUNNING)
            eventually(over, 50)
    job = seen[-1]
    assert (job.state, job.attempt, job.errors[0].code) == (State.QUEUED, 1, "BFSMountError")
    message = str(job.errors[0])
    assert "no answer" in message and "TCP port" in message
    assert job.started is not None
    assert limit <= (job.state_since - job.started).total_seconds() < 50
    assert len(heard) > 5, "the node kept reporting"
