"""Earlier and present runners side by side: which jobs are claimed by whom, and what is mended."""

import json

import pytest

from shared.errors import NotFoundError, UnreadableError
from shared.jobs import layouts, transitions
from shared.jobs.model import Job, Outcome, Reason, State
from shared.managers.job_layouts import JobLayouts
from shared.stores import job_table, node_table, row_keys
from shared.stores.job_lists import JobFilter
from shared.stores.node_table import NodeRow
from tests.support.earlier_jobs import EarlierJobs
from tests.support.memory.world import MemoryWorld, memory_world

OLD = "an earlier runner"


@pytest.fixture
def world() -> MemoryWorld:
    """A lease of 60 s."""
    return memory_world()


@pytest.fixture
def earlier(world: MemoryWorld) -> EarlierJobs:
    return EarlierJobs(world.backend.connection)


def heard(world: MemoryWorld, node: str = OLD, layout: int = layouts.FIRST, state: str = "idle") -> None:
    """A runner is alive; an earlier one writes no layout, which is the first one."""
    world.stores.nodes.report(NodeRow(world.cluster, node, state, 0, layout=layout))


def accepted_in_the_second_layout(world: MemoryWorld) -> Job:
    """By an app of which the runners know no later one."""
    heard(world, "node-0", layouts.SECOND)
    job = world.accept()
    assert job.layout == layouts.SECOND
    return job


def claim(world: MemoryWorld, earlier: EarlierJobs, owner: str = OLD) -> Job:
    """As an earlier runner claims."""
    found = earlier.get(world.id())
    earlier.update(transitions.claim(found, owner, "m", world.clock(), (), 60), found.state)
    return earlier.get(world.id())


def end(world: MemoryWorld, earlier: EarlierJobs) -> Job:
    found = earlier.get(world.id())
    earlier.end(transitions.finish(found, Outcome(Reason.SUCCEEDED, 0), world.clock()), found.state)
    return world.job()


def rows(world: MemoryWorld) -> list[str]:
    """The kinds of rows that are there: the first word of their keys, with the state or whether live entries
    are of a cluster."""
    table = world.account.tables.get_table_client(job_table.TABLE)
    return sorted(_kind(*entity["RowKey"].split("|")) for entity in table.list_entities())


def _kind(first: str, second: str, third: str, *_: str) -> str:
    more = {"state": f" {third}", "live": " of cluster" if second else ""}
    return first + more.get(first, "")


def listed(world: MemoryWorld, state: State) -> int:
    return len(world.backend.lists.page(world.id().workspace, "exp", JobFilter(state), "", 10).jobs)


QUEUED = ["job", "live", "time"]


def test_without_earlier_runners_jobs_have_the_latest_layout(world: MemoryWorld) -> None:
    assert world.accept().layout == layouts.LATEST
    assert rows(world) == QUEUED
    world.finish(world.must_claim())
    assert rows(world) == ["job", "time"]


def test_without_runners_of_the_third_layout_jobs_have_the_second(world: MemoryWorld) -> None:
    heard(world, "node-1", layouts.LATEST)
    accepted_in_the_second_layout(world)
    assert rows(world) == QUEUED
    world.finish(world.must_claim())
    assert rows(world) == ["job", "state succeeded", "time"]


def test_a_runner_of_a_version_to_come_is_no_reason_for_a_layout_that_is_not_known(
    world: MemoryWorld,
) -> None:
    heard(world, layout=layouts.LATEST + 1)
    assert world.accept().layout == layouts.LATEST


def test_while_an_earlier_runner_lives_jobs_have_what_it_looks_for(
    world: MemoryWorld, earlier: EarlierJobs
) -> None:
    heard(world)
    heard(world, "node-1", layouts.LATEST)
    assert world.accept().layout == layouts.FIRST
    assert claim(world, earlier).owner == OLD
    assert end(world, earlier).state is State.SUCCEEDED
    assert len(world.manager.runs(world.id())) == 1
    assert listed(world, State.SUCCEEDED) == 1
    assert not world.manager.live(world.cluster)


def test_a_present_runner_finishes_a_job_of_the_first_layout(world: MemoryWorld) -> None:
    heard(world)
    world.accept()
    assert world.finish(world.must_claim()).layout == layouts.FIRST
    assert rows(world) == ["job", "run", "state succeeded", "time"]


@pytest.mark.parametrize("gone", ["silent", "drained", "left"])
def test_a_runner_that_claims_no_more_does_not_count(world: MemoryWorld, gone: str) -> None:
    heard(world)
    if gone == "silent":
        world.clock.move(200)
    if gone == "drained":
        world.stores.nodes.mark_drain(world.cluster, OLD, True)
    if gone == "left":
        world.stores.nodes.report(NodeRow(world.cluster, OLD, "leaving", 0, layout=1, left=True))
    assert world.accept().layout == layouts.LATEST


def test_the_runners_of_a_cluster_are_looked_at_once_a_minute(world: MemoryWorld) -> None:
    def looks(name: str) -> int:
        return len([c for c in world.calls(lambda: world.accept(name)) if c.name.startswith("nodes")])

    def queries(name: str) -> int:
        return sum(call.verb == "query" for call in world.calls(lambda: world.accept(name)))

    first = queries("first")
    assert queries("second") < first
    heard(world)
    assert world.accept("third").layout == layouts.LATEST, "up to a minute late"
    world.clock.move(61)
    heard(world)
    assert world.accept("fourth").layout == layouts.FIRST
    assert looks("fifth") == 0


def test_an_earlier_runner_cannot_claim_the_latest_layout_and_changes_nothing(
    world: MemoryWorld, earlier: EarlierJobs
) -> None:
    before = accepted_in_the_second_layout(world)
    with pytest.raises(NotFoundError):
        claim(world, earlier)
    assert (world.job(), rows(world)) == (before, QUEUED)


def test_an_earlier_runner_finds_no_job_where_a_name_points_at_one(
    world: MemoryWorld, earlier: EarlierJobs
) -> None:
    """Nor in what a message carries: it would write its claim where the name is, over a row whose ETag may be
    that of the job."""
    job = world.accept()
    with pytest.raises(UnreadableError):
        earlier.get(job.id)
    message = world.receive()
    assert message and json.loads(message.carried.partition(" ")[2])["v"] == 2


def test_a_running_job_that_an_earlier_runner_cannot_find_is_handed_on_to_it(
    world: MemoryWorld, earlier: EarlierJobs
) -> None:
    """Its own runner is gone for twice the lease, as where a message is lost."""
    world.accept()
    world.must_claim()
    for _ in range(4):
        world.clock.move(61)
        heard(world)
        world.backend.sweeper.sweep()
    assert (world.job().state, world.job().layout) == (State.QUEUED, layouts.FIRST)
    assert claim(world, earlier).attempt == 2
    assert end(world, earlier).state is State.SUCCEEDED


def test_an_app_from_before_the_third_layout_reads_of_runners_that_they_know_the_second(
    world: MemoryWorld,
) -> None:
    """It would write rows of the second, and call them what it has read here."""
    heard(world, layout=layouts.LATEST)
    table = world.account.tables.get_table_client(node_table.TABLE)
    row = table.get_entity(row_keys.cluster_partition(world.cluster), OLD)
    assert (row["Layout"], row["LatestLayout"]) == ("2|None", "3|None")


def test_a_sweep_makes_jobs_claimable_for_an_earlier_runner_that_comes_up(
    world: MemoryWorld, earlier: EarlierJobs
) -> None:
    world.accept()
    assert world.backend.sweeper.sweep().faults == 0
    assert world.job().layout == layouts.LATEST
    heard(world)
    world.backend.sweeper.sweep()
    assert world.job().layout == layouts.FIRST
    assert rows(world) == ["job", "live of cluster", "state queued", "time"]
    assert claim(world, earlier).attempt == 1
    assert listed(world, State.RUNNING) == 1
    assert end(world, earlier).state is State.SUCCEEDED
    assert rows(world) == ["job", "run", "state succeeded", "time"]


def test_a_sweep_leaves_claimed_jobs_and_such_as_others_write_alone(world: MemoryWorld) -> None:
    world.accept()
    heard(world)
    world.faults.meanwhile(
        lambda call: call.verb == "transaction", lambda: world.stores.jobs.update(world.job())
    )
    world.backend.sweeper.sweep()
    assert world.job().layout == layouts.LATEST, "written by somebody else meanwhile"
    held = world.must_claim()
    heard(world)
    world.backend.sweeper.sweep()
    assert world.job().layout == layouts.LATEST
    assert world.finish(held).state is State.SUCCEEDED


def taken_over(world: MemoryWorld, earlier: EarlierJobs) -> Job:
    """A job of the second layout that a present runner ran, until an earlier one took it over."""
    accepted_in_the_second_layout(world)
    world.must_claim()
    world.clock.move(61)
    heard(world)
    return claim(world, earlier)


def test_a_job_that_an_earlier_runner_took_over_is_one_job_of_the_first_layout(
    world: MemoryWorld, earlier: EarlierJobs
) -> None:
    taken = taken_over(world, earlier)
    assert world.job().layout == layouts.FIRST, "what is carried along is not believed"
    [entry] = world.manager.live(world.cluster)
    assert (entry.owner, entry.attempt, entry.layout) == (taken.owner, 2, layouts.FIRST)
    assert listed(world, State.RUNNING) == 1
    assert [e.uuid for e in world.manager.live_of_workspace(world.id().workspace)] == [taken.uuid]


def test_what_a_takeover_left_behind_is_removed_by_a_sweep(world: MemoryWorld, earlier: EarlierJobs) -> None:
    taken_over(world, earlier)
    assert end(world, earlier).state is State.SUCCEEDED
    assert len(world.manager.live(world.cluster)) == 1, "nobody runs it"
    world.clock.move(61)
    assert world.backend.sweeper.sweep().faults == 0
    assert not world.manager.live(world.cluster)
    assert world.job().state is State.SUCCEEDED
    assert rows(world) == ["job", "run", "state succeeded", "time"]


def test_an_earlier_runner_hands_back_and_a_present_one_continues(
    world: MemoryWorld, earlier: EarlierJobs
) -> None:
    taken = taken_over(world, earlier)
    outcome = Outcome(Reason.RUNNER_LOST, message="lost")
    earlier.update(transitions.requeue(taken, outcome, world.clock()), taken.state)
    assert (world.job().layout, world.job().state) == (layouts.FIRST, State.QUEUED)
    world.stores.queues.send(world.job())
    assert world.finish(world.must_claim()).state is State.SUCCEEDED
    assert listed(world, State.SUCCEEDED) == 1


def test_an_entry_is_left_alone_while_its_job_has_it(world: MemoryWorld) -> None:
    world.accept()
    world.must_claim()
    [entry] = world.manager.live(world.cluster)
    JobLayouts(world.stores.jobs, world.backend.clusters, world.clock.monotonic).drop_if_left_behind(entry)
    assert world.manager.live(world.cluster) == [entry]


def test_an_earlier_runner_under_the_name_of_a_present_one_is_an_earlier_one(world: MemoryWorld) -> None:
    """It leaves the column as it was, and writes others."""
    row = NodeRow(world.cluster, "node-0", "idle", 0, state_seconds=12.5)
    world.stores.nodes.report(row)
    found = world.stores.nodes.node(world.cluster, "node-0")
    assert found and found[0].layout == layouts.LATEST
    world.stores.nodes.wake_up(world.cluster, "node-0")
    assert world.accept("one").layout == layouts.LATEST
    key = {"PartitionKey": row_keys.cluster_partition(world.cluster), "RowKey": "node-0"}
    table = world.account.tables.get_table_client(node_table.TABLE)
    table.update_entity({**key, "State": "idle", "StateSeconds": 0.5})
    world.clock.move(61)
    table.update_entity({**key, "State": "idle", "StateSeconds": 61.5})
    assert world.accept("two").layout == layouts.FIRST


def test_a_row_of_a_newer_version_keeps_its_entry(world: MemoryWorld) -> None:
    world.accept()
    [entry] = world.manager.live(world.cluster)
    key = {"PartitionKey": row_keys.partition(world.id().workspace), "RowKey": row_keys.job_row(world.id())}
    table = world.account.tables.get_table_client(job_table.TABLE)
    table.update_entity({**key, "Events": '{"in": "another form"}'})
    JobLayouts(world.stores.jobs, world.backend.clusters, world.clock.monotonic).drop_if_left_behind(entry)
    assert rows(world) == QUEUED
