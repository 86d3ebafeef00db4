"""Sweeps over a storage account in memory: made, held to maxConcurrent and maxFailures, ended, done again."""

import pytest

from shared.errors import ConflictError, NotFoundError
from shared.jobs.model import Job
from shared.sweeps.model import SweepState, Why
from shared.sweeps.plan import Metric
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.sweeps import FAILED, Sweeps, sweep_document
from tests.support.world import document


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world()


@pytest.fixture
def sweeps(world: MemoryWorld) -> Sweeps:
    return Sweeps(world)


def test_every_run_is_an_ordinary_job_and_the_sweep_ends_with_the_last(
    world: MemoryWorld, sweeps: Sweeps
) -> None:
    sweeps.accept()
    assert world.status("s")["state"] == "running"
    assert sweeps.run_all() == ["s-0", "s-1", "s-2"]
    ended = sweeps.get()
    assert (ended.state, ended.ended_count, ended.failed_count) == (SweepState.SUCCEEDED, 3, 0)
    assert sweeps.jobs() == dict.fromkeys(("s-0", "s-1", "s-2"), "succeeded")
    status = world.status("s")
    assert (status["state"], status["runs"]["succeeded"]) == ("succeeded", 3)
    assert world.status("s-1")["state"] == "succeeded"
    assert world.backend.sweeps.mend() == 0, "nothing is left to look at"


def test_a_run_gets_its_parameters(world: MemoryWorld, sweeps: Sweeps) -> None:
    sweeps.accept()
    sweeps.deliver()
    spec, _ = world.manager.spec(world.job("s-2"))
    assert spec.custom_toolkit_settings.command_line == "true 2"
    variables = {v.name: v.value for v in spec.environment_variables}
    assert variables == {"AZ_BATCHAI_ARRAY_INDEX": "2", "AZ_BATCHAI_PARAM_X": "2"}
    assert "begins with AZ_BATCH" not in world.job("s-2").problems


def test_no_more_than_max_concurrent_live_at_once(world: MemoryWorld, sweeps: Sweeps) -> None:
    sweeps.accept(sweep_document(parameters={"x": list(range(7))}, maxConcurrent=2))
    most, ran = 0, []
    while True:
        sweeps.deliver()
        most = max(most, len(world.manager.live(world.cluster)))
        name = sweeps.run_one()
        if name is None:
            break
        ran.append(name)
    assert (most, ran) == (2, [f"s-{number}" for number in range(7)])
    assert sweeps.get().state is SweepState.SUCCEEDED


def test_too_many_failures_end_it(world: MemoryWorld, sweeps: Sweeps) -> None:
    sweeps.accept(sweep_document(parameters={"x": list(range(9))}, maxConcurrent=3, maxFailures=2))
    sweeps.deliver()
    sweeps.run_one(FAILED)
    sweeps.deliver()
    assert sweeps.get().state is SweepState.RUNNING
    sweeps.run_one(FAILED)
    sweeps.deliver()
    ended = sweeps.get()
    assert (ended.state, ended.why) == (SweepState.FAILED, Why.TOO_MANY_FAILED)
    assert world.claim() is None, "what waited was stopped"
    assert (world.status("s")["state"], world.status("s")["why"]) == ("failed", "MaxFailuresReached")
    assert len(sweeps.jobs()) == 4, "nothing was made after that"


def test_terminate_stops_what_waits_and_what_runs(world: MemoryWorld, sweeps: Sweeps) -> None:
    sweeps.accept(sweep_document(parameters={"x": list(range(5))}, maxConcurrent=2))
    sweeps.deliver()
    claim = world.must_claim()
    assert sweeps.manager.terminate(sweeps.id).state is SweepState.TERMINATING
    sweeps.deliver()
    assert sweeps.jobs() == {"s-0": "terminating", "s-1": "failed"}
    world.finish(claim, FAILED)
    sweeps.deliver()
    ended = sweeps.get()
    assert (ended.state, ended.why, ended.ended_count) == (SweepState.TERMINATED, Why.ASKED, 2)
    assert sweeps.manager.terminate(sweeps.id).state is SweepState.TERMINATED


def test_delete_leaves_nothing(world: MemoryWorld, sweeps: Sweeps) -> None:
    world.accept("s-other")
    sweeps.accept()
    sweeps.deliver()
    sweeps.run_one()  # the other job
    sweeps.run_one()
    assert sweeps.manager.delete(sweeps.id).deleting
    sweeps.deliver()
    assert sweeps.jobs() == {"s-other": "succeeded"}
    with pytest.raises(NotFoundError):
        sweeps.get()
    assert sweeps.manager.delete(sweeps.id) is None
    kept = [name for name in world.backend.documents.list_accepted() if not name.startswith("cluster-")]
    assert len(kept) == 1
    assert list(world.account.tables.tables["sweeps"]) == []


def test_only_what_failed_is_done_again(world: MemoryWorld, sweeps: Sweeps) -> None:
    sweeps.accept()
    sweeps.deliver()
    for outcome in (None, FAILED, None):
        sweeps.run_one(outcome)
        sweeps.deliver()
    assert (sweeps.get().state, sweeps.get().failed_count) == (SweepState.FAILED, 1)
    again = sweeps.manager.rerun(sweeps.id)
    assert (again.state, again.generation) == (SweepState.RUNNING, 1)
    assert sweeps.run_all() == ["s-1"]
    assert (sweeps.get().state, sweeps.get().failed_count) == (SweepState.SUCCEEDED, 0)
    assert len(world.manager.runs(world.id("s-1"))) == 2, "the first run stays in the history"
    with pytest.raises(ConflictError, match="every run"):
        sweeps.manager.rerun(sweeps.id)


def test_a_sweep_that_runs_cannot_be_done_again(sweeps: Sweeps) -> None:
    sweeps.accept()
    with pytest.raises(ConflictError, match="is running"):
        sweeps.manager.rerun(sweeps.id)


def test_what_was_never_made_is_done_again_after_a_termination(sweeps: Sweeps) -> None:
    sweeps.accept(sweep_document(maxConcurrent=1))
    sweeps.deliver()
    sweeps.run_one()
    sweeps.manager.terminate(sweeps.id)
    sweeps.deliver()
    assert sweeps.get().state is SweepState.TERMINATED
    sweeps.manager.rerun(sweeps.id)
    assert sweeps.run_all() == ["s-1", "s-2"]
    assert sweeps.get().state is SweepState.SUCCEEDED


def test_the_timer_makes_good_what_messages_were_lost(world: MemoryWorld, sweeps: Sweeps) -> None:
    sweeps.accept(sweep_document(maxConcurrent=1))
    ran = []
    for _ in range(9):
        world.account.queues.queues["sweeps"].clear()
        world.clock.move(60)
        sweeps.manager.mend()
        if name := sweeps.run_one():
            ran.append(name)
    assert ran == ["s-0", "s-1", "s-2"]
    assert sweeps.get().state is SweepState.SUCCEEDED


def test_a_run_that_is_refused_fails_alone(world: MemoryWorld, sweeps: Sweeps) -> None:
    world.accept("s-1", document("sleep 1"))
    sweeps.accept()
    sweeps.deliver()
    sweeps.run_all()
    ended = sweeps.get()
    assert (ended.state, ended.failed_count) == (SweepState.FAILED, 1)
    page = sweeps.manager.runs(ended, 0, 10)
    assert page.results[1].state == "refused"
    assert "a job named 's-1'" in page.results[1].message


def test_a_run_whose_job_is_deleted_counts_as_failed(world: MemoryWorld, sweeps: Sweeps) -> None:
    sweeps.accept()
    sweeps.deliver()
    world.manager.delete(world.id("s-2"))
    assert sorted(sweeps.run_all()) == ["s-0", "s-1"]
    sweeps.manager.mend()
    assert (sweeps.get().state, sweeps.get().failed_count) == (SweepState.FAILED, 1)
    assert sweeps.manager.runs(sweeps.get(), 2, 1).results[2].state == "deleted"


def test_a_bad_document_is_refused_with_every_problem(world: MemoryWorld, sweeps: Sweeps) -> None:
    answer = sweeps.submit(sweep_document(maxConcurrent=0, maxFailures="x"))
    assert (answer.accepted, len(answer.problems) >= 2) == (False, True)
    assert world.status("s")["state"] == "refused"
    assert sweeps.manager.find(sweeps.id) is None


def test_an_unknown_cluster_is_refused(world: MemoryWorld, sweeps: Sweeps) -> None:
    job = {
        "nodeCount": 1,
        "cluster": {"id": "nowhere"},
        "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT",
        "customToolkitSettings": {"commandLine": "true"},
    }
    answer = sweeps.submit(sweep_document(job={"properties": job}))
    assert (answer.accepted, answer.code) == (False, "ClusterNotFound")


def test_the_same_drop_twice_is_one_sweep_and_another_is_refused(world: MemoryWorld, sweeps: Sweeps) -> None:
    first = sweeps.accept()
    again = sweeps.submit()
    assert (again.sweep and again.sweep.uuid, again.known) == (first.uuid, False)
    same = sweeps.submit(etag="0x2")
    assert (same.sweep and same.sweep.uuid, same.known) == (first.uuid, True)
    other = sweeps.submit(sweep_document("false"), etag="0x3")
    assert (other.accepted, other.code) == (False, "SweepAlreadyExists")
    assert sweeps.run_all() == ["s-0", "s-1", "s-2"]


def test_an_ended_sweep_makes_place_for_another(world: MemoryWorld, sweeps: Sweeps) -> None:
    first = sweeps.accept()
    sweeps.run_all()
    second = sweeps.accept(sweep_document("false", parameters={"x": [7, 8]}), etag="0x2")
    assert second.uuid != first.uuid
    assert sweeps.run_all() == ["s-0", "s-1"]
    assert (sweeps.get().count, sweeps.get().state) == (2, SweepState.SUCCEEDED)
    assert len(world.manager.runs(world.id("s-0"))) == 2


def test_metrics_of_ended_runs_are_kept(sweeps: Sweeps) -> None:
    sweeps.accept(sweep_document(metric={"key": "loss", "goal": "minimize"}))
    sweeps.deliver()
    sweeps.run_one()
    asked: list[tuple[str, str]] = []

    def read(job: Job, metric: Metric) -> float:
        asked.append((job.id.job, metric.key))
        return 0.5

    sweeps.manager.work(sweeps.id, (0,), read)
    page = sweeps.manager.runs(sweeps.get(), 0, 10)
    assert (asked, page.results[0].metric) == ([("s-0", "loss")], 0.5)
    assert {number: job.id.job for number, job in page.jobs.items()} == {1: "s-1", 2: "s-2"}


def test_secrets_reach_no_row_and_no_answer(world: MemoryWorld, sweeps: Sweeps) -> None:
    job = {
        "nodeCount": 1,
        "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT",
        "customToolkitSettings": {"commandLine": "true"},
        "secrets": [{"name": "TOKEN", "value": "hunter2"}],
    }
    sweep = sweeps.accept(sweep_document(job={"properties": job}))
    sweeps.deliver()
    assert "hunter2" not in repr(
        world.account.tables.tables["sweeps"][(sweeps.id.workspace, "sweep|exp|s")].columns
    )
    assert "hunter2" not in sweep.properties
    kept = world.account.blobs.of(world.settings.accepted_container)[f"{sweep.uuid}.json"]
    assert b"hunter2" not in kept.data
    spec, _ = world.manager.spec(world.job("s-0"))
    assert spec.secrets[0].value.get_secret_value() == "hunter2"


def test_an_experiment_takes_its_sweeps_with_it(world: MemoryWorld, sweeps: Sweeps) -> None:
    sweeps.accept(sweep_document(maxConcurrent=1))
    sweeps.deliver()
    world.backend.cascading_deletion.delete_experiment("ws", "exp")
    for _ in range(3):
        world.backend.cascading_deletion.resume()
    assert sweeps.manager.find(sweeps.id) is None
    assert world.backend.workspaces.deletions() == []
    assert sweeps.jobs() == {}
