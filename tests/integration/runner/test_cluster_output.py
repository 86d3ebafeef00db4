"""What jobs write to the volumes of their cluster has arrived when the job has ended, or the job says so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from azure.storage.blob import ContainerClient

from local.azurite import Endpoints
from runner.isolation.node_config import NodeConfig
from runner.mounts.drivers.fuse_process import fuse_fault
from shared.jobs.events import EventKind
from shared.jobs.model import Job, State
from shared.settings import AccountEndpoints
from tests.integration.mounts.conftest import words_of
from tests.integration.runner.conftest import Shares
from tests.integration.runner.test_agent import an_agent, done
from tests.support.needs import need
from tests.support.waiting import eventually
from tests.support.world import CLUSTER, World, document

ROOT = "$AZ_BATCHAI_MOUNT_ROOT"


@dataclass
class Data:
    """A container that the cluster mounts at `data`, and the share `logs` for what is said."""

    world: World
    container: ContainerClient
    endpoints: dict[str, AccountEndpoints]
    logs: Path

    def names(self) -> set[str]:
        return {blob.name for blob in self.container.list_blobs()}

    def accept(self, command: str, name: str = "job", **properties: Any) -> None:
        self.world.accept(name, document(command, stdOutErrPathPrefix=f"{ROOT}/logs", **properties))

    def log(self) -> str:
        return "".join(path.read_text() for path in self.logs.rglob("execution.log"))

    def faults(self) -> list[str]:
        job: Job = self.world.job()
        return [event.detail for event in job.events if event.kind is EventKind.VOLUME_FAULT]


@pytest.fixture
def data(world: World, shares: Shares, azurite: Endpoints, tmp_path: Path) -> Iterator[Data]:
    logs = shares.create("logs")
    with ContainerClient(
        azurite.blob_endpoint, f"c{uuid4().hex[:12]}", credential=azurite.key, retry_total=0
    ) as container:
        container.create_container()
        blobs = {
            "accountName": azurite.account,
            "containerName": container.container_name,
            "relativeMountPath": "data",
            "credentials": {"accountKey": azurite.key},
        }
        volumes = {"azureFileShares": [shares.volume("logs")], "azureBlobFileSystems": [blobs]}
        task = {"commandLine": f"echo x >> {tmp_path}/set-up", "stdOutErrPathPrefix": f"{ROOT}/logs"}
        setup = {"nodeSetup": {"mountVolumes": volumes, "setupTask": task}}
        world.create_cluster({"properties": CLUSTER["properties"] | setup})
        endpoints = {azurite.account: AccountEndpoints(blob=azurite.blob_endpoint, file=shares.endpoint)}
        yield Data(world, container, endpoints, logs)


def test_a_job_has_succeeded_when_its_files_are_in_the_clusters_container(
    data: Data, config: Callable[..., NodeConfig], driver: str
) -> None:
    """Among them a file that a process which had to be killed held open."""
    left_open = "(exec 3> held; echo held >&3; sleep 60) & sleep 0.5"
    data.accept(f"cd {ROOT}/data; mkdir out; for i in 1 2 3; do echo $i > out/$i; done; {left_open}")
    with an_agent(data.world, config(drivers={"azureBlobFileSystem": (driver,)}), endpoints=data.endpoints):
        eventually(lambda: done(data.world))
        found = data.names()
        assert {"out/1", "out/2", "out/3", "held"} <= found
        assert data.world.job().state is State.SUCCEEDED and data.faults() == []
        data.accept(f"cat {ROOT}/data/out/1 > {ROOT}/data/again", "second")
        eventually(lambda: done(data.world, "second"))
        assert data.names() == found | {"again"}
    assert data.log().count("mounting container") == 0, "the cluster's volumes are no job's affair"


def test_what_has_not_arrived_is_said_by_the_job_and_the_node(
    data: Data, config: Callable[..., NodeConfig], driver: str, tmp_path: Path
) -> None:
    data.accept(
        f"cd {ROOT}/data; touch {tmp_path}/on; until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo x > lost"
    )
    node = config(drivers={"azureBlobFileSystem": (driver,)}, mount_timeout_seconds=3.0)
    with an_agent(data.world, node, endpoints=data.endpoints):
        eventually((tmp_path / "on").exists)
        data.container.delete_container()
        (tmp_path / "go").touch()
        eventually(lambda: done(data.world), 40)
        job = data.world.job()
        assert (job.state, job.exit_code) == (State.SUCCEEDED, 0)
        (fault,) = data.faults()
        assert "lost" in fault and "container" in fault
        assert "lost" in data.log()
        table = data.world.stores.nodes
        eventually(lambda: [n.state for n in table.nodes(data.world.cluster)[0]] == ["unusable"])


def test_a_volume_whose_program_died_is_emptied_reported_and_mounted_anew(
    data: Data, config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    need(fuse_fault())
    node = config(drivers={"azureBlobFileSystem": ("rclone",)})
    data.accept(
        f"echo x > {ROOT}/data/written; touch {tmp_path}/on; until [ -e {tmp_path}/go ]; do sleep 0.05; done"
    )
    with an_agent(data.world, node, endpoints=data.endpoints):
        eventually((tmp_path / "on").exists)
        mounts = str(node.root / "mounts")
        (rclone,) = [p for p in psutil.process_iter() if any(mounts in word for word in words_of(p))]
        rclone.kill()
        eventually(lambda: not words_of(rclone))
        (tmp_path / "go").touch()
        eventually(lambda: done(data.world), 20)
        assert data.names() == {"written"}, "from its cache"
        (fault,) = data.faults()
        assert "ended with status -9" in fault
        data.accept(f"cp {ROOT}/data/written {ROOT}/data/again", "second")
        eventually(lambda: done(data.world, "second"), 20)
        assert data.world.job("second").state is State.SUCCEEDED and data.names() == {"written", "again"}
    assert (tmp_path / "set-up").read_text() == "x\n", "the node is set up once"


@pytest.fixture(params=["rclone", "copy"])
def driver(request: pytest.FixtureRequest) -> str:
    if request.param == "rclone":
        need(fuse_fault())
    return str(request.param)


def test_every_node_of_a_job_waits_for_its_own_files(data: Data, config: Callable[..., NodeConfig]) -> None:
    need(fuse_fault())
    chosen = {"azureBlobFileSystem": ("rclone",)}
    prepare = {"commandLine": f"echo x > {ROOT}/data/$AZ_BATCH_NODE_ID"}
    data.accept("true", nodeCount=2, jobPreparation=prepare)
    with (
        an_agent(data.world, config(drivers=chosen), endpoints=data.endpoints),
        an_agent(data.world, config(drivers=chosen), endpoints=data.endpoints),
    ):
        eventually(lambda: done(data.world), 40)
        assert data.names() == {"node-0", "node-1"}


def test_every_node_says_what_has_not_arrived_in_the_jobs_history(
    data: Data, config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    need(fuse_fault())
    prepare = (
        f"cd {ROOT}/data; touch {tmp_path}/on-$AZ_BATCH_NODE_ID; "
        f"until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo x > lost-$AZ_BATCH_NODE_ID"
    )
    data.accept("true", nodeCount=2, jobPreparation={"commandLine": prepare})
    chosen = {"drivers": {"azureBlobFileSystem": ("rclone",)}, "mount_timeout_seconds": 2.0}
    with (
        an_agent(data.world, config(**chosen), endpoints=data.endpoints),
        an_agent(data.world, config(**chosen), endpoints=data.endpoints),
    ):
        eventually(lambda: len(list(tmp_path.glob("on-*"))) == 2, 40)
        data.container.delete_container()
        (tmp_path / "go").touch()
        eventually(lambda: done(data.world), 40)
    job = data.world.job()
    said = {event.node: event.detail for event in job.events if event.kind is EventKind.VOLUME_FAULT}
    assert job.state is State.SUCCEEDED and said.keys() == {"node-0", "node-1"}
    assert all(f"lost-{node}" in detail for node, detail in said.items())
