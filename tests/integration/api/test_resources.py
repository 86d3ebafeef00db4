"""Workspaces, experiments, clusters and file servers over HTTP."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.names.ids import ClusterId
from shared.stores.node_table import NodeRow, NodeTable
from tests.support.rest_api import CLUSTER, GROUP, ROOT, RestApi
from tests.support.waiting import eventually

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
FILE_SERVER = {
    "properties": {
        "vmSize": "STANDARD_NC6",
        "sshConfiguration": {
            "userAccountSettings": {"adminUserName": "me", "adminUserPassword": "correct-horse"}
        },
        "dataDisks": {"diskSizeInGB": 10, "diskCount": 2, "storageAccountType": "Standard_LRS"},
    }
}


def test_a_workspace_is_made_shown_tagged_and_deleted(api: RestApi) -> None:
    path = f"{ROOT}/w{uuid.uuid4().hex[:10]}"
    made = api.must("PUT", path, {"location": "North Europe"})
    assert list(made) == ["id", "name", "type", "location", "properties"]
    assert (made["id"], made["type"]) == (path, "Microsoft.BatchAI/workspaces")
    assert made["location"] == "northeurope"
    assert TIME.fullmatch(made["properties"]["creationTime"])
    assert api.must("PATCH", path, {"tags": {"a": "1"}})["tags"] == {"a": "1"}
    assert api.must("PUT", path, {"location": "northeurope"})["tags"] == {"a": "1"}
    assert api.must("PUT", path, {"location": "northeurope", "tags": {}}).get("tags") is None
    elsewhere = api.call("PUT", path, {"location": "westus"})
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (409, "InvalidResourceLocation")
    answer = api.call("DELETE", path)
    assert api.follow(answer)["status"] == "Succeeded"
    assert api.call("GET", path).json()["error"]["code"] == "WorkspaceNotFound"
    assert api.call("DELETE", path).status_code == 204


def test_names_ignore_case_and_keep_the_one_they_were_made_with(api: RestApi, workspace: str) -> None:
    upper = workspace.replace(workspace.rpartition("/")[2], workspace.rpartition("/")[2].upper())
    assert api.must("GET", upper)["id"] == workspace
    odd = workspace.replace("resourceGroups", "RESOURCEGROUPS").replace(
        "Microsoft.BatchAI", "microsoft.batchai"
    )
    assert api.must("GET", odd + "/EXPERIMENTS/Experiment")["name"] == "experiment"


def test_lists_come_in_pages_in_subscription_and_resource_group(api: RestApi) -> None:
    names = {f"p{uuid.uuid4().hex[:8]}" for _ in range(3)}
    for name in names:
        api.must("PUT", f"{ROOT}/{name}", {"location": "northeurope"})
    for base in (ROOT, ROOT.replace("/resourceGroups/batchai", "")):
        found, page = [], api.must("GET", base, maxresults=2)
        while True:
            assert len(page["value"]) <= 2
            found += [w["id"] for w in page["value"]]
            if "nextLink" not in page:
                break
            page = api.http.get(page["nextLink"]).json()
        assert {f"{ROOT}/{name}" for name in names} <= set(found)
        assert len(found) == len(set(found))


@pytest.mark.parametrize("text", ["0", "1001", "-1", "x", "1.5", "9" * 30, "٣"])
def test_maxresults_out_of_range_is_refused(api: RestApi, text: str) -> None:
    answer = api.call("GET", ROOT, maxresults=text)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidQueryParameterValue")


def test_an_experiment_needs_no_body(api: RestApi, workspace: str) -> None:
    made = api.must("PUT", f"{workspace}/experiments/other")
    assert made["type"] == "Microsoft.BatchAI/workspaces/experiments"
    assert [e["name"] for e in api.must("GET", f"{workspace}/experiments")["value"]] == [
        "experiment",
        "other",
    ]
    assert api.follow(api.call("DELETE", f"{workspace}/experiments/other"))["status"] == "Succeeded"
    gone = api.call("GET", f"{workspace}/experiments/other").json()
    assert gone["error"] == {
        "code": "ExperimentNotFound",
        "message": "The specified experiment other is not found",
    }


def test_a_cluster_looks_as_recorded(api: RestApi, workspace: str) -> None:
    answer = api.call("PUT", f"{workspace}/clusters/other", CLUSTER)
    assert (answer.status_code, answer.content) == (202, b"")
    assert "/operationresults/" in answer.headers["azure-asyncoperation"]
    assert "/operationstatuses/" in answer.headers["location"]
    message = api.follow(answer)
    assert message["status"] == "Succeeded"
    assert message["properties"]["resourceId"].endswith(f"batchai${workspace.rpartition('/')[2]}$other")
    properties = api.must("GET", f"{workspace}/clusters/other")["properties"]
    assert properties["allocationState"] == "resizing"
    assert properties["currentNodeCount"] == 0
    assert properties["nodeStateCounts"] == dict.fromkeys(
        ("runningNodeCount", "idleNodeCount", "unusableNodeCount", "preparingNodeCount", "leavingNodeCount"),
        0,
    )
    assert properties["scaleSettings"] == {
        "manual": {"targetNodeCount": 1, "nodeDeallocationOption": "requeue"}
    }
    assert properties["vmPriority"] == "dedicated"


def test_a_cluster_counts_its_nodes_and_shows_how_to_reach_them(api: RestApi, workspace: str) -> None:
    cluster = ClusterId(workspace.rpartition("/")[2], "cluster")
    table = api.stores.nodes
    table.report(NodeRow(cluster, "node-0", "running", 0, "10.0.0.4"))
    table.report(NodeRow(cluster, "node-1", "idle", 0, "10.0.0.5"))
    properties = api.must("GET", f"{workspace}/clusters/cluster")["properties"]
    assert (properties["currentNodeCount"], properties["allocationState"]) == (1, "steady"), "one is wanted"
    assert properties["nodeStateCounts"]["runningNodeCount"] == 1
    login = api.must("POST", f"{workspace}/clusters/cluster/listRemoteLoginInformation")
    assert login["value"][0] == {"nodeId": "node-0", "ipAddress": "10.0.0.4", "port": 22}
    scaled = api.must(
        "PATCH",
        f"{workspace}/clusters/cluster",
        {"properties": {"scaleSettings": {"manual": {"targetNodeCount": 2}}}},
    )
    assert scaled["properties"]["currentNodeCount"] == 2
    assert scaled["properties"]["allocationState"] == "steady"
    assert scaled["properties"]["userAccountSettings"] == CLUSTER["properties"]["userAccountSettings"]


def test_a_cluster_shows_how_many_nodes_its_jobs_need(api: RestApi, workspace: str) -> None:
    path = f"{workspace}/clusters/cluster"
    auto = {"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 4}}
    api.must("PATCH", path, {"properties": {"scaleSettings": auto}})
    assert api.must("GET", f"{path}/demand") == {"nodes": 0, "runningNodes": 0, "jobs": 0}
    api.job(workspace, "one")
    api.claim(workspace)
    api.job(workspace, "pair", nodeCount=2)
    api.job(workspace, "never", nodeCount=9)
    # A gang counts whole; a job that never fits asks for nothing
    assert api.must("GET", f"{path}/demand") == {"nodes": 3, "runningNodes": 1, "jobs": 3}
    answer = api.call("GET", f"{workspace}/clusters/none/demand")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ClusterNotFound")
    assert api.call("POST", f"{path}/demand").status_code == 405


def test_a_node_is_drained_and_serves_again(api: RestApi, workspace: str) -> None:
    cluster, path = ClusterId(workspace.rpartition("/")[2], "cluster"), f"{workspace}/clusters/cluster"
    api.stores.nodes.report(NodeRow(cluster, "n0", "running", 0, "10.0.0.4", "u", version="1.2"))
    shown = {"nodeId": "n0", "state": "running", "drain": False, "version": "1.2", "ipAddress": "10.0.0.4"}
    shown |= {"port": 22, "job": "u"}
    assert [untimed(node) for node in api.must("GET", f"{path}/nodes")["value"]] == [shown]
    drained = shown | {"state": "leaving", "drain": True}
    assert untimed(api.must("POST", f"{path}/nodes/n0/drain")) == drained
    assert [untimed(node) for node in api.must("GET", f"{path}/nodes")["value"]] == [drained]
    assert api.must("GET", path)["properties"]["nodeStateCounts"]["leavingNodeCount"] == 1
    assert untimed(api.must("POST", f"{path}/nodes/n0/undrain")) == shown
    answer = api.call("POST", f"{path}/nodes/n1/drain")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NodeNotFound")


def untimed(node: dict[str, Any]) -> dict[str, Any]:
    """A node as it is shown, but for when its row was written last."""
    written = datetime.fromisoformat(node["reportedAt"])
    assert abs(datetime.now(UTC) - written) < timedelta(minutes=5)
    return {name: value for name, value in node.items() if name != "reportedAt"}


def stands_by(table: NodeTable, cluster: ClusterId) -> bool:
    found = table.node(cluster, "node-0")
    assert found is not None
    return bool(found[0].standby)


@pytest.mark.parametrize(
    "zero",
    [
        {"manual": {"targetNodeCount": 0}},
        {"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 0}},
    ],
)
def test_a_cluster_that_is_resized_to_zero_has_no_nodes(
    api: RestApi, workspace: str, zero: dict[str, Any]
) -> None:
    """test_batchai_manual_scale_scenario of Microsoft's command line: resized to 0, it becomes steady with no
    nodes; a job waits until there is one again."""
    cluster, path = ClusterId(workspace.rpartition("/")[2], "cluster"), f"{workspace}/clusters/cluster"
    table = api.stores.nodes
    table.report(NodeRow(cluster, "node-0", "idle", 0, "10.0.0.4"))
    api.must("PATCH", path, {"properties": {"scaleSettings": zero}})
    properties = api.must("GET", path)["properties"]
    assert (properties["currentNodeCount"], properties["allocationState"]) == (0, "steady")
    assert set(properties["nodeStateCounts"].values()) == {0}
    assert api.must("POST", f"{path}/listRemoteLoginInformation")["value"] == []
    assert stands_by(table, cluster), "its runner hears of it"
    job = api.must("GET", api.job(workspace))["properties"]
    assert (job["executionState"], job["waiting"]["reason"]) == ("queued", "ScaledToZero")
    again = {"properties": {"scaleSettings": {"manual": {"targetNodeCount": 1}}}}
    api.must("PATCH", path, again)
    properties = api.must("GET", path)["properties"]
    assert (properties["currentNodeCount"], properties["allocationState"]) == (1, "steady")
    assert not stands_by(table, cluster)


def test_patch_switches_to_auto_scale_and_refuses_nonsense(api: RestApi, workspace: str) -> None:
    path = f"{workspace}/clusters/cluster"
    auto = {"minimumNodeCount": 0, "maximumNodeCount": 3}
    scaled = api.must("PATCH", path, {"properties": {"scaleSettings": {"autoScale": auto}}})
    assert scaled["properties"]["scaleSettings"] == {"autoScale": auto | {"initialNodeCount": 0}}
    wrong = {"properties": {"scaleSettings": {"autoScale": auto | {"minimumNodeCount": 9}}}}
    answer = api.call("PATCH", path, wrong)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["target"].endswith("minimumNodeCount")
    assert api.must("GET", path)["properties"]["scaleSettings"]["autoScale"]["minimumNodeCount"] == 0


def test_a_cluster_shows_no_secret_and_its_copy_holds_none(api: RestApi, workspace: str) -> None:
    document = json.loads(json.dumps(CLUSTER))
    document["properties"]["userAccountSettings"]["adminUserPassword"] = "correct-horse-battery"
    api.follow(api.call("PUT", f"{workspace}/clusters/secret", document))
    shown = api.must("GET", f"{workspace}/clusters/secret")
    assert shown["properties"]["userAccountSettings"] == CLUSTER["properties"]["userAccountSettings"]
    place = f"{workspace.rpartition('/')[2]}/secret/cluster.json"
    copy = api.blobs.get_blob_client("clusters", place).download_blob().readall()
    assert b"correct-horse-battery" not in copy
    created = shown["properties"]["creationTime"]
    # The trigger sees the copy and leaves the cluster as it is: its password is still known.
    revision = api.backend.clusters.get(ClusterId(workspace.rpartition("/")[2], "secret")).revision
    host = api.log.read_text
    eventually(lambda: host().count("cluster_dropped"), 10)
    spec = api.backend.clusters.spec(revision)
    assert spec.user_account_settings and spec.user_account_settings.admin_user_password
    assert api.must("GET", f"{workspace}/clusters/secret")["properties"]["creationTime"] == created


def test_a_dropped_cluster_makes_its_workspace(api: RestApi) -> None:
    name = f"w{uuid.uuid4().hex[:10]}"
    api.blobs.get_blob_client("clusters", f"{name}/dropped/cluster.json").upload_blob(json.dumps(CLUSTER))
    eventually(lambda: api.call("GET", f"{ROOT}/{name}/clusters/dropped").status_code == 200, 15)
    assert api.must("GET", f"{ROOT}/{name}")["location"] == "northeurope"


def test_deleting_a_cluster_terminates_its_jobs_and_waits_for_the_running_one(
    api: RestApi, workspace: str
) -> None:
    running, waiting = api.job(workspace, "a"), api.job(workspace, "b")
    claim = api.claim(workspace)
    answer = api.call("DELETE", f"{workspace}/clusters/cluster")
    assert api.follow(answer)["status"] == "InProgress"
    assert api.must("GET", f"{workspace}/clusters/cluster")["properties"]["provisioningState"] == "deleting"
    refused = api.call("PUT", f"{workspace}/experiments/experiment/jobs/c", api.document(workspace))
    assert refused.json()["error"]["code"] == "ClusterNotFound"
    states = {api.must("GET", job)["properties"]["executionState"] for job in (running, waiting)}
    assert states == {"terminating", "failed"}
    api.finish(claim)
    assert eventually(lambda: api.follow(answer)["status"] == "Succeeded")
    assert api.call("GET", f"{workspace}/clusters/cluster").json() == {
        "error": {
            "code": "ClusterNotFound",
            "message": "The specified compute training cluster and/or compute instance cluster is not found",
        }
    }
    assert api.must("GET", running)["properties"]["executionState"] == "succeeded", "jobs outlive clusters"


def test_deleting_a_workspace_takes_everything_in_it(api: RestApi, workspace: str) -> None:
    other = api.workspace()
    kept = api.job(other)
    api.job(workspace, "a")
    api.job(workspace, "b")
    claim = api.claim(workspace)
    answer = api.call("DELETE", workspace)
    assert api.follow(answer)["status"] == "InProgress"
    late = api.call("PUT", f"{workspace}/experiments/late")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "WorkspaceBeingDeleted")
    api.finish(claim)
    assert eventually(lambda: api.follow(answer)["status"] == "Succeeded")
    for inner in ("", "/experiments/experiment", "/clusters/cluster", "/experiments/experiment/jobs/a"):
        assert api.call("GET", workspace + inner).status_code == 404
    assert api.must("GET", kept)["properties"]["executionState"] == "queued"
    # Who writes a status.json meanwhile, as when the copy of a document is noticed, sees only afterwards that
    # the job is gone, and takes it away again.
    jobs, inside = api.blobs.get_container_client("jobs"), workspace.rpartition("/")[2] + "/"
    assert eventually(lambda: not list(jobs.list_blobs(inside)), 10)


def test_a_file_server_without_an_address_is_a_failed_operation(api: RestApi, workspace: str) -> None:
    path = f"{workspace}/fileServers/nfs"
    message = api.follow(api.call("PUT", path, FILE_SERVER))
    assert message["status"] == "Failed"
    assert message["error"]["code"] == "FileServerNotProvisioned"
    shown = api.must("GET", path)
    assert shown["type"] == "Microsoft.BatchAI/workspaces/fileServers"
    assert shown["properties"]["provisioningState"] == "failed"
    assert "correct-horse" not in json.dumps(shown)
    assert shown["properties"]["dataDisks"]["cachingType"] == "none"
    address = {"mountSettings": {"fileServerInternalIP": "10.0.0.9"}}
    given = {"properties": FILE_SERVER["properties"] | address}
    assert api.follow(api.call("PUT", path, given))["status"] == "Succeeded"
    settings = api.must("GET", path)["properties"]["mountSettings"]
    assert settings == {"mountPoint": "/mnt/data", "fileServerInternalIP": "10.0.0.9"}
    assert len(api.must("GET", f"{workspace}/fileServers")["value"]) == 1
    assert api.follow(api.call("DELETE", path))["status"] == "Succeeded"
    assert api.call("GET", path).json()["error"]["code"] == "FileServerNotFound"


def test_usages_and_operations(api: RestApi, workspace: str) -> None:
    base = GROUP.partition("/resourceGroups")[0]
    usages = api.must("GET", f"{base}/providers/Microsoft.BatchAI/locations/northeurope/usages")["value"]
    assert {u["unit"] for u in usages} == {"Count"}
    found = {u["name"]["value"]: (u["currentValue"], u["limit"]) for u in usages}
    assert found["Clusters"][0] >= 1 and found["Clusters"][1] == -1
    # Every cluster of these tests is of STANDARD_D1, and some of them want nodes.
    use, limit = found["Standard D Family Cluster Dedicated vCPUs"]
    assert 0 <= use <= limit or limit == -1
    assert found["Total Cluster Dedicated Regional vCPUs"][1] != 2_147_483_647
    operations = api.must("GET", "/providers/Microsoft.BatchAI/operations")["value"]
    assert "Microsoft.BatchAI/workspaces/experiments/jobs/write" in {o["name"] for o in operations}


def test_a_workspace_shows_what_its_jobs_have_used(api: RestApi, workspace: str) -> None:
    api.job(workspace, "used")
    api.finish(api.claim(workspace))
    api.job(workspace, "waits")
    reported = api.must("GET", f"{workspace}/usage", by="experiment")
    [line] = reported["value"]
    assert (line["name"], line["jobs"], line["attempts"]) == ("experiment", 2, 1)
    assert "estimatedCost" not in line and "currency" not in reported, "nobody has set a price"
    assert len(api.must("GET", f"{workspace}/usage", by="attempt")["value"]) == 1
    assert len(api.must("GET", f"{workspace}/usage", by="job")["value"]) == 2
    # This cluster has no pool: nobody knows its idle time
    [cluster] = api.must("GET", f"{workspace}/usage", by="cluster", since="2026-01-01")["value"]
    assert "idleNodeHours" not in cluster
    assert api.must("GET", f"{workspace}/usage", since="2999-01-01")["value"] == []
    [user] = api.must("GET", f"{workspace}/usage", by="user")["value"]
    assert (user["name"], user["jobs"], user["attempts"]) == ("anonymous", 2, 1)
    for query in ({"by": "colour"}, {"since": "yesterday"}):
        answer = api.call("GET", f"{workspace}/usage", **query)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidParameter")
