"""Sweeps and runs as resources."""

from dataclasses import replace
from datetime import UTC, datetime

from api.resources.jobs import job_resource
from api.resources.sweeps import listed_sweep, run_resource, sweep_resource
from shared.names.ids import Scope
from shared.sweeps.model import RunResult, SweepState, Why
from shared.sweeps.status_json import of_sweep
from tests.support.jobs import a_job
from tests.support.memory.world import memory_world
from tests.support.sweeps import Sweeps
from tests.unit.shared.sweeps.test_progress import sweep

SCOPE = Scope("sub", "group")
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def test_a_sweep_shows_its_document_and_how_it_stands() -> None:
    plain = sweep(5, reserved=2, made=2, ended=0b1, properties='{"maxConcurrent": 2}')
    shown = sweep_resource(plain, SCOPE)
    assert shown["type"] == "Microsoft.BatchAI/workspaces/experiments/sweeps"
    assert shown["properties"]["runs"] == {
        "total": 5,
        "succeeded": 1,
        "failed": 0,
        "inFlight": 1,
        "waiting": 3,
    }
    assert "why" not in shown["properties"]
    over = replace(plain, state=SweepState.FAILED, why=Why.TOO_MANY_FAILED, submitted_by="me", deleting=True)
    properties = sweep_resource(over, SCOPE)["properties"]
    assert (properties["why"], properties["submittedBy"]) == ("MaxFailuresReached", "me")
    assert properties["provisioningState"] == "deleting"


def test_in_a_list_of_many_what_may_be_long_is_left_out() -> None:
    plain = sweep(5, properties='{"job": {}, "parameters": {}, "rows": [], "metric": {"key": "loss"}}')
    shown = listed_sweep(plain, SCOPE)
    assert shown["name"] == sweep_resource(plain, SCOPE)["name"]
    assert shown["properties"].keys() >= {"metric", "state", "runs"}
    assert not shown["properties"].keys() & {"job", "parameters", "rows"}


def test_the_job_of_a_run_names_its_sweep() -> None:
    world = memory_world()
    sweeps = Sweeps(world)
    sweeps.accept()
    sweeps.deliver()
    shown = job_resource(world.job("s-0"), SCOPE)["properties"]
    assert shown["sweep"] == {"id": sweep_resource(sweeps.get(), SCOPE)["id"]}
    assert "sweep" not in job_resource(a_job(), SCOPE)["properties"]


def test_a_run_shows_its_job_or_its_end() -> None:
    plain = sweep(5)
    waiting = run_resource(plain, 0, {"x": 1}, None, None, SCOPE)
    assert (waiting["index"], waiting["state"], waiting["parameters"]) == (3, "waiting", {"x": 1})
    assert waiting["job"].endswith("/experiments/exp/jobs/s-3")
    result = RunResult(1, "u", "failed", NOW, NOW, 3, 0.5, "JobFailed: x")
    ended = run_resource(plain, 1, {}, result, None, SCOPE)
    assert (ended["exitCode"], ended["metric"], ended["message"]) == (3, 0.5, "JobFailed: x")
    assert ended["startTime"] == ended["endTime"] == "2026-11-29T00:00:00.000Z"
    refused = run_resource(plain, 1, {}, RunResult(1, "", "refused"), None, SCOPE)
    assert set(refused) == {"index", "parameters", "job", "state"}


def test_a_run_that_runs_shows_since_when() -> None:
    world = memory_world()
    sweeps = Sweeps(world)
    sweeps.accept()
    sweeps.deliver()
    queued = run_resource(sweeps.get(), 0, {}, None, world.job("s-0"), SCOPE)
    assert (queued["state"], "startTime" in queued) == ("queued", False)
    world.must_claim()
    assert "startTime" in run_resource(sweeps.get(), 0, {}, None, world.job("s-0"), SCOPE)


def test_a_status_says_why_and_what_was_remarked() -> None:
    plain = sweep(2, why=Why.ASKED, problems='[{"message": "x"}]')
    status = of_sweep(plain, SCOPE, NOW)
    assert (status["why"], status["problems"]) == ("SweepTerminated", [{"message": "x"}])
    assert "problems" not in of_sweep(sweep(2), SCOPE, NOW)
