"""shared.stores.torn_rows: a backup that was read while jobs went on, restored."""

from dataclasses import replace
from typing import Any

import pytest

from shared.jobs import layouts, transitions
from shared.jobs.model import Job, Outcome, Reason, State
from shared.names.ids import JobId
from shared.stores import job_table, torn_rows
from tests.support.jobs import a_job, after
from tests.support.memory.world import MemoryWorld, memory_world


def read(world: MemoryWorld, *prefixes: str) -> list[dict[str, Any]]:
    table = world.account.tables.get_table_client(job_table.TABLE)
    found = [dict(entity) for entity in table.list_entities()]
    return [row for row in found if row["RowKey"].startswith(prefixes)]


def restored(rows: list[dict[str, Any]]) -> MemoryWorld:
    world = memory_world()
    table = world.account.tables.get_table_client(job_table.TABLE)
    for _, row in torn_rows.mended((len(row), row) for row in rows):
        table.upsert_entity(row)
    return world


@pytest.fixture(params=[layouts.FIRST, layouts.SECOND, layouts.THIRD])
def world(request: pytest.FixtureRequest) -> MemoryWorld:
    """Jobs of each layout: one that waits, one that runs, one that has ended."""
    made = memory_world()
    for name in ("waits", "runs", "ended"):
        job = made.stores.jobs.insert(made_job(made, name, request.param))
        if name != "waits":
            job = made.stores.jobs.update(transitions.claim(job, "node-0", "m", after(1)))
        if name == "ended":
            made.stores.jobs.end(transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), after(2)))
    return made


def made_job(world: MemoryWorld, name: str, layout: int) -> Job:
    return replace(a_job(id=world.id(name), cluster=world.cluster, uuid=f"uuid-of-{name}"), layout=layout)


def test_of_one_moment_every_row_is_as_it_was(world: MemoryWorld) -> None:
    rows = read(world, "")
    again = {row["RowKey"]: row for _, row in torn_rows.mended((1, row) for row in rows)}
    assert again == {row["RowKey"]: row for row in rows}


def test_a_job_that_ended_after_its_name_was_read_has_ended() -> None:
    world = memory_world()
    world.accept()
    claim = world.must_claim()
    names = read(world, "job|")
    ended = world.finish(claim)
    found = restored([*names, *read(world, "live|", "time|")])
    assert found.job().state is State.SUCCEEDED
    assert found.job().uuid == ended.uuid
    assert not found.manager.live(found.cluster)


def test_a_job_that_was_removed_after_its_name_was_read_is_gone() -> None:
    world = memory_world()
    world.accept()
    found = restored(read(world, "job|"))
    assert found.job_or_none() is None


def test_a_job_that_came_after_the_names_were_read_is_no_live_job() -> None:
    world = memory_world()
    world.accept()
    found = restored(read(world, "live|"))
    assert not found.manager.live(found.cluster)
    assert found.accept().id == JobId("ws", "exp", "job")
