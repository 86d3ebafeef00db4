from shared.jobs.model import Outcome, Reason, State
from tests.support.world import World


def test_queued_fails_at_once_and_its_message_means_nothing(world: World) -> None:
    world.accept()
    ended = world.manager.terminate(world.id())
    assert (ended.state, ended.errors[0].code, ended.exit_code) == (State.FAILED, "JobTerminated", None)
    assert world.status()["errors"][0]["code"] == "JobTerminated"
    assert world.claim() is None
    assert world.messages() == 0
    assert not world.manager.live(world.cluster)


def test_running_is_reported_at_the_next_renewal_and_ends_as_terminated(world: World) -> None:
    world.accept()
    claim = world.must_claim()
    assert world.manager.terminate(world.id()).state is State.TERMINATING
    assert world.status()["state"] == "terminating"
    _, seen = world.backend.attempts.renew(claim.job, claim.lease)
    assert seen.state is State.TERMINATING
    ended = world.backend.attempts.finish(claim.job, claim.lease, Outcome(Reason.TERMINATED))
    assert (ended.state, ended.errors[0].code, ended.exit_code) == (State.FAILED, "JobTerminated", None)


def test_a_job_that_ends_by_itself_meanwhile_keeps_its_result(world: World) -> None:
    world.accept()
    claim = world.must_claim()
    world.manager.terminate(world.id())
    assert world.finish(claim).state is State.SUCCEEDED


def test_ended_is_a_no_op(world: World) -> None:
    world.accept()
    ended = world.finish(world.must_claim())
    assert world.manager.terminate(world.id()) == ended
    assert world.status()["state"] == "succeeded"


def test_terminating_without_a_runner_ends_when_its_message_comes_back(world: World) -> None:
    world.accept()
    claim = world.must_claim()
    world.manager.terminate(world.id())
    world.expire(claim)
    assert world.claim("node-1") is None
    job = world.job()
    assert (job.state, job.errors[0].code, job.exit_code) == (State.FAILED, "JobTerminated", None)
    assert world.messages() == 0


def test_a_drained_runner_ends_a_job_that_was_to_end(world: World) -> None:
    world.accept()
    claim = world.must_claim()
    world.manager.terminate(world.id())
    job = world.backend.attempts.give_back(claim.job, claim.lease, "drained")
    assert (job.state, job.errors[0].code) == (State.FAILED, "JobTerminated")
    assert world.messages() == 0
