"""What the timer mends, and what it leaves alone."""

from shared.state import State
from shared.stores.clusters import NodeRow
from tests.support.world import World


def sweep(world: World, after_seconds: float = 0.0) -> None:
    world.clock.move(after_seconds)
    assert world.backend.sweeper.sweep().faults == 0


def alive(world: World, node: str = "node-0") -> None:
    world.backend.clusters.table.report(NodeRow(world.cluster, node, "running", 0))


def clear(world: World) -> None:
    world.manager.queues._client(world.queue()).clear_messages()


def test_a_healthy_installation_is_left_alone(world: World) -> None:
    alive(world)
    world.accept("queued")
    world.accept("running")
    claim = world.must_claim()
    before = (world.job("queued"), world.job("running"), world.messages())
    sweep(world, 60)
    assert (world.job("queued"), world.job("running"), world.messages()) == before
    world.finish(claim)


def test_each_lost_message_is_replaced_once(world: World) -> None:
    for name in ("a", "b", "c"):
        world.accept(name)
    clear(world)
    sweep(world, world.settings.resend_seconds + 1)
    assert world.messages() == 3
    assert {world.must_claim().job.id.job for _ in range(3)} == {"a", "b", "c"}


def test_a_running_job_without_runner_and_message_runs_again(world: World) -> None:
    world.accept()
    world.must_claim("gone")
    clear(world)
    sweep(world)
    assert world.job().state is State.RUNNING, "too early to tell"
    sweep(world, 2 * world.settings.lease_seconds + 1)
    job = world.job()
    assert (job.state, job.attempt, job.owner) == (State.QUEUED, 1, None)
    assert world.status()["errors"][0]["code"] == "RunnerLost"
    assert world.must_claim("node-1").job.attempt == 2


def test_a_terminating_job_without_a_runner_ends(world: World) -> None:
    world.accept()
    world.must_claim("gone")
    clear(world)
    world.manager.terminate(world.id())
    sweep(world, 2 * world.settings.lease_seconds + 1)
    job = world.job()
    assert (job.state, job.errors[0].code, job.exit_code) == (State.FAILED, "JobTerminated", None)
    assert world.status()["state"] == "failed"


def test_the_last_attempt_without_a_runner_fails(world: World) -> None:
    world.accept()
    for _ in range(2):
        world.expire(world.must_claim("gone"))
    world.must_claim("gone")
    clear(world)
    sweep(world, 2 * world.settings.lease_seconds + 1)
    assert (world.job().state, world.job().errors[0].code) == (State.FAILED, "RunnerLost")


def test_a_runner_that_is_heard_of_keeps_its_job(world: World) -> None:
    world.accept()
    world.must_claim("node-0")
    alive(world, "node-0")
    sweep(world, 2 * world.settings.lease_seconds + 1)
    assert world.job().state is State.RUNNING


def test_a_long_wait_is_explained_in_status_json(world: World) -> None:
    world.accept()
    sweep(world, 30)
    waiting = world.status()["waiting"]
    assert waiting["reason"] == "NoNodeAlive"
    assert "python -m runner" in waiting["next"]
    alive(world)
    sweep(world)
    assert world.status()["waiting"]["reason"] == "WaitingForNode"
