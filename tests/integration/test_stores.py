"""The stores against a real Azurite: what they promise, whatever is built on them."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from local.azurite import Endpoints
from shared.errors import ConflictError, LostOwnershipError, StoreError
from shared.jobs import transitions
from shared.jobs.model import Job, JobError, Outcome, Reason, State, StreamSeal
from shared.jobs.waiting_reason import is_alive
from shared.names.ids import ClusterId, JobId
from shared.settings import Settings
from shared.stores.cluster_table import NodeRow
from shared.stores.connection import Connection
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable
from tests.support.jobs import a_job, after
from tests.support.wire import WiredStorage
from tests.support.world import World, settings_for
from tests.support.world import world as open_world


def jobs_of(world: World) -> JobTable:
    table: JobTable = world.manager.jobs
    return table


def a_row(world: World, name: str = "job", **changes: object) -> Job:
    return a_job(id=world.id(name), cluster=world.cluster, uuid=f"uuid-of-{name}", **changes)


def test_a_job_comes_back_as_it_was_written(world: World) -> None:
    job = a_row(
        world,
        created=after(0.123456),
        state=State.FAILED,
        attempt=2,
        owner="node-0",
        message_id="m",
        started=after(1.000001),
        ended=after(2.999999),
        exit_code=-3,
        errors=(JobError("Code", "text with 'quotes' and ünicode", (("name", "value"),)),),
        seals=(StreamSeal("stdout.txt", 2**40, "ab", False),),
        properties='{"a": "' + "x" * 70_000 + '"}',
        problems='[{"a": 1}]',
    )
    written = jobs_of(world).insert(job)
    read = jobs_of(world).get(job.id)
    assert read == written
    assert read == replace(job, etag=written.etag)


def test_a_name_is_taken_once_whatever_its_case(world: World) -> None:
    jobs_of(world).insert(a_row(world))
    other = replace(a_row(world), id=JobId(world.cluster.workspace.upper(), "EXP", "JOB"), uuid="other")
    with pytest.raises(ConflictError):
        jobs_of(world).insert(other)


def test_eight_writers_of_one_row_and_one_wins(world: World) -> None:
    job = jobs_of(world).insert(a_row(world))
    start = threading.Barrier(8)

    def write(number: int) -> str:
        start.wait()
        try:
            jobs_of(world).update(transitions.claim(job, f"node-{number}", f"m-{number}", after(1)))
        except LostOwnershipError:
            return "lost"
        return f"node-{number}"

    with ThreadPoolExecutor(8) as pool:
        results = Counter(pool.map(write, range(8)))
    assert results["lost"] == 7
    found = jobs_of(world).get(job.id)
    assert found is not None
    assert results[str(found.owner)] == 1


def test_an_end_takes_the_live_entry_and_leaves_a_history_in_one_transaction(world: World) -> None:
    job = jobs_of(world).insert(a_row(world))
    assert [entry.uuid for entry in jobs_of(world).list_live(world.cluster)] == [job.uuid]
    ended = jobs_of(world).end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(9)))
    assert jobs_of(world).list_live(world.cluster) == []
    assert [replace(run, etag="") for run in jobs_of(world).list_runs(job.id)] == [replace(ended, etag="")]


def test_a_refused_transaction_changes_nothing(world: World) -> None:
    job = jobs_of(world).insert(a_row(world))
    jobs_of(world).update(replace(job, attempt=1))
    with pytest.raises(LostOwnershipError):
        jobs_of(world).end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(9)))
    assert len(jobs_of(world).list_live(world.cluster)) == 1
    assert not list(jobs_of(world).list_runs(job.id))


def test_an_ended_row_cannot_be_ended_again(world: World) -> None:
    job = jobs_of(world).insert(a_row(world))
    ended = jobs_of(world).end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(9)))
    with pytest.raises(StoreError):
        jobs_of(world).end(ended)


def test_pages_of_jobs_by_name(world: World) -> None:
    names = ["a", "A-1", "a_1", "ab", "b", "B2", "c"]
    for name in names:
        jobs_of(world).insert(a_row(world, name))
    other = replace(a_row(world, "x"), id=JobId(world.cluster.workspace, "exp2", "x"))
    jobs_of(world).insert(other)
    workspace, found, last = world.cluster.workspace, [], ""
    while page := jobs_of(world).list_jobs(workspace, "EXP", last, 2):
        assert len(page) <= 2
        found += [job.id.job for job in page]
        last = found[-1]
    assert sorted(found, key=str.lower) == found
    assert sorted(found) == sorted(names)


def test_as_many_jobs_as_a_caller_likes_can_be_asked_for(azurite: Endpoints, installation: str) -> None:
    """The service refuses pages of more than 1000; Azurite does not, so the request itself is looked at."""
    with WiredStorage(azurite) as wires, open_world(settings_for(wires.connection_string)) as world:
        jobs_of(world).insert(a_row(world))
        assert len(jobs_of(world).list_jobs(world.cluster.workspace, "exp", most=1001)) == 1
        asked = [path for _, path in wires.table.seen if "top" in path]
    assert asked
    assert all("top=1000" in path for path in asked)


def test_live_jobs_oldest_first_and_of_one_cluster(world: World) -> None:
    for name, seconds in (("late", 9), ("early", 1), ("middle", 5)):
        jobs_of(world).insert(a_row(world, name, created=after(seconds)))
    elsewhere = ClusterId(world.cluster.workspace, "default2")
    jobs_of(world).insert(replace(a_row(world, "other"), cluster=elsewhere))
    assert [e.id.job for e in jobs_of(world).list_live(world.cluster)] == ["early", "middle", "late"]


def test_a_missing_job_is_none(world: World) -> None:
    assert jobs_of(world).get(world.id("nobody")) is None


def queues_of(world: World) -> JobQueues:
    queues: JobQueues = world.manager.queues
    return queues


def test_a_message_says_which_run_and_no_more(world: World) -> None:
    job = a_row(world, "job", priority="high", attempt=2)
    queues_of(world).send(job)
    message = queues_of(world).receive(world.queue("high"), 30)
    assert message is not None
    assert (message.job, message.uuid, message.attempt, message.dequeue_count) == (job.id, job.uuid, 2, 1)
    assert queues_of(world).receive(world.queue("high"), 30) is None, "it is hidden"
    assert queues_of(world).receive(world.queue("low"), 30) is None


def test_messages_never_expire(world: World) -> None:
    queues_of(world).send(a_row(world))
    peeked = queues_of(world)._client(world.queue()).peek_messages()
    assert peeked[0].expires_on.year == 9999


def test_each_renewal_makes_the_earlier_receipt_worthless(world: World) -> None:
    queues, queue = queues_of(world), world.queue()
    queues.send(a_row(world))
    message = queues.receive(queue, 30)
    assert message is not None
    renewed = queues.renew(queue, message.message_id, message.pop_receipt, 30)
    with pytest.raises(LostOwnershipError):
        queues.renew(queue, message.message_id, message.pop_receipt, 30)
    with pytest.raises(LostOwnershipError):
        queues.delete(queue, message.message_id, message.pop_receipt)
    queues.renew(queue, message.message_id, renewed, 0)
    again = queues.receive(queue, 30)
    assert again is not None
    assert (again.message_id, again.dequeue_count) == (message.message_id, 2)
    with pytest.raises(LostOwnershipError):
        queues.delete(queue, message.message_id, renewed)
    queues.delete(queue, again.message_id, again.pop_receipt)
    with pytest.raises(LostOwnershipError):
        queues.delete(queue, again.message_id, again.pop_receipt)


def test_queues_are_made_once_and_again(world: World) -> None:
    queues_of(world).provision(world.cluster)
    assert queues_of(world).count(world.cluster) == 0


def test_a_queue_that_is_missing_is_a_store_error(world: World) -> None:
    with pytest.raises(StoreError):
        queues_of(world).receive("jobs-nobody-made-this-one", 30)


def test_nodes_are_judged_by_the_service_clock(world: World) -> None:
    table = world.backend.clusters.table
    node = NodeRow(world.cluster, "node-0", "idle", 2, "10.0.0.4", job="u", detail="d", version="1")
    table.report(node)
    nodes, service_time = table.nodes(world.cluster)
    assert [replace(n, heard=None) for n in nodes] == [node]
    assert is_alive(nodes[0].heard, service_time, 5)
    table.forget(node)
    assert table.nodes(world.cluster)[0] == []
    table.forget(node)


def test_storage_that_cannot_be_reached_is_a_store_error() -> None:
    text = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:9/a;"
    connection = Connection(Settings(storage=text))
    connection.__dict__["tables"] = connection.tables.__class__.from_connection_string(text, retry_total=0)
    try:
        with pytest.raises(StoreError, match="could not be reached"):
            JobTable(connection).get(JobId("w", "e", "j"))
    finally:
        connection.close()
