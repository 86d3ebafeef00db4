"""The table of jobs."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.errors import ConflictError, LostOwnershipError, NotFoundError, StoreError
from shared.jobs import layouts, transitions
from shared.jobs.model import Job, JobError, Outcome, Reason, State, StreamSeal
from shared.names.ids import ClusterId, JobId
from shared.stores import row_keys
from shared.stores.job_table import TABLE, JobTable
from tests.support.jobs import a_job, after
from tests.support.world import World


def jobs_of(world: World) -> JobTable:
    return world.stores.jobs


def a_row(world: World, name: str = "job", **changes: object) -> Job:
    return a_job(id=world.id(name), cluster=world.cluster, uuid=f"uuid-of-{name}", **changes)


each_later_layout = pytest.mark.parametrize("layout", [layouts.SECOND, layouts.THIRD])
each_layout = pytest.mark.parametrize("layout", [layouts.FIRST, layouts.SECOND, layouts.THIRD])


@each_layout
def test_a_job_comes_back_as_it_was_written(world: World, layout: int) -> None:
    job = a_row(
        world,
        layout=layout,
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


@each_layout
def test_an_end_takes_the_live_entry_in_one_transaction(world: World, layout: int) -> None:
    job = jobs_of(world).insert(a_row(world, layout=layout))
    assert [entry.uuid for entry in jobs_of(world).list_live(world.cluster)] == [job.uuid]
    ended = jobs_of(world).end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(9)))
    assert jobs_of(world).list_live(world.cluster) == []
    assert jobs_of(world).get(job.id) == ended
    history = [replace(run, etag="") for run in jobs_of(world).list_runs(job.id)]
    assert history == ([replace(ended, etag="")] if layout == layouts.FIRST else [])


@each_layout
def test_a_refused_transaction_changes_nothing(world: World, layout: int) -> None:
    job = jobs_of(world).insert(a_row(world, layout=layout))
    jobs_of(world).update(replace(job, attempt=1))
    with pytest.raises(LostOwnershipError):
        jobs_of(world).end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(9)))
    assert len(jobs_of(world).list_live(world.cluster)) == 1
    assert not list(jobs_of(world).list_runs(job.id))


@each_layout
def test_an_ended_row_cannot_be_ended_again(world: World, layout: int) -> None:
    job = jobs_of(world).insert(a_row(world, layout=layout))
    ended = jobs_of(world).end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(9)))
    with pytest.raises(StoreError):
        jobs_of(world).end(ended)


@pytest.mark.parametrize("each", [(1,), (3,), (1, 2, 3)])
def test_pages_of_jobs_by_name(world: World, each: tuple[int, ...]) -> None:
    names = ["a", "A-1", "a_1", "ab", "b", "B2", "c"]
    for number, name in enumerate(names):
        job = a_row(world, name, layout=each[number % len(each)], created=after(-number))
        written = jobs_of(world).insert(job)
        if number % 4 == 3:
            jobs_of(world).end(transitions.finish(written, Outcome(Reason.SUCCEEDED, 0), after(9)))
    other = replace(a_row(world, "x"), id=JobId(world.cluster.workspace, "exp2", "x"))
    jobs_of(world).insert(other)
    workspace, found, last = world.cluster.workspace, [], ""
    while page := jobs_of(world).list_jobs(workspace, "EXP", last, 2):
        assert len(page) <= 2
        found += [job.id.job for job in page]
        last = found[-1]
    assert sorted(found, key=str.lower) == found
    assert sorted(found) == sorted(names)
    shown = jobs_of(world).list_workspace(workspace, 10)
    assert [job.id.job for job in shown] == ["x", *found]
    assert shown == [jobs_of(world).get(job.id) for job in shown]


def test_live_jobs_oldest_first_and_of_one_cluster(world: World) -> None:
    for name, seconds, layout in (("late", 9, 1), ("early", 1, 2), ("middle", 5, 2), ("latest", 10, 3)):
        jobs_of(world).insert(a_row(world, name, created=after(seconds), layout=layout))
    elsewhere = ClusterId(world.cluster.workspace, "default2")
    for layout in (1, 2, 3):
        jobs_of(world).insert(replace(a_row(world, f"other-{layout}", layout=layout), cluster=elsewhere))
    here = ClusterId(world.cluster.workspace.upper(), world.cluster.cluster.upper())
    jobs_of(world).insert(replace(a_row(world, "shouted", created=after(20), layout=3), cluster=here))
    names = ["early", "middle", "late", "latest", "shouted"]
    assert [e.id.job for e in jobs_of(world).list_live(world.cluster)] == names
    assert [e.id.job for e in jobs_of(world).list_live(world.cluster, most=2)] == names[:2]
    of_all = jobs_of(world).list_live_of_workspace(world.cluster.workspace)
    assert {e.id.job for e in of_all} == {*names, "other-1", "other-2", "other-3"}
    assert [e.layout for e in of_all if e.id.job in ("middle", "late", "latest")] == [2, 1, 3]
    assert all(e.etag for e in of_all)


def test_live_entries_are_those_of_their_rows(world: World) -> None:
    table = jobs_of(world)
    for layout in range(layouts.FIRST, layouts.LATEST + 1):
        name = f"job-{layout}"
        table.update(replace(table.insert(a_row(world, name, layout=layout)), owner="node-0", attempt=1))
    found = table.list_live(world.cluster)
    assert [(entry.owner, entry.attempt) for entry in found] == [("node-0", 1)] * 3
    assert sorted(entry.layout for entry in found) == [1, 2, 3]
    assert 0 <= found[-1].age_seconds < 60


def test_whether_a_job_of_the_first_layout_lives(world: World) -> None:
    table = jobs_of(world)
    table.insert(a_row(world, layout=layouts.LATEST))
    assert not table.has_first_layout(world.cluster.workspace)
    table.insert(a_row(world, "other"))
    assert table.has_first_layout(world.cluster.workspace)


@each_later_layout
def test_a_job_falls_back_to_the_first_layout_as_it_was_read(world: World, layout: int) -> None:
    table = jobs_of(world)
    job = table.insert(a_row(world, layout=layout))
    former = table.fall_back(job)
    assert table.get(job.id) == former == replace(job, layout=layouts.FIRST, etag=former.etag)
    assert [entry.layout for entry in table.list_live(world.cluster)] == [layouts.FIRST]
    with pytest.raises(LostOwnershipError):
        table.fall_back(job)
    table.end(transitions.finish(former, Outcome(Reason.SUCCEEDED, 0), after(9)))
    assert table.list_live(world.cluster) == []


@each_later_layout
def test_a_live_entry_that_was_written_since_is_not_dropped(world: World, layout: int) -> None:
    table = jobs_of(world)
    job = table.insert(a_row(world, layout=layout))
    [entry] = table.list_live(world.cluster)
    table.update(replace(job, attempt=1))
    table.drop_live_entry(entry)
    [entry] = table.list_live(world.cluster)
    table.drop_live_entry(entry)
    table.drop_live_entry(entry)
    assert table.list_live(world.cluster) == []


def test_a_missing_job_is_none(world: World) -> None:
    assert jobs_of(world).get(world.id("nobody")) is None


@each_layout
def test_a_lease_is_prolonged_over_the_row_as_it_was_read(world: World, layout: int) -> None:
    table = jobs_of(world)
    job = table.insert(a_row(world, state=State.RUNNING, owner="node-0", attempt=1, layout=layout))
    renewed = table.prolong(job, 30)
    assert table.get(job.id) == replace(renewed, age_seconds=0.0)
    assert (renewed.lease_seconds, renewed.owner) == (30.0, "node-0"), "the other columns stay"
    with pytest.raises(LostOwnershipError):
        table.prolong(job, 30)
    table.delete(replace(renewed, stored_as=State.RUNNING))
    with pytest.raises(LostOwnershipError if layout == layouts.THIRD else NotFoundError):
        table.prolong(renewed, 30)
    assert table.get(job.id) is None


@each_layout
@pytest.mark.parametrize("write", [JobTable.update, JobTable.fall_back, JobTable.end, JobTable.prolong])
def test_who_writes_a_job_as_it_was_is_refused_whole(
    world: World, layout: int, write: Callable[..., Job]
) -> None:
    """While it lives, and when it has ended meanwhile."""
    table = jobs_of(world)
    read = table.insert(a_row(world, layout=layout))
    wanted = transitions.finish(read, Outcome(Reason.SUCCEEDED, 0), after(9))
    now = table.update(replace(read, attempt=1))
    arguments = {JobTable.prolong: (read, 30.0), JobTable.end: (wanted,)}.get(write, (read,))
    with pytest.raises(LostOwnershipError):
        write(table, *arguments)
    assert (table.get(read.id), len(table.list_live(world.cluster))) == (now, 1)
    ended = table.end(transitions.finish(now, Outcome(Reason.JOB_FAILED, 1), after(8)))
    with pytest.raises(LostOwnershipError):
        write(table, *arguments)
    assert (table.get(read.id), table.list_live(world.cluster)) == (ended, [])


def test_a_name_points_at_a_job_of_the_third_layout_while_it_lives(world: World) -> None:
    """Another process pays a second call once; who has written or found it pays none, and who knows where its
    entry lies neither."""
    table, other = jobs_of(world), JobTable(world.backend.connection)
    job = table.insert(a_row(world, layout=layouts.THIRD))
    [entry] = table.list_live(world.cluster)

    def calls(read: Callable[[], Job | None], wanted: Job) -> int:
        world.counter.reset()
        assert read() == wanted
        return int(world.counter.snapshot().total())

    fresh = JobTable(world.backend.connection)
    assert calls(lambda: fresh.get(job.id, entry.row_key), job) == 1
    assert [calls(lambda t=t: t.get(job.id), job) for t in (table, other, other)] == [1, 2, 1]  # type: ignore[misc]
    ended = table.end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(9)))
    assert [calls(lambda t=t: t.get(job.id), ended) for t in (table, other, other)] == [1, 2, 1]  # type: ignore[misc]
    assert calls(lambda: fresh.get(job.id, entry.row_key), ended) == 2
    again = table.replace_ended(ended, replace(a_row(world, created=after(20)), uuid="second", layout=3))
    assert [calls(lambda t=t: t.get(job.id), again) for t in (table, other)] == [1, 2]  # type: ignore[misc]


def test_a_job_that_has_begun_another_run_since_its_name_was_read_is_that_run(world: World) -> None:
    """Between the two calls of a look."""
    table = jobs_of(world)
    job = table.insert(a_row(world, layout=layouts.THIRD))
    client = world.backend.connection.tables.get_table_client(TABLE)
    key = (row_keys.partition(job.id.workspace), row_keys.job_row(job.id))
    old = client.get_entity(*key)
    ended = table.end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(9)))
    assert list(table.jobs([old])) == [ended]
    again = table.replace_ended(ended, replace(a_row(world, created=after(20)), uuid="second", layout=3))
    assert [found.uuid for found in table.jobs([old])] == [again.uuid]
    table.delete(table.end(transitions.finish(again, Outcome(Reason.SUCCEEDED, 0), after(29))))
    assert list(table.jobs([old])) == []


@pytest.mark.parametrize("size", [70_000, 400_000])
def test_a_large_document_is_whole_in_a_live_entry_that_is_the_job(world: World, size: int) -> None:
    table = jobs_of(world)
    job = table.insert(a_row(world, layout=layouts.THIRD, properties='{"a": "' + "x" * size + '"}'))
    table.end(transitions.finish(table.update(replace(job, attempt=1)), Outcome(Reason.SUCCEEDED), after(9)))
    found = table.get(job.id)
    assert found and found.properties == job.properties


@each_layout
def test_a_new_run_takes_the_place_of_an_ended_one_once(world: World, layout: int) -> None:
    table = jobs_of(world)
    job = table.insert(a_row(world, layout=layout))
    ended = table.end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(9)))
    again = table.replace_ended(ended, a_row(world, created=after(20), layout=layout))
    assert table.get(job.id) == again
    with pytest.raises((LostOwnershipError, ConflictError)):
        table.replace_ended(ended, replace(a_row(world, created=after(21)), uuid="third"))
    assert [run.created for run in table.list_runs(job.id)] == [job.created]
    assert [entry.created for entry in table.list_live(world.cluster)] == [again.created]


@each_layout
def test_a_history_and_a_row_are_removed_and_missing_ones_are_fine(world: World, layout: int) -> None:
    table = jobs_of(world)
    first = transitions.finish(table.insert(a_row(world)), Outcome(Reason.SUCCEEDED, 0), after(9))
    again = table.replace_ended(table.end(first), a_row(world, created=after(20), layout=layout))
    ended = table.end(transitions.finish(again, Outcome(Reason.SUCCEEDED, 0), after(29)))
    assert next(table.list_runs(ended.id)).created == first.created
    table.delete_runs(ended.id)
    table.delete_runs(ended.id)
    assert not list(table.list_runs(ended.id))
    with pytest.raises(LostOwnershipError):
        table.delete(replace(ended, etag="W/\"datetime'2020-01-01T00%3A00%3A00Z'\""))
    table.delete(ended)
    table.delete(ended)
    assert table.list_workspace(ended.id.workspace, 10) == []
