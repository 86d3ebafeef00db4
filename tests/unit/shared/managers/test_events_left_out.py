"""Events of jobs that runners of earlier versions have left out: a look finds them."""

from dataclasses import replace

from shared.jobs import transitions
from shared.jobs.model import Job, Outcome, Reason, State
from shared.stores.outbox_table import Outbox
from tests.support.earlier_jobs import EarlierJobs
from tests.support.events import WHOLE, EventWorld, by_uuid, faults_of
from tests.support.world import document


def _earlier(made: EventWorld) -> EarlierJobs:
    return EarlierJobs(made.world.backend.connection)


def _as_earlier(job: Job) -> Job:
    """The job as a version that knows no events reads it: `noted` is a column that it carries along."""
    noted = job.noted
    assert noted is not None
    column = ("Noted", f"{noted.sequence}|{noted.attempt}|{noted.state or ''}")
    return replace(job, noted=None, newer=(*job.newer, column))


def test_what_an_earlier_runner_left_out_is_sent_after_a_look(made: EventWorld) -> None:
    world = made.world
    world.accept()
    made.turn()
    _ended_by_an_earlier_runner(made)
    world.clock.move(20)
    assert made.turn().sent == 0
    world.clock.move(61)
    made.turn()
    made.turn()
    assert made.receiver.states() == WHOLE
    assert faults_of(made.receiver.taken, by_uuid(world.job())) == []
    assert made.rows("event|") == made.rows("sent|") == []


def _ended_by_an_earlier_runner(made: EventWorld) -> Job:
    world, jobs = made.world, _earlier(made)
    world.accept()
    world.stores.jobs.fall_back(world.job())
    read = _as_earlier(jobs.get(world.id()))
    jobs.update(transitions.claim(read, "node-0", "m", world.clock(), (), 60.0), State.QUEUED)
    read = _as_earlier(jobs.get(world.id()))
    jobs.end(transitions.finish(read, Outcome(Reason.SUCCEEDED, 0), world.clock()), State.RUNNING)
    return world.job()


def test_a_further_run_of_the_name_takes_the_missing_events_along(made: EventWorld) -> None:
    first = _ended_by_an_earlier_runner(made)
    made.world.accept(data=document("echo again"), etag="0x2")
    made.turn()
    assert made.receiver.states() == [*WHOLE, "queued"]
    assert [event["data"]["uuid"] for event in made.receiver.taken][:3] == [first.uuid] * 3


def test_so_does_the_jobs_removal(made: EventWorld) -> None:
    _ended_by_an_earlier_runner(made)
    made.world.manager.delete(made.world.id())
    made.turn()
    assert made.receiver.states() == WHOLE


def test_whoever_writes_next_fills_the_gap(made: EventWorld) -> None:
    world = made.world
    world.accept()
    jobs = _earlier(made)
    world.stores.jobs.fall_back(world.job())
    read = _as_earlier(jobs.get(world.id()))
    jobs.update(transitions.claim(read, "node-0", "m", world.clock(), (), 60.0), State.QUEUED)
    world.manager.terminate(world.id())
    made.turn()
    assert made.receiver.states() == ["queued", "running", "terminating"]


def test_a_look_finds_a_termination_that_an_earlier_version_asked_for(made: EventWorld) -> None:
    world, jobs = made.world, _earlier(made)
    world.accept()
    world.stores.jobs.fall_back(world.job())
    world.must_claim()
    made.turn()
    read = _as_earlier(jobs.get(world.id()))
    jobs.update(transitions.request_termination(read, world.clock()), State.RUNNING)
    world.clock.move(61)
    made.turn()
    made.turn()
    assert made.receiver.states() == ["queued", "running", "terminating"]


def test_a_look_finds_nothing_where_nothing_is_missing(made: EventWorld) -> None:
    made.world.accept()
    made.turn()
    made.world.clock.move(61)
    before = made.world.job().etag
    made.turn()
    assert made.world.job().etag == before
    assert len(made.rows("sent|")) == 1


def test_a_lost_race_of_a_look_is_nobodys_loss(made: EventWorld) -> None:
    world = made.world
    world.accept()
    made.turn()
    jobs = _earlier(made)
    world.stores.jobs.fall_back(world.job())
    read = _as_earlier(jobs.get(world.id()))
    jobs.update(transitions.claim(read, "node-0", "m", world.clock(), (), 60.0), State.QUEUED)
    world.clock.move(61)
    world.faults.refuse(lambda call: call.verb == "transaction", 412, "UpdateConditionNotSatisfied")
    made.turn()
    world.clock.move(61)
    made.turn()
    made.turn()
    assert made.receiver.states() == ["queued", "running"]


def test_what_was_sent_of_a_job_that_is_gone_is_forgotten(made: EventWorld) -> None:
    world = made.world
    world.accept()
    made.turn()
    rows = world.account.tables.tables["jobs"]
    for key in [key for key in rows if not key[1].startswith(("sent|", "event|")) and key[0] == "ws"]:
        del rows[key]
    world.clock.move(61)
    made.turn()
    assert made.rows("sent|") == []


def test_what_a_sender_notes_late_of_a_run_that_has_ended_is_forgotten(made: EventWorld) -> None:
    """It stalled between sending and removing; another one sent the rest meanwhile."""
    made.world.accept()
    claim = made.world.must_claim()
    outbox = Outbox(made.world.backend.connection)
    late = outbox.waiting("ws", 10)
    made.world.finish(claim)
    made.turn()
    outbox.remove(late)
    assert len(made.rows("sent|")) == 1
    made.world.clock.move(61)
    made.turn()
    assert made.rows("sent|") == []
