"""Events of jobs, whichever call was the last of who writes or sends them: none is lost."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BatchAIError
from shared.jobs.model import State
from tests.support.events import ON, EventWorld, by_uuid, faults_of
from tests.support.memory.faults import Crash
from tests.support.memory.world import MemoryWorld, every_crash


def test_whichever_call_of_a_job_was_the_last_its_events_are_true() -> None:
    def act(world: MemoryWorld) -> None:
        world.accept()
        world.finish(world.must_claim())

    def start() -> MemoryWorld:
        return EventWorld().world

    for world, where in every_crash(start, act):
        made = EventWorld.__new__(EventWorld)
        made.world = world
        made.receiver = EventWorld().receiver
        made.restart_sender()
        world.accept()
        for _ in range(4):
            world.clock.move(61)
            if claim := world.claim("node-1"):
                world.finish(claim)
            world.backend.sweeper.sweep()
            made.turn()
        job = world.job()
        assert job.state is State.SUCCEEDED, where
        assert faults_of(made.receiver.taken, by_uuid(job)) == [], where
        assert made.rows("event|") == made.rows("sent|") == [], where


def test_whichever_call_of_the_sender_was_the_last_everything_arrives() -> None:
    for batch in (1, 10):
        for arrived in (False, True):
            for at in range(1, 30):
                made = EventWorld(replace(ON, batch=batch))
                ended = made.run("ended")
                made.world.accept("lives")
                made.world.faults.crash(at, arrived)
                where = f"call {at}, arrived {arrived}, batch {batch}"
                try:
                    made.turn()
                except Crash:
                    made.restart_sender()
                else:
                    made.world.faults.heal()
                    assert at > 3
                    break
                made.turn()
                lives = made.world.finish(made.world.must_claim())
                made.turn()
                assert faults_of(made.receiver.taken, by_uuid(ended, lives)) == [], where
                assert made.rows("event|") == made.rows("sent|") == [], where


_ACTS = (
    "accept",
    "claim",
    "lose",
    "finish",
    "terminate",
    "turn",
    "restart",
    "away",
    "back",
    "refuse",
    "wait",
)


@given(
    st.lists(st.tuples(st.sampled_from(_ACTS), st.integers(1, 12)), min_size=5, max_size=60), st.booleans()
)
def test_any_order_of_crashes_and_of_trouble(acts: list[tuple[str, int]], batches: bool) -> None:
    """Jobs, runners, the sender and the receiver live and die in any order: at least once, and in order."""
    made = EventWorld(replace(ON, batch=3 if batches else 1), max_attempts=30, retry_seconds=0)
    world, claims, dice = made.world, [], random.Random(len(acts))
    for number, (act, at) in enumerate(acts):
        if at <= 4:
            world.faults.crash(at, arrived=bool(number % 2))
        try:
            match act:
                case "accept":
                    world.accept(f"job-{number}")
                case "claim":
                    claims.append(world.claim(f"node-{number}"))
                case "lose" if any(claims):
                    world.expire(next(claim for claim in claims if claim))
                case "finish" if any(claims):
                    claim = dice.choice([claim for claim in claims if claim])
                    world.finish(claim)
                case "terminate" if number:
                    world.manager.terminate(world.id(f"job-{dice.randrange(number)}"))
                case "turn":
                    made.turn()
                case "restart":
                    made.restart_sender()
                case "away":
                    made.receiver.answer = lambda events: 0
                case "back":
                    made.receiver.answer = lambda events: 200
                case "refuse":
                    made.receiver.answer = lambda events: 400 if events[0]["id"] < "8" else 200
                case "wait":
                    world.clock.move(30 * at)
        except Crash:
            world.restart()
            made.restart_sender()
        except BatchAIError:
            pass
        world.faults.heal()
    made.receiver.answer = lambda events: 200
    for _ in range(40):
        world.clock.move(121)
        world.backend.sweeper.sweep()
        if last := world.claim("last"):
            world.finish(last)
        made.turn()
    jobs = world.manager.in_workspace("ws", 1000)
    assert all(not job.state.live for job in jobs)
    assert faults_of(made.receiver.taken, by_uuid(*jobs)) == []
    assert made.rows("event|") == made.rows("sent|") == []
