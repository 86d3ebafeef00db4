"""What a sweep costs follows what is wrong, not how many jobs there are: storage calls, counted."""

from datetime import timedelta

import pytest

from shared.jobs.model import State
from shared.stores import job_table
from shared.stores.node_table import NodeRow
from tests.support.examples import examples
from tests.support.many_jobs import entities, live_jobs
from tests.support.memory.world import MemoryWorld, memory_world

#: Ten thousand by all examples: every thousand is one page more.
_LIVE, _RUNNING = examples(10_000), 100


@pytest.fixture(scope="module")
def crowded() -> MemoryWorld:
    """Live jobs, each with its message; 100 of them run on nodes that are heard of."""
    world = memory_world()
    jobs = list(live_jobs(world.cluster, _LIVE, _RUNNING, world.clock() - timedelta(hours=1)))
    rows = [entity for job in jobs for entity in entities(job)]
    table = world.account.tables.get_table_client(job_table.TABLE)
    for start in range(0, len(rows), 10_000):
        table.fill(rows[start : start + 10_000])
    world.account.queues.get_queue_client(world.queue()).fill(job.uuid for job in jobs)
    for job in jobs[:_RUNNING]:
        node = NodeRow(world.cluster, str(job.owner), "running", 1, job=job.uuid)
        world.stores.nodes.report(node)
    world.wait(30)  # for longer than a job may wait unexplained
    return world


def sweep(world: MemoryWorld) -> int:
    """A sweep that finds nothing to mend; its storage calls."""
    for number in range(_RUNNING):
        uuid = f"00000000-0000-0000-0000-{number:012}"
        node = NodeRow(world.cluster, f"node-{number}", "running", 1, job=uuid)
        world.stores.nodes.report(node)
    world.counter.reset()
    report = world.backend.sweeper.sweep()
    assert (report.live, report.resent, report.ended, report.faults) == (_LIVE, 0, 0, 0)
    return int(world.counter.snapshot().total())


def test_ten_thousand_live_jobs_cost_under_two_hundred_calls(crowded: MemoryWorld) -> None:
    first = sweep(crowded)
    assert first < 190 + _LIVE // 1_000
    # Reads and writes of reasons that nobody has seen yet are bounded, the rest is pages of a thousand.
    assert sweep(crowded) < 190 + _LIVE // 1_000


def test_a_lost_message_and_a_lost_runner_are_found_among_them(crowded: MemoryWorld) -> None:
    """Healed in the sweep after the resend time and twice the lease, as with one job alone."""
    world = crowded
    queue = world.account.queues.queues[world.queue()]
    queue.pop()
    world.wait(world.settings.resend_seconds + 2 * world.settings.lease_seconds + 1)
    for number in range(1, _RUNNING):
        uuid = f"00000000-0000-0000-0000-{number:012}"
        node = NodeRow(world.cluster, f"node-{number}", "running", 1, job=uuid)
        world.stores.nodes.report(node)
    before = len(queue)
    report = world.backend.sweeper.sweep()
    assert (report.resent, report.ended, report.faults) == (1, 1, 0)
    assert len(world.account.queues.queues[world.queue()]) == before + 2
    assert world.job("job-000000").state is State.QUEUED
