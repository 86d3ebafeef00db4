"""Retention: what is removed, what stays, what it costs, and that it can end anywhere."""

from datetime import timedelta

import pytest

from shared.errors import UnreadableError
from shared.jobs.model import Job, State
from shared.managers import retention
from shared.managers.admission import Source
from shared.stores import job_table
from tests.support.examples import examples
from tests.support.memory.faults import Call
from tests.support.memory.many_days import DAY, held, many_days, turns, world_that_keeps
from tests.support.memory.world import MemoryWorld, every_crash, memory_world
from tests.support.world import document

KEEP_DAYS = 7.0


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world(keep_days=KEEP_DAYS)


def drop(world: MemoryWorld, name: str = "job", number: int = 0) -> None:
    data = document(f"echo {number}")
    path = f"{world.id(name)}/job.json"
    client = world.backend.connection.blobs.get_blob_client(world.settings.jobs_container, path)
    client.upload_blob(data, overwrite=True)
    world.accept(name, data, str(client.get_blob_properties().etag).strip('"'))


def run(world: MemoryWorld, name: str = "job", number: int = 0) -> Job:
    """A job from its drop to its end."""
    drop(world, name, number)
    return world.finish(world.must_claim())


def rows(world: MemoryWorld) -> list[str]:
    table = world.account.tables.get_table_client(job_table.TABLE)
    return sorted(str(entity["RowKey"]) for entity in table.list_entities())


def documents(world: MemoryWorld) -> set[str]:
    """Everything in the drop container and what was accepted for jobs."""
    accepted = world.account.blobs.of(world.settings.accepted_container)
    kept = {name for name in accepted if not name.startswith("cluster-")}
    return kept | set(world.account.blobs.of(world.settings.jobs_container))


def removed_in(world: MemoryWorld, count: int = 3) -> int:
    return sum(world.backend.keeping.rows.turn() for _ in range(count))


def test_off_nothing_is_looked_at() -> None:
    world = memory_world()
    run(world)
    world.clock.move(1000 * DAY)
    assert (
        world.calls(lambda: (world.backend.keeping.rows.turn(), world.backend.keeping.jobless.turn())) == []
    )
    assert world.job().state is State.SUCCEEDED


def test_of_a_job_that_ended_long_ago_nothing_is_left(world: MemoryWorld) -> None:
    run(world)
    world.clock.move((KEEP_DAYS + 0.1) * DAY)
    run(world, "later")
    kept = rows(world)
    assert removed_in(world) == 1
    assert world.job_or_none() is None
    assert [key for key in kept if "later" in key] and len(rows(world)) == 2
    assert not [name for name in documents(world) if "/job/" in name]
    assert world.status("later")["state"] == "succeeded"


def test_a_live_job_stays_however_old(world: MemoryWorld) -> None:
    world.accept("waiting")
    world.accept("running")
    world.must_claim()
    world.clock.move(100 * DAY)
    before = rows(world)
    assert removed_in(world) == 0
    assert rows(world) == before


def test_a_job_that_took_long_is_kept_from_its_end_on(world: MemoryWorld) -> None:
    world.accept()
    world.clock.move((KEEP_DAYS + 1) * DAY)
    world.finish(world.must_claim())
    assert removed_in(world) == 0
    world.clock.move((KEEP_DAYS + 0.1) * DAY)
    assert removed_in(world) == 1
    assert rows(world) == [] and documents(world) == set()


def test_earlier_runs_go_one_by_one_while_the_name_is_used(world: MemoryWorld) -> None:
    for number in range(3):
        run(world, number=number)
        world.clock.move(3 * DAY)
    assert len(world.manager.runs(world.id())) == 3
    assert removed_in(world) == 1
    assert len(world.manager.runs(world.id())) == 2
    assert world.status()["state"] == "succeeded"
    accepted = [name for name in documents(world) if "/" not in name]
    assert len(accepted) == 2
    world.clock.move((KEEP_DAYS + 1) * DAY)
    assert removed_in(world) == 2, "one earlier run, and the latest"
    assert rows(world) == [] and documents(world) == set()


def test_an_earlier_run_from_another_place_takes_its_drop_along(world: MemoryWorld) -> None:
    place = f"{world.settings.jobs_container}/exp/job/job.json"
    data = document("echo other")
    world.backend.documents.put_dropped(place, {})
    _, etag = world.backend.documents.read_dropped(place) or (b"", "")
    world.manager.submit(world.id(), data, Source(place, etag.strip('"')))
    world.finish(world.must_claim())
    world.clock.move((KEEP_DAYS + 1) * DAY)
    run(world, number=2)
    assert removed_in(world) == 1
    assert not [name for name in documents(world) if name.startswith("exp/")]


def test_a_document_that_was_dropped_since_stays(world: MemoryWorld) -> None:
    run(world)
    world.clock.move((KEEP_DAYS + 1) * DAY)
    world.backend.documents.put_dropped(world.place(), {"another": "one"})
    assert removed_in(world) == 1
    assert documents(world) == {f"{world.id()}/job.json"}


def test_a_run_that_took_the_name_after_it_was_listed_stays_whole(world: MemoryWorld) -> None:
    run(world)
    world.clock.move((KEEP_DAYS + 1) * DAY)

    def reads_the_row(call: Call) -> bool:
        return call.service == "table" and call.verb == "get" and call.name.startswith("jobs")

    world.faults.meanwhile(reads_the_row, lambda: drop(world, number=1))
    assert removed_in(world, 1) == 0
    assert (world.job().state, world.status()["state"]) == (State.QUEUED, "queued")
    assert len([name for name in documents(world) if "/" not in name]) == 2, "of both runs"


def test_a_run_that_takes_the_name_meanwhile_keeps_its_answer(world: MemoryWorld) -> None:
    """It is submitted after the old row was read, before that row is removed."""
    run(world)
    world.clock.move((KEEP_DAYS + 1) * DAY)

    def removes_the_row(call: Call) -> bool:
        return call.service == "table" and call.verb == "transaction"

    world.faults.meanwhile(removes_the_row, lambda: world.accept(data=document("echo new"), etag="0xnew"))
    removed_in(world)
    assert world.job().state is State.QUEUED
    assert world.status()["state"] == "queued"


@pytest.mark.parametrize("verb", ["get", "delete", "transaction"])
def test_a_run_that_takes_the_name_while_somebody_deletes_the_old_one_keeps_its_answer(
    world: MemoryWorld, verb: str
) -> None:
    """A person's deletion: whenever the new run comes, between any two of its calls."""
    run(world)

    def meant(call: Call) -> bool:
        about = call.name.endswith("status.json") or call.service == "table"
        return call.verb == verb and about and call.service == ("table" if verb == "transaction" else "blob")

    world.faults.meanwhile(meant, lambda: world.accept(data=document("echo new"), etag="0xnew"))
    world.manager.delete(world.id())
    assert (world.job().state, world.status()["state"]) == (State.QUEUED, "queued")
    assert world.status()["uuid"] == world.job().uuid


def test_a_status_that_answers_another_document_stays(world: MemoryWorld) -> None:
    run(world)
    refused(world, f"{world.id()}/job.json")
    world.manager.delete(world.id())
    assert world.status()["state"] == "refused"


def test_a_status_that_nobody_can_read_is_removed(world: MemoryWorld) -> None:
    run(world)
    path = f"{world.id()}/status.json"
    client = world.backend.connection.blobs.get_blob_client(world.settings.jobs_container, path)
    client.upload_blob(b"no JSON", overwrite=True)
    world.manager.delete(world.id())
    assert documents(world) == set()


def test_what_a_newer_version_wrote_keeps_nobody_from_the_others(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(world, "a")
    run(world, "b", 1)
    world.clock.move((KEEP_DAYS + 1) * DAY)
    store = world.backend.keeping.rows._jobs
    get = store.get

    def unreadable(job: object) -> Job | None:
        if str(job).endswith("/a"):
            raise UnreadableError("a newer version's")
        return get(job)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "get", unreadable)
    assert removed_in(world) == 1
    monkeypatch.undo()
    assert world.job_or_none("a") and not world.job_or_none("b")


def test_while_storage_is_away_nothing_happens_and_later_everything(world: MemoryWorld) -> None:
    run(world)
    world.clock.move((KEEP_DAYS + 1) * DAY)
    world.faults.refuse(lambda call: call.service == "table", 500, "InternalError", times=20)
    assert removed_in(world, 1) == 0
    world.faults.heal()
    world.clock.move(3600)
    assert removed_in(world) == 1


def test_a_process_may_end_at_any_call(world: MemoryWorld) -> None:
    """The next round does the rest, and what was kept is whole."""

    def made() -> MemoryWorld:
        world = memory_world(keep_days=KEEP_DAYS)
        run(world, "twice")
        world.clock.move(10)
        run(world, "twice", 1)
        run(world, "once", 2)
        world.clock.move((KEEP_DAYS + 1) * DAY)
        run(world, "kept", 3)
        return world

    crashes = every_crash(made, removed_in)
    for world, where in crashes:
        removed_in(world)
        assert len(rows(world)) == 2, where
        assert world.status("kept")["state"] == "succeeded", where
        # Its accepted document, the drop, the answer.
        assert len(documents(world)) == 3, where
    assert len(crashes) > 10


def test_a_turn_is_bounded_and_the_next_one_continues(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_MOST_REMOVED", 10)
    for number in range(13):
        run(world, f"job-{number}", number)
    world.clock.move((KEEP_DAYS + 1) * DAY)
    assert [world.backend.keeping.rows.turn() for _ in range(3)] == [10, 3, 0]
    assert rows(world) == []


def test_a_round_that_finds_nothing_costs_two_queries_an_experiment(world: MemoryWorld) -> None:
    """However many jobs are kept; and no call until the next hour."""
    for number in range(20):
        run(world, f"job-{number}", number)
    world.clock.move(2 * DAY)
    calls = world.calls(lambda: removed_in(world, 1))
    # Workspaces, experiments, then latest and earlier runs of the one experiment.
    assert len(calls) == 4
    assert world.calls(lambda: removed_in(world, 10)) == []
    world.clock.move(3600)
    assert len(world.calls(lambda: removed_in(world, 1))) == 4


# What no job has.


def jobless(world: MemoryWorld, count: int = 4) -> int:
    return sum(world.backend.keeping.jobless.turn() for _ in range(count))


def refused(world: MemoryWorld, path: str = "ws/exp/bad/job.json") -> None:
    place = f"{world.settings.jobs_container}/{path}"
    world.backend.documents.put_dropped(place, {"properties": {}})
    _, etag = world.backend.documents.read_dropped(place) or (b"", "")
    world.manager.submit(world.id("bad"), b"{}", Source(place, etag.strip('"')))


def test_a_refused_drop_is_removed_with_its_answer(world: MemoryWorld) -> None:
    refused(world)
    refused(world, "a/b/c/d/e/job.json")
    refused(world, "job.json")
    world.clock.move((KEEP_DAYS - 1) * DAY)
    assert jobless(world) == 0
    world.clock.move(2 * DAY)
    assert jobless(world) == 6
    assert documents(world) == set()


def test_what_jobs_have_is_left_to_their_rows(world: MemoryWorld) -> None:
    run(world)
    run(world, number=1)
    world.accept("waiting")
    before = documents(world)
    world.clock.move(100 * DAY)
    assert jobless(world) == 0
    assert documents(world) == before


def test_a_drop_that_is_written_anew_keeps_its_answer(world: MemoryWorld) -> None:
    refused(world)
    world.clock.move((KEEP_DAYS + 1) * DAY)
    path = "ws/exp/bad/status.json"

    def reads(call: Call) -> bool:
        return call.service == "table"

    world.faults.meanwhile(reads, lambda: refused(world))
    assert jobless(world) == 0
    assert path in documents(world)


def test_what_was_accepted_for_a_run_without_a_row_is_removed(world: MemoryWorld) -> None:
    """A process ended between the document and the row."""
    world.backend.documents.put_accepted("0-0-0", {"job": "ws/exp/never", "uuid": "0-0-0"})
    world.clock.move((KEEP_DAYS + 1) * DAY)
    assert jobless(world) == 1
    assert documents(world) == set()


def test_what_sweeps_have_is_left_alone(world: MemoryWorld) -> None:
    """Their answers, their accepted documents, and an answer that may be theirs."""
    documents_of = world.backend.documents
    documents_of.put_accepted("1-1-1", {"sweep": "ws/exp/many", "uuid": "1-1-1"})
    for name in ("sweep.json", "status.json"):
        documents_of.put_dropped(f"{world.settings.jobs_container}/ws/exp/many/{name}", {})
    refused(world)
    documents_of.put_dropped(f"{world.settings.jobs_container}/ws/exp/bad/sweep.json", {})
    before = documents(world)
    world.clock.move((KEEP_DAYS + 1) * DAY)
    assert jobless(world) == 0
    assert documents(world) == before


def test_jobless_documents_are_looked_for_once_a_day(world: MemoryWorld) -> None:
    world.accept()
    assert len(world.calls(lambda: jobless(world, 20))) == 2
    world.clock.move(timedelta(days=1).total_seconds())
    assert len(world.calls(lambda: jobless(world, 20))) == 2


def test_jobless_documents_wait_while_storage_is_away(world: MemoryWorld) -> None:
    refused(world)
    world.clock.move((KEEP_DAYS + 1) * DAY)
    world.faults.refuse(lambda call: call.verb == "list", 500, "InternalError", times=9)
    assert jobless(world) == 0
    world.faults.heal()
    world.clock.move(DAY)
    world.faults.refuse(lambda call: call.service == "table", 500, "InternalError", times=9)
    assert jobless(world) == 0
    world.faults.heal()
    world.clock.move(DAY)
    assert jobless(world) == 2


def test_nothing_grows_for_ever() -> None:
    """As `python -m bench.retention`, which does it with 20,000 jobs."""
    world = world_that_keeps(3)
    before = held(world)
    days = many_days(world, 8, max(10, examples(20)))
    assert days[-1].rows <= max(day.rows for day in days[:5])
    # What was refused is looked for once a day, sooner or later on it: one answer more some days.
    assert min(day.blobs for day in days[-3:]) <= max(day.blobs for day in days[:5])
    for _ in range(5):
        world.clock.move(DAY)
        turns(world)
    assert held(world) == before
