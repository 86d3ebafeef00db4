"""The table of jobs."""

from dataclasses import replace

import pytest

from shared.errors import ConflictError, LostOwnershipError, NotFoundError, StoreError
from shared.jobs import transitions
from shared.jobs.model import Job, JobError, Outcome, Reason, State, StreamSeal
from shared.names.ids import ClusterId, JobId
from shared.stores.job_table import JobTable
from tests.support.jobs import a_job, after
from tests.support.world import World


def jobs_of(world: World) -> JobTable:
    return world.stores.jobs


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


def test_live_jobs_oldest_first_and_of_one_cluster(world: World) -> None:
    for name, seconds in (("late", 9), ("early", 1), ("middle", 5)):
        jobs_of(world).insert(a_row(world, name, created=after(seconds)))
    elsewhere = ClusterId(world.cluster.workspace, "default2")
    jobs_of(world).insert(replace(a_row(world, "other"), cluster=elsewhere))
    assert [e.id.job for e in jobs_of(world).list_live(world.cluster)] == ["early", "middle", "late"]


def test_a_missing_job_is_none(world: World) -> None:
    assert jobs_of(world).get(world.id("nobody")) is None


def test_a_lease_is_prolonged_over_the_row_as_it_was_read(world: World) -> None:
    table = jobs_of(world)
    job = table.insert(a_row(world, state=State.RUNNING, owner="node-0", attempt=1))
    renewed = table.prolong(job, 30)
    assert table.get(job.id) == replace(renewed, age_seconds=0.0)
    assert (renewed.lease_seconds, renewed.owner) == (30.0, "node-0"), "the other columns stay"
    with pytest.raises(LostOwnershipError):
        table.prolong(job, 30)
    table.delete(replace(renewed, stored_as=State.RUNNING))
    with pytest.raises(NotFoundError):
        table.prolong(renewed, 30)


def test_a_new_run_takes_the_place_of_an_ended_one_once(world: World) -> None:
    table = jobs_of(world)
    job = table.insert(a_row(world))
    ended = table.end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(9)))
    again = table.replace_ended(ended, a_row(world, created=after(20)))
    assert table.get(job.id) == again
    with pytest.raises((LostOwnershipError, ConflictError)):
        table.replace_ended(ended, replace(a_row(world, created=after(21)), uuid="third"))
    assert [run.created for run in table.list_runs(job.id)] == [job.created]
    assert [entry.created for entry in table.list_live(world.cluster)] == [again.created]


def test_a_history_and_a_row_are_removed_and_missing_ones_are_fine(world: World) -> None:
    table = jobs_of(world)
    ended = table.end(transitions.finish(table.insert(a_row(world)), Outcome(Reason.SUCCEEDED, 0), after(9)))
    table.delete_runs(ended.id)
    table.delete_runs(ended.id)
    assert not list(table.list_runs(ended.id))
    with pytest.raises(LostOwnershipError):
        table.delete(replace(ended, etag="W/\"datetime'2020-01-01T00%3A00%3A00Z'\""))
    table.delete(ended)
    table.delete(ended)
    assert table.list_workspace(ended.id.workspace, 10) == []
