"""The machines of the stand-in of ARM are runners: they join, hear of their end, and never outlive it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from local.processes import Child
from shared.jobs.model import State
from shared.stores.node_table import NodeRow
from tests.support.arm import GROUP, TOKEN, client
from tests.support.waiting import eventually
from tests.support.world import World, document
from tests.support.world_runner import machine_stand_in


class MachineStandIn:
    """A stand-in with one scale set for the world's cluster."""

    def __init__(self, world: World, root: Path, process: Child, url: str, sdk: Any) -> None:
        self.world, self.root, self.process, self.url, self.sdk = world, root, process, url, sdk

    def put(self, capacity: int, priority: str = "Regular") -> None:
        body: dict[str, Any] = {
            "location": "local",
            "tags": {"batchai-cluster": str(self.world.cluster)},
            "sku": {"name": "STANDARD_D1", "capacity": capacity},
            "properties": {"virtualMachineProfile": {"priority": priority}},
        }
        self.sdk.virtual_machine_scale_sets.begin_create_or_update(GROUP, "pool", body, polling=False)

    def names(self) -> list[str]:
        return [vm.name for vm in self.sdk.virtual_machine_scale_set_vms.list(GROUP, "pool")]

    def nodes(self, count: int, state: str = "idle") -> list[NodeRow]:
        """The rows of alive nodes once there are `count` of them in `state`."""

        def look() -> list[NodeRow] | None:
            found = self.world.backend.clusters.alive_nodes(self.world.cluster)
            rows = [node for node in found if node.state == state]
            return rows if len(rows) == count else None

        return eventually(look, 20)

    def processes(self) -> list[psutil.Process]:
        """Every process that carries the folder of this test in its command."""
        found = psutil.process_iter(["cmdline"])
        return [p for p in found if any(str(self.root / "nodes") in word for word in p.info["cmdline"] or ())]


@pytest.fixture
def machines(world: World, tmp_path: Path) -> Iterator[MachineStandIn]:
    with machine_stand_in(world, tmp_path) as (process, url), client(url) as sdk:
        yield MachineStandIn(world, tmp_path, process, url, sdk)


def test_a_machine_joins_under_its_name_and_leaves_no_trace(machines: MachineStandIn) -> None:
    machines.put(2)
    nodes = machines.nodes(2)
    assert sorted(node.node_id for node in nodes) == sorted(machines.names())
    assert len({node.address for node in nodes}) == 2
    gone = nodes[0].node_id
    machines.sdk.virtual_machine_scale_sets.begin_delete_instances(
        GROUP, "pool", {"instanceIds": [gone]}
    ).result()
    assert machines.names() == [nodes[1].node_id]
    assert not any(gone in word for process in machines.processes() for word in process.cmdline())
    assert not (machines.root / "nodes" / gone).exists()


def test_a_runner_that_dies_is_started_again_and_one_that_has_left_is_not(machines: MachineStandIn) -> None:
    machines.put(1)
    [node] = machines.nodes(1)
    [runner] = [p for p in machines.processes() if p.ppid() == machines.process.process.pid]
    runner.kill()
    eventually(lambda: [p for p in machines.processes() if p.pid != runner.pid], 15)
    [again] = machines.nodes(1)
    assert again.node_id == node.node_id
    [runner] = [p for p in machines.processes() if p.ppid() == machines.process.process.pid]
    runner.send_signal(signal.SIGUSR1)
    runner.wait(15)
    # Longer than the pause before a restart
    with pytest.raises(AssertionError):
        eventually(machines.processes, 6)
    assert machines.names() == [node.node_id]


def test_a_killed_stand_in_leaves_no_machine_behind(machines: MachineStandIn) -> None:
    machines.put(2)
    machines.nodes(2)
    machines.world.accept(data=document("sleep 600"))
    eventually(lambda: machines.world.job().state is State.RUNNING, 10)
    assert machines.processes()
    os.kill(machines.process.process.pid, signal.SIGKILL)
    eventually(lambda: not machines.processes(), 25)
    # The job was handed back, not lost
    assert machines.world.job().state is State.QUEUED


def test_an_evicted_spot_machine_hands_its_job_back_and_is_gone(machines: MachineStandIn) -> None:
    machines.put(1, "Spot")
    [node] = machines.nodes(1)
    machines.world.accept(data=document("sleep 600"))
    eventually(lambda: machines.world.job().state is State.RUNNING, 10)
    answer = httpx.post(
        f"{machines.url}/control/evictions/{node.node_id}",
        json={"seconds": 8},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert answer.status_code == 200, answer.text
    job = eventually(lambda: (found := machines.world.job()).state is State.QUEUED and found, 8)
    assert job.attempt <= 1
    assert machines.nodes(1, "leaving")
    eventually(lambda: not machines.names(), 15)
    assert machines.processes() == []
