"""Schemathesis over Microsoft's specification: generated requests, good and bad ones, to every operation.

It judges each answer by its schema and refuses any 5xx. It runs in an environment of its own against the
running function app; workspace, experiment, cluster, job and file server are there, so that requests come
further than to a 404, and deletions are aimed at others.
"""

import json
import re
import subprocess
from pathlib import Path

from tests.support.installing import python_of
from tests.support.rest_api import ROOT, RestApi

SEED, EXAMPLES, LIMIT_SECONDS = 2018, 20, 90
TARGETS = {"clusterName": "cluster", "jobName": "job", "fileServerName": "server"}
SERVER = {
    "vmSize": "STANDARD_NC6",
    "sshConfiguration": {"userAccountSettings": {"adminUserName": "me", "adminUserPassword": "p4ssw0rd-x"}},
    "dataDisks": {"diskSizeInGB": 10, "diskCount": 1, "storageAccountType": "Standard_LRS"},
    "mountSettings": {"mountPoint": "/data", "fileServerInternalIP": "10.0.0.4"},
}


def configuration(workspace: str, subscription: str, operations: set[str]) -> str:
    """schemathesis.toml: which resources the parameters of each operation name."""
    common = {"path.subscriptionId": subscription, "path.resourceGroupName": "batchai"}
    common |= {"path.workspaceName": workspace, "path.experimentName": "experiment"}
    common |= {"query.api-version": "2018-05-01"}
    lines = ["[parameters]", *(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in common.items())]
    for name in sorted(operations):
        kind, _, verb = name.partition("_")
        parameters: dict[str, str] = {}
        if verb == "Delete":
            parameters = {"path.workspaceName": "another", "path.experimentName": "another"}
        elif verb != "Create":
            parameters = {
                f"path.{key}": value for key, value in TARGETS.items() if kind.lower()[:3] == key[:3]
            }
        if name == "Jobs_ListOutputFiles":
            parameters["query.outputdirectoryid"] = "stdouterr"
        if parameters:
            message = ", ".join(
                f"{json.dumps(key)} = {json.dumps(value)}" for key, value in parameters.items()
            )
            lines += ["[[operations]]", f'include-operation-id = "{name}"', f"parameters = {{ {message} }}"]
    return "\n".join(lines) + "\n"


def test_every_operation_answers_by_its_schema_and_never_with_5xx(
    api: RestApi, corpus: Path, tmp_path: Path
) -> None:
    python = python_of("schemathesis")
    path = api.workspace()
    api.job(path)
    assert api.call("PUT", f"{path}/fileServers/server", {"properties": SERVER}).status_code == 202
    api.must("PUT", f"{ROOT}/another", {"location": "northeurope"})
    file = corpus / "swagger" / "BatchAI.json"
    methods = json.loads(file.read_text())["paths"].values()
    operations = {operation["operationId"] for of_path in methods for operation in of_path.values()}
    subscription = api.backend.settings.scope.subscription_id
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(configuration(path.rpartition("/")[2], subscription, operations))
    command = [str(python.with_name("schemathesis")), "--config-file", str(settings), "run", str(file)]
    command += ["--url", api.url, "--checks", "response_schema_conformance,not_a_server_error"]
    command += ["--phases", "fuzzing", "--max-examples", str(EXAMPLES), "--seed", str(SEED)]
    command += ["--suppress-health-check", "all", "--continue-on-failure", "--no-color"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout[-4000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested and int(tested[1]) == len(operations)
    assert api.must("GET", f"{path}/experiments/experiment/jobs/job")["name"] == "job"
