"""Every operation of Microsoft's specification, with everything a resource can show; conftest's judge holds
each answer against its schema."""

from typing import Any

import httpx
import pytest

from shared.jobs.model import Reason
from tests.support.rest_api import CLUSTER, ROOT, RestApi
from tests.support.specification import BEYOND, Specification

SERVER = {
    "vmSize": "STANDARD_NC6",
    "sshConfiguration": {
        "publicIPsToAllow": ["10.0.0.0/8"],
        "userAccountSettings": {"adminUserName": "me", "adminUserPassword": "p4ssw0rd-x"},
    },
    "dataDisks": {"diskSizeInGB": 10, "diskCount": 1, "storageAccountType": "Standard_LRS"},
}
RICH_CLUSTER = {
    "vmPriority": "lowpriority",
    "nodeSetup": {
        "setupTask": {
            "commandLine": "true",
            "stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/x",
            "environmentVariables": [{"name": "A", "value": "b"}],
            "secrets": [{"name": "S", "value": "s3cr3t-value"}],
        },
        "mountVolumes": {
            "azureBlobFileSystems": [
                {
                    "accountName": "account",
                    "containerName": "data",
                    "credentials": {"accountKey": "a2V5"},
                    "relativeMountPath": "x",
                }
            ]
        },
    },
}
RICH_JOB: dict[str, Any] = {
    "schedulingPriority": "high",
    "constraints": {"maxWallClockTime": "PT1H"},
    "environmentVariables": [{"name": "A", "value": "b"}],
    "secrets": [{"name": "S", "value": "s3cr3t-value"}],
    "inputDirectories": [{"id": "IN", "path": "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs/in"}],
    "outputDirectories": [{"id": "OUT", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs", "pathSuffix": "x"}],
    "jobPreparation": {"commandLine": "true"},
}


@pytest.fixture
def spec(judge: Specification | None) -> Specification:
    if judge is None:
        pytest.skip("no specification at hand")
    judge.seen.clear()
    return judge


def test_every_operation_answers_by_its_schema(api: RestApi, workspace: str, spec: Specification) -> None:
    _provider_and_workspaces(api, workspace)
    _clusters(api, workspace)
    _file_servers(api, workspace)
    _jobs(api, workspace)
    for path in ("/clusters/rich", "/experiments/experiment", ""):
        api.call("GET", workspace + path)
        taken(api.call("DELETE", workspace + path))
    good = {name for name, status in spec.seen if status < 300}
    assert good == spec.operations(), spec.operations() - good


def test_errors_of_every_operation_have_the_form_of_the_specification(
    api: RestApi, spec: Specification
) -> None:
    for path, methods in spec.document["paths"].items():
        filled = path.replace("{subscriptionId}", "none")
        for name in ("resourceGroup", "workspace", "experiment", "job", "cluster", "fileServer"):
            filled = filled.replace(f"{{{name}Name}}", "none")
        for method in methods:
            answer = api.call(method.upper(), filled.replace("{location}", "none"), **{"api-version": "1999"})
            assert answer.status_code == 400
    assert {name for name, status in spec.seen if status == 400} == spec.operations()


def test_the_judge_refuses_what_the_specification_does_not_declare(spec: Specification) -> None:
    good = {"id": "i", "name": "n", "type": "t", "properties": {"creationTime": "2018-01-01T00:00:00.000Z"}}
    spec.hold("Experiment", good)
    wrong: list[dict[str, Any]] = [
        good | {"more": 1},
        good | {"id": 1},
        good | {"properties": {"creationTime": "yesterday"}},
        good | {"properties": {"provisioningState": "done"}},
        {"name": "n", "type": "t"},
    ]
    for body in wrong:
        with pytest.raises((AssertionError, ValueError)):
            spec.hold("Experiment", body)
    assert set(BEYOND) == {"JobProperties"}


def taken(answer: httpx.Response) -> None:
    assert answer.status_code == 202, answer.text


def _provider_and_workspaces(api: RestApi, workspace: str) -> None:
    subscription = ROOT.partition("/resourceGroups")[0] + "/providers/Microsoft.BatchAI"
    for path in (f"{subscription}/workspaces", ROOT, f"{subscription}/locations/northeurope/usages"):
        assert api.must("GET", path)["value"]
    assert api.must("GET", "/providers/Microsoft.BatchAI/operations")["value"]
    api.must("PUT", workspace, {"location": "northeurope", "tags": {"a": "a"}})
    api.must("PUT", f"{workspace}/experiments/experiment")
    api.must("PATCH", workspace, {"tags": {"a": "b"}})
    api.must("GET", f"{workspace}/experiments")


def _clusters(api: RestApi, workspace: str) -> None:
    cluster = {"properties": CLUSTER["properties"] | RICH_CLUSTER}
    taken(api.call("PUT", f"{workspace}/clusters/rich", cluster))
    auto = {"properties": {"scaleSettings": {"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 2}}}}
    api.must("PATCH", f"{workspace}/clusters/rich", auto)
    assert len(api.must("GET", f"{workspace}/clusters")["value"]) == 2
    api.must("POST", f"{workspace}/clusters/rich/listRemoteLoginInformation")


def _file_servers(api: RestApi, workspace: str) -> None:
    path = f"{workspace}/fileServers"
    mounted = {"mountPoint": "/mnt/data", "fileServerInternalIP": "10.0.0.4"}
    api.call("PUT", f"{path}/none", {"properties": SERVER})
    api.call("PUT", f"{path}/one", {"properties": SERVER | {"mountSettings": mounted}})
    assert len(api.must("GET", path)["value"]) == 2
    for name in ("none", "one"):
        api.must("GET", f"{path}/{name}")
        taken(api.call("DELETE", f"{path}/{name}"))


def _jobs(api: RestApi, workspace: str) -> None:
    jobs = f"{workspace}/experiments/experiment/jobs"
    rich = api.job(workspace, "rich", **RICH_JOB)
    api.must("GET", rich)
    taken(api.call("POST", f"{rich}/terminate"))
    api.must("GET", rich)
    failed = api.job(workspace, "failed")
    claim = api.claim(workspace)
    for action in ("listOutputFiles", "listRemoteLoginInformation"):
        api.must("POST", f"{failed}/{action}", outputdirectoryid="stdouterr")
    api.finish(claim, Reason.JOB_FAILED, 3)
    assert api.must("GET", failed)["properties"]["executionInfo"]["exitCode"] == 3
    assert len(api.must("GET", jobs)["value"]) == 2
    assert api.must("PUT", failed, api.document(workspace))["name"] == "failed"
    taken(api.call("DELETE", rich))
