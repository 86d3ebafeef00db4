"""Jobs over HTTP: one path with the drop, idempotent PUT, terminate, delete, history."""

import json
import threading
from dataclasses import replace
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from api.blob_drops import take_job
from shared.errors import LostOwnershipError
from shared.jobs import transitions
from shared.jobs.model import Reason, State
from shared.names.ids import ClusterId, queue_name
from shared.stores.node_table import NodeRow
from tests.support.rest_api import RestApi
from tests.support.waiting import eventually

SECRET = "a-very-secret-value"


def blob(api: RestApi, job: str, name: str = "job.json") -> bytes | None:
    """What lies at the place of a job in the drop container."""
    try:
        return api.blobs.get_blob_client("jobs", f"{place(job)}/{name}").download_blob().readall()
    except ResourceNotFoundError:
        return None


def place(job: str) -> str:
    parts = job.split("/")
    return f"{parts[-5]}/{parts[-3]}/{parts[-1]}"


def status(api: RestApi, job: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(blob(api, job, "status.json") or b"{}")
    return loaded


def queue_of(workspace: str) -> str:
    return queue_name(ClusterId(workspace.rpartition("/")[2], "cluster"), "normal")


def drop(api: RestApi, job: str, document: dict[str, Any] | bytes) -> None:
    data = document if isinstance(document, bytes) else json.dumps(document)
    api.blobs.get_blob_client("jobs", f"{place(job)}/job.json").upload_blob(data, overwrite=True)


def state(api: RestApi, job: str) -> str:
    return str(api.must("GET", job)["properties"]["executionState"])


def test_a_job_is_accepted_shown_run_and_listed(api: RestApi, workspace: str) -> None:
    job = f"{workspace}/experiments/experiment/jobs/job"
    missing = api.call("GET", job)
    assert missing.json()["error"] == {"code": "JobNotFound", "message": "The specified job job is not found"}
    answer = api.call("PUT", job, api.document(workspace))
    assert (answer.status_code, answer.content) == (202, b"")
    message = api.follow(answer)
    assert message["status"] == "Succeeded"
    assert message["properties"]["resourceId"].endswith("$experiment$job")
    assert api.http.get(answer.headers["location"]).status_code == 204
    assert state(api, job) == "queued"
    claim = api.claim(workspace)
    assert state(api, job) == "running"
    api.finish(claim)
    info = api.must("GET", job)["properties"]["executionInfo"]
    assert info["exitCode"] == 0 and "errors" not in info
    assert [j["name"] for j in api.must("GET", f"{workspace}/experiments/experiment/jobs")["value"]] == [
        "job"
    ]


def test_a_put_shows_a_copy_without_secrets_that_runs_nothing(api: RestApi, workspace: str) -> None:
    job = api.job(workspace, secrets=[{"name": "TOKEN", "value": SECRET}])
    uuid = api.must("GET", job)["properties"]["jobOutputDirectoryPathSegment"].rpartition("/")[2]
    copy = json.loads(blob(api, job) or b"")
    assert copy["properties"]["secrets"] == [{"name": "TOKEN"}]
    assert copy["properties"]["mountVolumes"]["azureFileShares"][0]["credentials"] == {}
    for text in (blob(api, job), blob(api, job, "status.json"), api.call("GET", job).content):
        assert text and SECRET.encode() not in text and api.key.encode() not in text
    claim = api.claim(workspace)
    assert claim.spec.secrets[0].value and claim.spec.secrets[0].value.get_secret_value() == SECRET
    api.finish(claim)
    # Dropped again unchanged, as a rescan of the container would deliver it, it asks for nothing.
    api.blobs.get_blob_client("jobs", f"{place(job)}/status.json").delete_blob()
    drop(api, job, blob(api, job) or b"")
    eventually(lambda: status(api, job).get("state") == "succeeded")
    runs = api.must("GET", f"{job}/runs")["value"]
    assert [run["name"] for run in runs] == [uuid]


def test_an_edited_copy_is_a_document_of_its_own(api: RestApi, workspace: str) -> None:
    job = api.job(workspace)
    first = api.must("GET", job)["properties"]["jobOutputDirectoryPathSegment"]
    api.finish(api.claim(workspace))
    edited = json.loads(blob(api, job) or b"")
    edited["properties"]["customToolkitSettings"]["commandLine"] = "echo edited"
    shares = edited["properties"]["mountVolumes"]["azureFileShares"]
    shares[0]["credentials"] = {"accountKey": api.key}
    drop(api, job, edited)

    def second() -> bool:
        shown = api.must("GET", job)["properties"]
        return bool(shown["jobOutputDirectoryPathSegment"] != first and shown["executionState"] == "queued")

    eventually(second, 15)
    runs = api.must("GET", f"{job}/runs")["value"]
    assert [run["properties"]["executionState"] for run in runs] == ["succeeded", "queued"]
    page = api.must("GET", f"{job}/runs", maxresults=1)
    assert len(page["value"]) == 1
    assert api.http.get(page["nextLink"]).json()["value"][0]["name"] == runs[1]["name"]


def test_the_same_document_again_is_the_same_job_live_and_ended(api: RestApi, workspace: str) -> None:
    job, document = f"{workspace}/experiments/experiment/jobs/job", api.document(workspace)
    assert api.call("PUT", job, document).status_code == 202
    first = api.must("GET", job)
    again = api.must("PUT", job, document)
    assert (
        again["properties"]["jobOutputDirectoryPathSegment"]
        == first["properties"]["jobOutputDirectoryPathSegment"]
    )
    # The order of members and white space say nothing.
    assert api.must("PUT", job, json.dumps(document, indent=4, sort_keys=True).encode())["id"] == job
    api.finish(api.claim(workspace))
    assert api.must("PUT", job, document)["properties"]["executionState"] == "succeeded"
    assert len(api.must("GET", f"{job}/runs")["value"]) == 1


def test_another_document_under_the_name_is_a_conflict(api: RestApi, workspace: str) -> None:
    job = api.job(workspace, secrets=[{"name": "TOKEN", "value": "one"}])
    other = api.document(workspace, secrets=[{"name": "TOKEN", "value": "two"}])
    for _ in range(2):
        answer = api.call("PUT", job, other)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "JobAlreadyExists")
        if state(api, job) == "queued":
            api.finish(api.claim(workspace))


def test_many_puts_at_once_are_one_job(api: RestApi, workspace: str) -> None:
    job, document = f"{workspace}/experiments/experiment/jobs/job", api.document(workspace)
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(api.call("PUT", job, document).status_code))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] * 5 + [202]
    api.finish(api.claim(workspace))
    assert len(api.must("GET", f"{job}/runs")["value"]) == 1


def test_put_of_a_live_dropped_document_finds_the_drop(api: RestApi, workspace: str) -> None:
    job, document = f"{workspace}/experiments/experiment/jobs/job", api.document(workspace)
    drop(api, job, document)
    eventually(lambda: api.call("GET", job).status_code == 200, 15)
    dropped = blob(api, job)
    assert api.must("PUT", job, document)["properties"]["executionState"] == "queued"
    assert blob(api, job) == dropped, "what somebody dropped stays as it is"


def test_a_drop_makes_its_workspace_and_experiment_but_a_put_does_not(api: RestApi, workspace: str) -> None:
    job = f"{workspace}/experiments/made/jobs/job"
    refused = api.call("PUT", job, api.document(workspace))
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "ExperimentNotFound")
    nowhere = api.call("PUT", job.replace(workspace, workspace + "x"), api.document(workspace))
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "WorkspaceNotFound")
    drop(api, job, api.document(workspace))
    eventually(lambda: api.call("GET", f"{workspace}/experiments/made").status_code == 200, 15)


def test_a_refused_put_writes_nothing(api: RestApi, workspace: str) -> None:
    job = f"{workspace}/experiments/experiment/jobs/job"
    document = api.document(workspace, nodeCount="many", customToolkitSettings={})
    answer = api.call("PUT", job, document)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "InvalidRequestContent")
    assert {"$.properties.nodeCount"} <= {d["target"] for d in error["details"]}
    unknown = api.document(workspace, cluster={"id": f"{workspace}/clusters/none"})
    answer = api.call("PUT", job, unknown)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ClusterNotFound")
    assert api.call("GET", job).status_code == 404
    assert blob(api, job) is None and blob(api, job, "status.json") is None


def test_terminate_a_queued_a_running_and_an_ended_job(api: RestApi, workspace: str) -> None:
    job = api.job(workspace, "first")
    claim = api.claim(workspace)
    waiting = api.job(workspace, "second")
    assert api.follow(api.call("POST", f"{waiting}/terminate"))["status"] == "Succeeded"
    info = api.must("GET", waiting)["properties"]["executionInfo"]
    assert info["errors"][0]["code"] == "JobTerminated" and "exitCode" not in info
    answer = api.call("POST", f"{job}/terminate")
    assert api.follow(answer)["status"] == "InProgress"
    assert api.http.get(answer.headers["location"]).status_code == 202
    assert state(api, job) == "terminating"
    api.finish(claim, Reason.TERMINATED, None)
    assert api.follow(answer)["status"] == "Succeeded"
    assert api.http.get(answer.headers["location"]).status_code == 204
    before = api.must("GET", job)
    assert api.follow(api.call("POST", f"{job}/terminate"))["status"] == "Succeeded"
    assert api.must("GET", job) == before
    nothing = api.call("POST", f"{workspace}/experiments/experiment/jobs/none/terminate")
    assert nothing.json()["error"]["code"] == "JobNotFound"


def test_a_running_job_is_deleted_once_its_runner_has_stopped_it(api: RestApi, workspace: str) -> None:
    job = api.job(workspace)
    claim = api.claim(workspace)
    answer = api.call("DELETE", job)
    assert api.follow(answer)["status"] == "InProgress"
    shown = api.must("GET", job)["properties"]
    assert (shown["provisioningState"], shown["executionState"]) == ("deleting", "terminating")
    conflict = api.call("PUT", job, api.document(workspace))
    assert (conflict.status_code, conflict.json()["error"]["code"]) == (409, "ResourceBeingDeleted")
    lease, seen = api.backend.attempts.renew(claim.job, claim.lease)
    assert seen.state is State.TERMINATING, "the runner is asked, and keeps its lease meanwhile"
    api.finish(replace(claim, lease=lease), Reason.TERMINATED, None)
    assert api.call("GET", job).status_code == 404
    assert api.follow(answer)["status"] == "Succeeded"
    assert blob(api, job) is None and blob(api, job, "status.json") is None
    assert api.call("DELETE", job).status_code == 204
    assert api.follow(api.call("PUT", job, api.document(workspace)))["status"] == "Succeeded"
    assert api.must("GET", job)["properties"]["executionState"] == "queued"
    assert api.follow(answer)["status"] == "Succeeded", "the new job is not the deleted one"


def test_a_deletion_ends_although_the_runner_crashed_after_its_last_write(
    api: RestApi, workspace: str
) -> None:
    job = api.job(workspace)
    claim = api.claim(workspace)
    api.call("DELETE", job)
    manager = api.backend.manager
    # What the runner writes last, and then it dies: the row is there, ended and marked.
    current = manager.get(claim.job.id)
    api.stores.jobs.end(transitions.finish(current, transitions.TERMINATED, manager.now()))
    eventually(lambda: api.call("GET", job).status_code == 404, 30)


def test_deleting_takes_the_history_and_gives_a_new_uuid_to_the_next(api: RestApi, workspace: str) -> None:
    job = api.job(workspace)
    first = api.must("GET", job)["properties"]["jobOutputDirectoryPathSegment"]
    uuid = first.rpartition("/")[2]
    api.finish(api.claim(workspace))
    assert api.follow(api.call("DELETE", job))["status"] == "Succeeded"
    assert api.call("GET", f"{job}/runs").status_code == 404
    accepted = api.blobs.get_blob_client("accepted", f"{uuid}.json")
    assert not accepted.exists()
    api.job(workspace)
    assert api.must("GET", job)["properties"]["jobOutputDirectoryPathSegment"] != first
    assert len(api.must("GET", f"{job}/runs")["value"]) == 1


def test_a_runner_whose_job_vanished_stops_and_writes_nothing(api: RestApi, workspace: str) -> None:
    api.job(workspace)
    claim = api.claim(workspace)
    api.stores.jobs.delete(api.backend.manager.get(claim.job.id))
    try:
        api.backend.attempts.renew(claim.job, claim.lease)
    except LostOwnershipError:
        return
    raise AssertionError("the lease held")


def test_the_nodes_of_a_job_are_those_that_work_on_it(api: RestApi, workspace: str) -> None:
    job = api.job(workspace)
    claim = api.claim(workspace)
    cluster = ClusterId(workspace.rpartition("/")[2], "cluster")
    for node, uuid in (("node-0", claim.job.uuid), ("node-1", "")):
        row = NodeRow(cluster, node, "running" if uuid else "idle", 0, "10.0.0.4", job=uuid)
        api.stores.nodes.report(row)
    found = api.must("POST", f"{job}/listRemoteLoginInformation")["value"]
    assert found == [{"nodeId": "node-0", "ipAddress": "10.0.0.4", "port": 22}]


def test_jobs_come_in_pages(api: RestApi, workspace: str) -> None:
    for name in ("a", "b", "c"):
        api.job(workspace, name)
    page = api.must("GET", f"{workspace}/experiments/experiment/jobs", maxresults=2)
    assert [job["name"] for job in page["value"]] == ["a", "b"]
    rest = api.http.get(page["nextLink"]).json()
    assert [job["name"] for job in rest["value"]] == ["c"]
    assert "nextLink" not in rest


def test_a_put_that_crashed_after_its_row_is_finished_by_the_next_one(api: RestApi, workspace: str) -> None:
    job = api.job(workspace, secrets=[{"name": "TOKEN", "value": SECRET}])
    document = api.document(workspace, secrets=[{"name": "TOKEN", "value": SECRET}])
    # As after a crash between row and message: no message, no copy, no status.json.
    message = api.stores.queues.receive(queue_of(workspace), 30)
    assert message is not None
    api.stores.queues.delete(message.queue, message.message_id, message.pop_receipt)
    for name in ("job.json", "status.json"):
        eventually(lambda: blob(api, job, "status.json"))
        api.blobs.get_blob_client("jobs", f"{place(job)}/{name}").delete_blob()
    api.must("PUT", job, document)
    assert blob(api, job) and status(api, job)["state"] == "queued"
    assert api.claim(workspace).job.id.job == "job"


def test_a_copy_that_arrives_after_its_job_is_gone_runs_nothing(api: RestApi, workspace: str) -> None:
    job = api.job(workspace)
    copy = blob(api, job) or b""
    assert api.follow(api.call("DELETE", job))["status"] == "Succeeded"
    take_job(api.backend, f"jobs/{place(job)}/job.json", copy, "0x1")
    assert api.call("GET", job).status_code == 404


def test_a_drop_at_the_same_moment_as_a_put_is_one_run(api: RestApi, workspace: str) -> None:
    job, document = f"{workspace}/experiments/experiment/jobs/job", api.document(workspace)
    data = json.dumps(document).encode()
    racers = [
        threading.Thread(target=lambda: api.call("PUT", job, document)),
        threading.Thread(target=lambda: take_job(api.backend, f"jobs/{place(job)}/job.json", data, "0x1")),
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    api.finish(api.claim(workspace))
    assert len(api.must("GET", f"{job}/runs")["value"]) == 1


def test_jobs_are_listed_by_state_time_and_prefix(api: RestApi, workspace: str) -> None:
    jobs = f"{workspace}/experiments/experiment/jobs"
    for name in ("one-a", "one-b", "two-a"):
        api.job(workspace, name)
    api.finish(api.claim(workspace), Reason.JOB_FAILED, 1)
    api.claim(workspace)

    def names(**query: Any) -> list[str]:
        return [job["name"] for job in api.must("GET", jobs, **query)["value"]]

    assert names(state="failed") == ["one-a"]
    assert names(State="Running") == ["one-b"]
    assert names(state="queued") == ["two-a"]
    assert names(prefix="one") == ["one-a", "one-b"]
    assert names(prefix="one", state="running", createdafter="2018-01-01") == ["one-b"]
    created = api.must("GET", f"{jobs}/one-b")["properties"]["creationTime"]
    assert names(createdafter=created)[-1] == "one-b"
    assert names(createdbefore=created) == ["one-a"]
    assert names(createdafter="2018-11-23T10:00:00 01:00")[0] == "two-a"
    page = api.must("GET", jobs, createdafter="2018-11-23", maxresults=2)
    assert [job["name"] for job in page["value"]] == ["two-a", "one-b"]
    assert [job["name"] for job in api.http.get(page["nextLink"]).json()["value"]] == ["one-a"]
    for wrong in (
        {"state": "done"},
        {"createdafter": "yesterday"},
        {"createdbefore": "9999-99-99"},
        {"createdafter": "0001-01-01T00:00:00+23:59"},
        {"prefix": "a/b"},
        {"prefix": "a" * 65},
        {"$skiptoken": "*x"},
    ):
        refused = api.call("GET", jobs, **wrong)
        assert refused.status_code == 400, wrong
        assert refused.json()["error"]["code"] == "InvalidQueryParameterValue"
