"""The events of a workspace for people who look: what it finds without an outbox, and what looking costs."""

from datetime import timedelta

import pytest

from shared.jobs import transitions
from shared.managers import event_feed
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.world import DONE, document

WHOLE = ["queued", "running", "succeeded"]


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world()


def shown(world: MemoryWorld, hours: float = 24.0) -> list[tuple[str, str]]:
    since = world.clock() - timedelta(hours=hours)
    found = world.backend.events.feed.page("ws", since, "", 1000)
    assert not found.token
    return [(event["data"]["job"], event["data"]["state"]) for event in found.events]


def of(name: str, *states: str) -> list[tuple[str, str]]:
    return [(name, state) for state in states]


def run(world: MemoryWorld, name: str = "job") -> None:
    world.accept(name)
    world.finish(world.must_claim())


def test_of_a_job_while_it_lives_and_after(world: MemoryWorld) -> None:
    world.accept()
    assert shown(world) == of("job", "queued")
    world.clock.move(5)
    claim = world.must_claim()
    assert shown(world) == of("job", "queued", "running")
    world.clock.move(5)
    world.finish(claim)
    assert shown(world) == of("job", *WHOLE)


def test_of_a_job_that_is_older_than_the_first_look(world: MemoryWorld) -> None:
    world.accept("live")
    claim = world.must_claim()
    world.clock.move(8 * 86_400)
    assert shown(world) == []
    assert shown(world, hours=9 * 24) == of("live", "queued", "running")
    world.clock.move(5)
    world.finish(claim)
    assert shown(world) == of("live", "succeeded")


def test_of_a_job_that_came_and_ended_between_two_looks(world: MemoryWorld) -> None:
    assert shown(world) == []
    world.clock.move(60)
    run(world)
    world.clock.move(60)
    assert shown(world) == of("job", *WHOLE)


def test_of_two_runs_of_a_name_between_two_looks(world: MemoryWorld) -> None:
    world.accept()
    assert shown(world) == of("job", "queued")
    world.finish(world.must_claim())
    world.clock.move(5)
    world.accept(data=document("echo again"), etag="0x2")
    assert shown(world) == of("job", *WHOLE, "queued")


def test_of_a_job_that_was_removed(world: MemoryWorld) -> None:
    world.accept()
    assert shown(world) == of("job", "queued")
    world.manager.delete(world.id())
    world.clock.move(5)
    assert shown(world) == []


def test_a_row_that_this_version_cannot_read_stops_nobody(world: MemoryWorld) -> None:
    world.accept("strange")
    run(world, "plain") if world.claim() is None else None
    assert shown(world)
    rows = world.account.tables.tables["jobs"]
    rows[("ws", "job|exp|strange")].columns["Events"] = "{"
    world.clock.move(5)
    rows[next(key for key in rows if key[1].startswith("live|"))].columns["Attempt"] = 7
    assert ("strange", "queued") in shown(world)


def test_whoever_looks_at_the_same_time_shares_a_look(world: MemoryWorld) -> None:
    run(world)
    shown(world)
    assert world.calls(lambda: shown(world)) == []
    world.clock.move(event_feed._LOOK_SECONDS)
    assert world.calls(lambda: shown(world)) != []


def test_a_look_costs_a_call_for_each_experiment_and_one_for_each_change(world: MemoryWorld) -> None:
    world.accept("old")
    for number in range(5):
        world.accept(f"job-{number}")
    shown(world)
    world.clock.move(100)
    shown(world)
    world.clock.move(100)
    nothing = len(world.calls(lambda: shown(world)))
    assert nothing == 3, "experiments, new jobs, live jobs"
    world.clock.move(100)
    world.finish(world.must_claim())
    assert len(world.calls(lambda: shown(world))) == nothing + 1


def test_clocks_that_differ_change_no_order_of_a_run(world: MemoryWorld) -> None:
    jobs, behind = world.stores.jobs, world.clock() - timedelta(seconds=30)
    claimed = jobs.update(transitions.claim(world.accept(), "node-0", "m", behind))
    jobs.end(transitions.finish(claimed, DONE, world.clock()))
    assert shown(world) == of("job", *WHOLE)


def test_pages_end_where_the_next_ones_begin(world: MemoryWorld) -> None:
    for number in range(3):
        run(world, f"job-{number}")
        world.clock.move(1)
    since, found, token = world.clock() - timedelta(hours=1), list[str](), ""
    while True:
        page = world.backend.events.feed.page("ws", since, token, 2)
        found += [event["id"] for event in page.events]
        if not (token := page.token):
            break
    assert len(found) == len(set(found)) == 9


def test_only_so_many_runs_are_remembered(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_feed, "_MOST_RUNS", 2)
    for number in range(3):
        run(world, f"job-{number}")
    assert len({job for job, _ in shown(world)}) == 2
