"""Who asked for what, as the function app's log, the job's history and the limits show it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.api.test_roles import CONTRIBUTOR, READER, principal
from tests.support.rest_api import CLUSTER, VERSION, RestApi
from tests.support.rest_api import rest_api as start
from tests.support.waiting import eventually

LIMITS = {
    "over": "wait",
    "workspaces": {"*": {"liveJobs": 1, "gpuHours": 10}},
    "submitters": {"bob@x": {"nodes": 0}},
}
ADA = {"x-ms-client-principal": principal(CONTRIBUTOR), "x-ms-client-principal-name": "ada@x"}
BOB = ADA | {"x-ms-client-principal-name": "bob@x"}
EVE = {"x-ms-client-principal": principal(READER), "x-ms-client-principal-name": "eve@x"}

As = Callable[[dict[str, str]], RestApi]


@pytest.fixture(scope="module")
def signed_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestApi]:
    settings = {"BATCHAI_HTTP_ROLES": "entra", "BATCHAI_LIMITS": json.dumps(LIMITS)}
    with start(tmp_path_factory.mktemp("audit"), **settings) as running:
        yield running


@pytest.fixture
def by(signed_in: RestApi) -> Iterator[As]:
    """The API as somebody uses it."""

    def use(who: dict[str, str]) -> RestApi:
        for name in ADA:
            signed_in.http.headers.pop(name, None)
        signed_in.http.headers.update(who)
        return signed_in

    yield use
    use({})


def lines(api: RestApi) -> list[dict[str, Any]]:
    """The audit log, oldest first, without what requests of other tests left."""
    found = [
        line.partition("audit {")[2] for line in api.log.read_text("utf-8").splitlines() if "audit {" in line
    ]
    return [json.loads("{" + text) for text in found]


def about(api: RestApi, path: str) -> list[tuple[str, ...]]:
    keys = ("act", "kind", "by", "outcome", "code")
    return [
        tuple(str(line.get(key, "")) for key in keys) for line in lines(api) if line.get("resource") == path
    ]


def events(api: RestApi, job: str) -> list[tuple[str, str]]:
    shown = api.must("GET", job)["properties"]["timeline"]["events"]
    return [(event["event"], event.get("detail", "")) for event in shown]


def test_who_submitted_terminated_and_deleted_a_job(by: As) -> None:
    api = by(ADA)
    workspace = api.workspace()
    job = api.job(workspace)
    uuid = api.must("GET", job)["properties"]["jobOutputDirectoryPathSegment"].rpartition("/")[2]
    assert by(EVE).call("DELETE", job).status_code == 403
    assert by({}).call("DELETE", job).status_code == 401
    assert by(BOB).call("POST", f"{job}/terminate").status_code == 202
    assert events(by(ADA), job) == [
        ("Queued", "by ada@x"),
        ("TerminationRequested", "by bob@x"),
        ("Ended", "JobTerminated"),
    ]
    assert by(BOB).call("DELETE", job).status_code == 202
    assert about(api, job) == [
        ("submit", "job", "ada@x", "accepted", ""),
        ("delete", "job", "eve@x", "refused", "AuthorizationFailed"),
        ("delete", "job", "unknown", "refused", "AuthenticationFailed"),
        ("terminate", "job", "bob@x", "accepted", ""),
        ("delete", "job", "bob@x", "accepted", ""),
    ]
    runs = [line for line in lines(api) if line["resource"] == job and line["outcome"] == "accepted"]
    assert {(line["uuid"], line["trace"]) for line in runs} == {(uuid, uuid.replace("-", ""))}


def test_of_a_running_job_that_is_deleted_the_history_says_who_asked(by: As) -> None:
    api = by(ADA)
    workspace = api.workspace()
    job = api.job(workspace)
    claim = api.claim(workspace)
    assert by(BOB).call("DELETE", job).status_code == 202
    found = by(ADA).backend.manager.get(claim.job.id)
    assert [event.detail for event in found.events if event.kind == "TerminationRequested"] == ["by bob@x"]


def test_clusters_workspaces_and_sweeps_are_acts_too(by: As) -> None:
    api = by(ADA)
    workspace = api.workspace()
    cluster = f"{workspace}/clusters/cluster"
    api.call("PATCH", cluster, {"properties": {"scaleSettings": {"manual": {"targetNodeCount": 2}}}})
    by(EVE).call("PUT", f"{workspace}/clusters/other", CLUSTER)
    sweep = f"{workspace}/experiments/experiment/sweeps/s"
    by(BOB).call("PUT", sweep, {"properties": {}})
    by(BOB).call("DELETE", workspace)
    assert about(api, cluster) == [
        ("create", "cluster", "ada@x", "accepted", ""),
        ("update", "cluster", "ada@x", "accepted", ""),
    ]
    assert about(api, f"{workspace}/clusters/other") == [
        ("create", "cluster", "eve@x", "refused", "AuthorizationFailed")
    ]
    assert about(api, sweep) == [("submit", "sweep", "bob@x", "refused", "InvalidRequestContent")]
    assert about(api, workspace)[-1] == ("delete", "workspace", "bob@x", "accepted", "")


def test_a_drop_was_submitted_by_storage(by: As) -> None:
    api = by(ADA)
    workspace = api.workspace()
    name = workspace.rpartition("/")[2]
    place = f"{name}/experiment/dropped/job.json"
    client = api.blobs.get_blob_client("jobs", place)
    client.upload_blob(json.dumps(api.document(workspace)))

    def dropped() -> list[dict[str, Any]]:
        return [line for line in lines(api) if line.get("blob") == f"jobs/{place}"]

    eventually(dropped)
    line = dropped()[0]
    assert (line["by"], line["outcome"], line["act"]) == ("storage", "accepted", "submit")
    assert line["resource"] == f"{workspace}/experiments/experiment/jobs/dropped" and line["uuid"]
    status = json.loads(
        api.blobs.get_blob_client("jobs", place.replace("job.", "status.")).download_blob().readall()
    )
    assert status["submittedBy"] == "storage"
    assert status["timeline"]["events"][0]["detail"] == "by storage"


def test_no_key_no_token_and_nothing_of_a_document_is_in_the_log(by: As) -> None:
    api = by(ADA)
    workspace = api.workspace()
    api.job(workspace)
    text = "\n".join(json.dumps(line) for line in lines(api))
    assert api.key not in text and principal(CONTRIBUTOR) not in text and "stdOutErrPathPrefix" not in text


def test_limits_and_what_is_used_of_them(by: As) -> None:
    api = by(ADA)
    workspace = api.workspace()
    name = workspace.rpartition("/")[2]
    api.job(workspace, "first")
    api.job(workspace, "second")
    by(BOB).call("PUT", f"{workspace}/experiments/experiment/jobs/his", api.document(workspace))
    assert about(api, f"{workspace}/experiments/experiment/jobs/his")[0][-2:] == ("refused", "QuotaExceeded")
    shown = by(EVE).must("GET", f"{workspace}/limits")
    assert shown["over"] == "wait"
    assert shown["value"] == [
        {
            "of": "workspace",
            "name": name,
            "liveJobs": {"used": 1, "limit": 1},
            "nodes": {"used": 1},
            "gpuHours": {"used": 0.0, "limit": 10},
            "waiting": 1,
        },
        {
            "of": "submitter",
            "name": "ada@x",
            "liveJobs": {"used": 1},
            "nodes": {"used": 1},
            "gpuHours": {"used": 0.0},
            "waiting": 1,
            "fairShare": {"liveJobs": 1.0},
        },
        {
            "of": "submitter",
            "name": "bob@x",
            "liveJobs": {"used": 0},
            "nodes": {"used": 0, "limit": 0},
            "gpuHours": {"used": 0.0},
            "waiting": 0,
            "fairShare": {"liveJobs": 0.0},
        },
    ]
    waits = api.must("GET", f"{workspace}/experiments/experiment/jobs/second")["properties"]["waiting"]
    assert waits["message"] == (
        f"workspace {name} has 1 live jobs of 1; ada@x has 1, a fair share is 1; no other job waits for it"
    )
    assert waits["quota"] == {
        "submitter": "ada@x",
        "of": "workspace",
        "limited": "liveJobs",
        "used": 1,
        "limit": 1,
        "submitterUses": 1,
        "fairShare": 1.0,
        "place": 1,
        "waiting": 1,
        "next": "ada@x",
    }


def test_submitters_come_in_pages(by: As) -> None:
    api = by(ADA)
    workspace = api.workspace()
    api.job(workspace)
    first = api.must("GET", f"{workspace}/limits", maxresults=1)
    assert [line["name"] for line in first["value"][1:]] == ["ada@x"]
    second = api.http.get(first["nextLink"]).json()
    assert [line["name"] for line in second["value"]] == ["bob@x"] and "nextLink" not in second
    assert api.call("GET", f"{workspace}-none/limits").status_code == 404
    assert api.http.get(f"{api.url}{workspace}/limits").status_code == 400  # no api-version
    assert api.call("GET", f"{workspace}/limits", **{"api-version": f"{VERSION}-ours"}).status_code == 200
