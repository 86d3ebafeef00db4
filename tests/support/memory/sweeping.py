"""What tests of the timer's sweep say, over a world in memory."""

import json
from collections.abc import Callable

from shared.jobs.model import Job
from shared.managers.sweeper import SweepReport
from shared.stores import job_table, node_table
from shared.stores.job_table import JobTable
from shared.stores.node_table import NodeRow
from tests.support.memory.faults import Call
from tests.support.memory.world import MemoryWorld
from tests.support.world import CLUSTER


def jobs(world: MemoryWorld) -> JobTable:
    return JobTable(world.backend.connection)


def writes_a_job(call: Call) -> bool:
    return call.service == "table" and call.writes and call.name.startswith(f"{job_table.TABLE}/")


def writes_a_node(call: Call) -> bool:
    return call.service == "table" and call.writes and call.name.startswith(f"{node_table.TABLE}/")


def counts_messages(call: Call) -> bool:
    """After the live jobs are listed, before any row is read."""
    return call.service == "queue" and call.verb == "properties"


def lose_messages(world: MemoryWorld) -> None:
    for messages in world.account.queues.queues.values():
        messages.clear()


def alive(world: MemoryWorld, node: str = "node-0", job: str = "") -> None:
    world.stores.nodes.report(NodeRow(world.cluster, node, "running", 0, job=job))


def sweep(world: MemoryWorld, after: float = 0.0) -> SweepReport:
    world.clock.move(after)
    return world.backend.sweeper.sweep()


def orphan(world: MemoryWorld) -> Job:
    """A job whose runner and whose message are gone."""
    world.accept()
    job = world.must_claim().job
    lose_messages(world)
    return job


def resize(world: MemoryWorld, target: int, leaving: str = "requeue") -> None:
    manual = {"targetNodeCount": target, "nodeDeallocationOption": leaving}
    properties = CLUSTER["properties"] | {"scaleSettings": {"manual": manual}}
    data = json.dumps({"properties": properties}).encode()
    assert world.backend.cluster_manager.resize(world.cluster, data).accepted


def standby(world: MemoryWorld, node: str = "node-0") -> str:
    found = world.stores.nodes.node(world.cluster, node)
    assert found is not None
    return found[0].standby


def at_nodes(verb: str) -> Callable[[Call], bool]:
    return lambda call: call.name.startswith(node_table.TABLE) and call.verb == verb
