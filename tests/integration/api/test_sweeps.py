"""Sweeps over HTTP and as drops, with the real host's queue: runs follow one another by themselves."""

import json
import time
from typing import Any

from shared.jobs.model import Reason
from tests.support.rest_api import RestApi
from tests.support.waiting import eventually


def sweep_path(workspace: str, name: str = "s") -> str:
    return f"{workspace}/experiments/experiment/sweeps/{name}"


def document(api: RestApi, workspace: str, **properties: Any) -> dict[str, Any]:
    least = {"parameters": {"x": [0.5, 1, 2]}, "job": api.document(workspace, command="train ${{ x }}")}
    return {"properties": least | properties}


def runs(api: RestApi, sweep: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.must("GET", f"{sweep}/runs", **query)["value"]
    return found


def states(api: RestApi, sweep: str) -> list[str]:
    return [run["state"] for run in runs(api, sweep)]


def write_log(api: RestApi, text: str, segment: str) -> None:
    """What a runner would have carried to the share."""
    folder = api.shares_root / "logs" / segment / "stdouterr"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stdout.txt").write_text(text)


def test_a_sweep_is_made_shown_run_and_removed(api: RestApi, workspace: str) -> None:
    sweep = sweep_path(workspace)
    assert api.call("GET", sweep).json()["error"]["code"] == "SweepNotFound"
    given = document(
        api, workspace, maxConcurrent=1, metric={"pattern": "loss ([0-9.]+)", "goal": "minimize"}
    )
    made = api.call("PUT", sweep, given)
    assert made.status_code == 201, made.text
    assert made.json()["properties"]["runs"]["total"] == 3
    assert "accountKey" not in made.text
    assert api.call("PUT", sweep, given).status_code == 200
    other = api.call("PUT", sweep, document(api, workspace, maxConcurrent=2))
    assert (other.status_code, other.json()["error"]["code"]) == (409, "SweepAlreadyExists")
    assert [item["name"] for item in api.must("GET", sweep.rpartition("/")[0])["value"]] == ["s"]
    listed = api.call("GET", f"{workspace}/sweeps")
    assert [(item["name"], "job" in item["properties"]) for item in listed.json()["value"]] == [("s", False)]
    assert api.call("GET", f"{workspace}-none/sweeps").status_code == 404

    for number, loss in enumerate((0.5, 0.25, 0.75)):
        eventually(lambda n=number: states(api, sweep)[n] == "queued")  # type: ignore[misc]
        claim = api.claim(workspace)
        assert claim.spec.custom_toolkit_settings is not None
        assert claim.spec.custom_toolkit_settings.command_line == f"train {(0.5, 1, 2)[number]}"
        segment = api.must("GET", f"{workspace}/experiments/experiment/jobs/s-{number}")["properties"]
        write_log(api, f"begun\nloss {loss}\n", segment["jobOutputDirectoryPathSegment"])
        api.finish(claim)
        begun = time.monotonic()
        eventually(lambda n=number: states(api, sweep)[n + 1 :][:1] != ["waiting"])  # type: ignore[misc]
        assert time.monotonic() - begun < 10, "the next run follows without the timer's help"
    eventually(lambda: api.must("GET", sweep)["properties"]["state"] == "succeeded")
    found = runs(api, sweep)
    assert [run["metric"] for run in found] == [0.5, 0.25, 0.75]
    assert [run["parameters"]["x"] for run in found] == [0.5, 1, 2]
    assert len(runs(api, sweep, maxresults=2)) == 2
    again = api.call("POST", f"{sweep}/rerun")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "SweepCannotRunAgain")
    assert api.call("DELETE", sweep).status_code == 202
    eventually(lambda: api.call("GET", sweep).status_code == 404)
    assert api.must("GET", f"{workspace}/experiments/experiment/jobs")["value"] == []
    assert api.call("DELETE", sweep).status_code == 204


def test_a_bad_sweep_is_refused_with_every_problem(api: RestApi, workspace: str) -> None:
    answer = api.call("PUT", sweep_path(workspace), document(api, workspace, maxConcurrent=0, maxFailures=0))
    assert answer.status_code == 400
    assert len(answer.json()["error"]["details"]) == 2


def test_a_dropped_sweep_runs_ends_early_and_is_done_again(api: RestApi, workspace: str) -> None:
    name = workspace.rpartition("/")[2]
    place = f"{name}/experiment/d"
    given = document(api, workspace, maxConcurrent=1, maxFailures=1)
    api.blobs.get_blob_client("jobs", f"{place}/sweep.json").upload_blob(json.dumps(given))
    sweep = sweep_path(workspace, "d")

    def status() -> dict[str, Any]:
        blob = api.blobs.get_blob_client("jobs", f"{place}/status.json")
        loaded: dict[str, Any] = json.loads(blob.download_blob().readall()) if blob.exists() else {}
        return loaded

    eventually(lambda: status().get("state") == "running")
    eventually(lambda: states(api, sweep)[0] == "queued")
    api.finish(api.claim(workspace), Reason.JOB_FAILED, 1)
    eventually(lambda: status().get("state") == "failed")
    assert status()["why"] == "MaxFailuresReached"
    assert states(api, sweep) == ["failed", "waiting", "waiting"]
    assert api.call("POST", f"{sweep}/rerun").status_code == 202
    eventually(lambda: states(api, sweep)[0] == "queued")
    assert api.call("POST", f"{sweep}/terminate").status_code == 202
    eventually(lambda: api.must("GET", sweep)["properties"]["state"] == "terminated")


def test_a_refused_drop_says_so_beside_it(api: RestApi, workspace: str) -> None:
    place = f"{workspace.rpartition('/')[2]}/experiment/bad"
    api.blobs.get_blob_client("jobs", f"{place}/sweep.json").upload_blob(b'{"properties": {}}')
    blob = api.blobs.get_blob_client("jobs", f"{place}/status.json")
    eventually(lambda: blob.exists() and json.loads(blob.download_blob().readall())["state"] == "refused")
