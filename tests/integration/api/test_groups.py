"""Resource groups: any of them works, and what lies in one is apart from what lies in another."""

import json
import uuid
from typing import Any

import pytest

from shared.names.ids import JobId
from tests.support.rest_api import CLUSTER, ROOT, RestApi
from tests.support.waiting import eventually


@pytest.fixture
def group() -> str:
    return f"My.group-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def root(group: str) -> str:
    return ROOT.replace("/batchai/", f"/{group}/")


def listed(api: RestApi, path: str, **query: Any) -> list[str]:
    """The ids of a list, page after page."""
    found, page = [], api.must("GET", path, **query)
    while True:
        found += [resource["id"] for resource in page["value"]]
        if "nextLink" not in page:
            return found
        page = api.http.get(page["nextLink"]).json()


def test_a_workspace_of_the_same_name_in_two_groups(api: RestApi, workspace: str, root: str) -> None:
    name = workspace.rpartition("/")[2]
    assert listed(api, root) == []
    assert api.call("GET", f"{root}/{name}").status_code == 404
    other = api.must("PUT", f"{root}/{name}", {"location": "westus", "tags": {"a": "b"}})
    assert (other["id"], other["name"], other["location"]) == (f"{root}/{name}", name, "westus")
    assert "tags" not in api.must("GET", workspace)
    assert listed(api, root) == [other["id"]]
    assert other["id"] not in listed(api, ROOT)
    whole = listed(api, ROOT.replace("/resourceGroups/batchai", ""), maxresults=1)
    assert {workspace, other["id"]} <= set(whole)
    assert len(whole) == len(set(whole))
    assert api.must("GET", f"{root.upper()}/{name}".replace("MICROSOFT", "Microsoft"))["id"] == other["id"]
    page = api.must("GET", root, maxresults=1, **{"$skiptoken": f"batchai/{name}"})
    assert all(resource["id"].startswith(root) for resource in page["value"]), (
        "a token leads to no other group"
    )


def test_a_job_in_another_group(api: RestApi, workspace: str, group: str, root: str) -> None:
    name = workspace.rpartition("/")[2]
    theirs = api.workspace(root, name)
    assert listed(api, f"{theirs}/clusters") == [f"{theirs}/clusters/cluster"]
    job = api.job(theirs)
    assert api.call("GET", job.replace(theirs, workspace)).status_code == 404
    shown = api.must("GET", job)
    assert shown["id"] == job
    properties = shown["properties"]
    assert properties["cluster"]["id"] == f"{theirs}/clusters/cluster"
    segment = (
        f"00000000-0000-0000-0000-000000000000/{group}/workspaces/{name}/experiments/experiment/jobs/job/"
    )
    assert properties["jobOutputDirectoryPathSegment"].startswith(segment)
    claim = api.claim(theirs)
    assert claim.job.id == JobId(f"{group}/{name}", "experiment", "job")
    assert api.must("POST", f"{job}/listOutputFiles", outputdirectoryid="stdouterr")["value"] == []
    api.finish(claim)
    assert listed(api, f"{theirs}/experiments/experiment/jobs") == [job]
    place = f"{group}/{name}/experiment/job"
    status = json.loads(api.blobs.get_blob_client("jobs", f"{place}/status.json").download_blob().readall())
    assert (status["state"], status["id"]) == ("succeeded", job)
    deleted = api.call("DELETE", theirs)
    operation = eventually(lambda: (reported := api.follow(deleted))["status"] == "Succeeded" and reported)
    assert operation["properties"]["resourceId"].endswith(f"${group}${name}")
    assert listed(api, root) == []
    assert api.must("GET", workspace)["name"] == name


def test_a_bare_cluster_name_is_one_of_the_job_s_group_and_an_id_may_name_another(
    api: RestApi, workspace: str, root: str
) -> None:
    theirs = api.workspace(root)
    experiment = f"{theirs}/experiments/experiment/jobs"
    document = api.document(theirs)
    document["properties"]["cluster"] = {"id": "cluster"}
    assert api.call("PUT", f"{experiment}/near", document).status_code == 202
    shown = api.must("GET", f"{experiment}/near")["properties"]
    assert shown["cluster"]["id"] == f"{theirs}/clusters/cluster"
    document["properties"]["cluster"] = {"id": f"{workspace}/clusters/cluster"}
    assert api.call("PUT", f"{experiment}/far", document).status_code == 202
    claim = api.claim(workspace)
    assert api.must("GET", f"{experiment}/far")["properties"]["executionState"] == "running"
    api.finish(claim)
    document["properties"]["cluster"] = {"id": f"{root}/nowhere/clusters/cluster"}
    missing = api.call("PUT", f"{experiment}/lost", document)
    assert missing.json()["error"]["code"] == "ClusterNotFound"


def test_a_drop_may_name_its_group(api: RestApi, group: str, root: str) -> None:
    document = api.document(f"{root}/dropped")
    del document["properties"]["cluster"]
    document["properties"]["cluster"] = {"id": "cluster"}
    put = api.blobs.get_container_client
    put("clusters").upload_blob(f"{group}/dropped/cluster/cluster.json", json.dumps(CLUSTER))
    put("jobs").upload_blob(f"{group}/dropped/e/j/job.json", json.dumps(document))
    job = f"{root}/dropped/experiments/e/jobs/j"
    assert eventually(lambda: api.call("GET", job).status_code == 200, 20)
    assert api.must("GET", f"{root}/dropped/clusters/cluster")["id"] == f"{root}/dropped/clusters/cluster"
    assert listed(api, root) == [f"{root}/dropped"]
