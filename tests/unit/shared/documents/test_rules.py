"""Rules across fields: each with a document that breaks it, and what is said."""

from typing import Any

import pytest

from shared.errors import Severity
from tests.support.cases import cases
from tests.support.documents import ABSENT, JOB, cluster, job, problems_of, spec_of

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
PY = {"pythonScriptFilePath": "a.py"}
KEYS = {"accountKey": "a2V5"}
LOGS = JOB["mountVolumes"]["azureFileShares"][0]
REFERENCE = {"sourceVault": {"id": "/subscriptions/x"}, "secretUrl": "https://v.vault.azure.net/secrets/n"}


def toolkit(name: str, settings: Any, **members: Any) -> dict[str, Any]:
    return {"customToolkitSettings": ABSENT, name: settings, **members}


def share(**members: Any) -> dict[str, Any]:
    return {"mountVolumes": {"azureFileShares": [LOGS, {**LOGS, "relativeMountPath": "b", **members}]}}


def container(**members: Any) -> dict[str, Any]:
    base = {"accountName": "acct", "containerName": "data", "credentials": KEYS, "relativeMountPath": "data"}
    return {"mountVolumes": {"azureFileShares": [LOGS], "azureBlobFileSystems": [{**base, **members}]}}


def image(**members: Any) -> dict[str, Any]:
    return {"containerSettings": {"imageSourceRegistry": {"image": "ubuntu", **members}}}


def command(text: str) -> dict[str, Any]:
    return {"customToolkitSettings": {"commandLine": text}}


def variables(*named: Any) -> dict[str, Any]:
    return {"environmentVariables": [{"name": name, "value": "1"} for name in named]}


JOB_TABLE: list[tuple[dict[str, Any], Severity, str]] = [
    # toolkits
    ({"customToolkitSettings": ABSENT}, ERROR, "No *Settings object says what to run"),
    ({"caffe2Settings": PY}, ERROR, "caffe2Settings and customToolkitSettings are given"),
    (command(" "), ERROR, "commandLine must not be empty"),
    (command(""), ERROR, "commandLine must not be empty"),
    ({"customToolkitSettings": {}}, ERROR, "commandLine is missing"),
    ({"jobPreparation": {"commandLine": "\n"}}, ERROR, "commandLine must not be empty"),
    (
        toolkit("horovodSettings", {"pythonScriptFilePath": " "}),
        ERROR,
        "pythonScriptFilePath must not be empty",
    ),
    (toolkit("cntkSettings", {}), ERROR, "Nothing says what to run"),
    (toolkit("cntkSettings", {**PY, "configFilePath": "x"}), ERROR, "are both given"),
    (toolkit("cntkSettings", {**PY, "languageType": "brainscript"}), ERROR, "languageType BrainScript needs"),
    (toolkit("cntkSettings", {**PY, "languageType": "Java"}), ERROR, "languageType must be one of"),
    (
        toolkit("cntkSettings", {"configFilePath": "x", "pythonInterpreterPath": "y"}),
        WARNING,
        "has no use with a BrainScript",
    ),
    (toolkit("caffeSettings", {}), ERROR, "Nothing says what to run"),
    (toolkit("caffeSettings", {**PY, "configFilePath": "x"}), ERROR, "are both given"),
    (
        toolkit("caffeSettings", {"configFilePath": "x", "pythonInterpreterPath": "y"}),
        WARNING,
        "no use without",
    ),
    (toolkit("chainerSettings", {**PY, "processCount": 0}), ERROR, "processCount must be 1 or more"),
    (toolkit("pyTorchSettings", PY, nodeCount=2), WARNING, "communicationBackend is missing"),
    (toolkit("pyTorchSettings", {**PY, "communicationBackend": "nccl"}), NOTE, "newer than Batch AI"),
    (toolkit("pyTorchSettings", {**PY, "communicationBackend": "smoke"}), ERROR, "must be one of"),
    (toolkit("tensorFlowSettings", {**PY, "parameterServerCount": 2}), ERROR, "nodeCount is 1"),
    ({"nodeCount": 2}, NOTE, "runs on one of the 2 nodes"),
    # volumes
    (share(azureFileUrl="https://x/y/z/w"), ERROR, "Ill-formed Azure File URL"),
    (share(azureFileUrl="https://<X>.file.core.windows.net/y"), ERROR, "placeholder that nothing fills in"),
    (share(accountName="other"), WARNING, "not the account of azureFileUrl ('acct')"),
    (share(fileMode="rwx"), ERROR, "fileMode must be an octal mode"),
    (share(directoryMode="9999"), ERROR, "directoryMode must be an octal mode"),
    (share(relativeMountPath="../x"), ERROR, "relativeMountPath must be a plain path"),
    (share(relativeMountPath="/x"), ERROR, "must be relative"),
    (share(relativeMountPath="a\\b"), ERROR, "not with a backslash"),
    (share(relativeMountPath="a\u0007"), ERROR, "invisible character U+0007"),
    (share(relativeMountPath="$HOME"), WARNING, "taken literally"),
    (share(relativeMountPath="logs/"), ERROR, "is the relativeMountPath of another volume too"),
    (share(relativeMountPath="logs/in"), ERROR, "inside or around another volume's folder"),
    (share(credentials={"accountKey": "not base 64!"}), WARNING, "accountKey is not base64"),
    (share(credentials={**KEYS, "accountKeySecretReference": REFERENCE}), WARNING, "accountKey is used"),
    (share(credentials={}), WARNING, "credentials are missing"),
    (container(containerName="Bad Name"), ERROR, "is no name of a blob container"),
    (container(accountName="has_underscore"), WARNING, "is no name of a storage account"),
    (container(accountName="a/b"), ERROR, "is no name of a storage account"),
    (container(accountName="<STORAGE_ACCOUNT_NAME>"), WARNING, "placeholder that nobody filled in"),
    (container(containerName="<AZURE_BATCHAI_STORAGE_ACCOUNT>"), ERROR, "is not filled in here"),
    (container(mountOptions="a\nb"), ERROR, "mountOptions holds a control character"),
    (
        {"mountVolumes": {"fileServers": [{"fileServer": {"id": "<ARM ID>"}, "relativeMountPath": "n"}]}},
        ERROR,
        "not the id of a file server",
    ),
    (
        {
            "mountVolumes": {
                "fileServers": [
                    {"fileServer": {"id": "h"}, "relativeMountPath": "n", "sourceDirectory": "/a/../.."}
                ]
            }
        },
        ERROR,
        "sourceDirectory must be a plain path",
    ),
    (
        {"mountVolumes": {"unmanagedFileSystems": [{"mountCommand": "a\nb", "relativeMountPath": "n"}]}},
        ERROR,
        "mountCommand must be one command",
    ),
    # container
    (image(image="-v /:/host"), ERROR, "not the name of a container image"),
    (image(serverUrl="r.azurecr.io"), WARNING, "does not begin with r.azurecr.io/"),
    (image(serverUrl="not a server"), ERROR, "serverUrl is not a registry"),
    (image(credentials={"username": "u"}), ERROR, "password or passwordSecretReference is missing"),
    (
        image(credentials={"username": "u", "passwordSecretReference": {**REFERENCE, "secretUrl": "x"}}),
        ERROR,
        "not the URL of a Key Vault secret",
    ),
    (
        {"containerSettings": {"imageSourceRegistry": {"image": "x"}, "shmSize": "big"}},
        ERROR,
        "shmSize is not",
    ),
    # directories
    (
        {"inputDirectories": [{"id": "A", "path": "$X/a"}, {"id": "A", "path": "$X/b"}]},
        ERROR,
        "another entry too",
    ),
    ({"inputDirectories": [{"id": "A=B", "path": "$X"}]}, ERROR, "cannot be an id"),
    ({"inputDirectories": [{"id": "A-B", "path": "$X"}]}, WARNING, "a shell cannot refer to that"),
    ({"inputDirectories": [{"id": "A", "path": "$X/../.."}]}, ERROR, "must not lead out of its root"),
    (
        {"outputDirectories": [{"id": "stdouterr", "pathPrefix": "$X/a"}]},
        WARNING,
        "the job's logs are listed",
    ),
    (
        {"outputDirectories": [{"id": "A", "pathPrefix": "$X/../a"}]},
        ERROR,
        "pathPrefix must not have .. in it",
    ),
    (
        {"outputDirectories": [{"id": "A", "pathPrefix": "logs"}]},
        ERROR,
        "pathPrefix must begin with a variable",
    ),
    (
        {"outputDirectories": [{"id": "A", "pathPrefix": "$X/a", "pathSuffix": "/b"}]},
        ERROR,
        "pathSuffix must be",
    ),
    ({"stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT"}, WARNING, "names no volume"),
    ({"stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/no"}, WARNING, "mounts nothing at 'no'"),
    (
        {"stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/logs"},
        WARNING,
        "Did you mean $AZ_BATCHAI_JOB_MOUNT_ROOT?",
    ),
    (
        {"stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/nfs"},
        NOTE,
        "only if the cluster mounts a volume at 'nfs'",
    ),
    ({"stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_TEMP_DIR/x"}, WARNING, "the node's own disk"),
    ({"stdOutErrPathPrefix": "/tmp"}, WARNING, "the node's own disk"),
    # environment
    (variables("A=B"), ERROR, "cannot be the name"),
    (variables("A\nB"), ERROR, "cannot be the name"),
    (variables("1A"), WARNING, "in a shell"),
    (variables("AZ_BATCHAI_NUM_GPUS"), WARNING, "begins with AZ_BATCH"),
    (variables("A", "A"), WARNING, "is set twice"),
    ({"environmentVariables": [{"name": "A", "value": "x" * 140_000}]}, ERROR, "longer than 131,000 bytes"),
    (command("x" * 140_000), ERROR, "longer than 131,000 bytes"),
    ({"secrets": [{"name": "A"}]}, ERROR, "value or valueSecretReference is missing"),
    # variables
    (command("echo $AZ_BATCHAI_INPUT_DATA"), WARNING, "inputDirectories needs an entry with the id DATA"),
    (command("echo ${AZ_BATCHIA_OUTPUT_X}"), WARNING, "Nothing sets $AZ_BATCHIA_OUTPUT_X"),
    (command("echo $AZ_BATCHAI_NUM_GPU"), WARNING, "Did you mean $AZ_BATCHAI_NUM_GPUS?"),
    (command("echo $AZ_BATCHAI_PS_HOSTS"), WARNING, "only for tensorflow jobs"),
    # the job
    ({"cluster": {"id": "/subscriptions/x/clusters/y"}}, ERROR, "neither the ARM id"),
    ({"cluster": {}}, ERROR, "id is missing"),
    ({"constraints": {"maxWallClockTime": "7.00:00:00"}}, NOTE, 'Write "P7D"'),
    ({"constraints": {"maxWallClockTime": "PT0S"}}, ERROR, "must be more than nothing"),
    (
        {"secrets": [{"name": "A", "valueSecretReference": {**REFERENCE, "sourceVault": {"id": "v"}}}]},
        WARNING,
        "sourceVault.id is not an ARM id",
    ),
    ({"constraints": {"maxWallClockTime": "99999999.00:00:00"}}, ERROR, "maxWallClockTime"),
    (
        {
            "secrets": [
                {
                    "name": "A",
                    "valueSecretReference": {**REFERENCE, "secretUrl": "x"},
                }
            ]
        },
        ERROR,
        "secretUrl is",
    ),
    ({"constraints": {"maxWallClockTime": 5}}, ERROR, "must be text holding an ISO-8601 duration"),
    ({"schedulingPriority": "urgent"}, ERROR, "must be one of 'low', 'normal' or 'high'"),
]


@cases(("members", "severity", "words"), JOB_TABLE)
def test_a_job_that_breaks_a_rule(members: dict[str, Any], severity: Severity, words: str) -> None:
    parsed = job(**members)

    assert any(words in line for line in problems_of(parsed, severity)), problems_of(parsed)
    assert (parsed.spec is None) == bool(parsed.errors)
    if severity is not ERROR:
        assert parsed.errors == ()


HARMLESS = [
    {"inputDirectories": [{"id": "D", "path": "$X/a/../b"}], **command("cat $AZ_BATCHAI_INPUT_D")},
    command("a; b && c | d > e\n\techo '\\$AZ_BATCHAI_NOTHING' $HOME"),
    command("echo $MY $AZ_BATCHAI_JOB_TEMP ${AZ_BATCH_HOST_LIST} $AZ_BATCHAI_PREV_OUTPUT_X"),
    image(image="nvcr.io:443/nvidia/tensorflow:24.01-tf2-py3"),
    image(image="a/b@sha256:" + "0" * 64),
    {"containerSettings": {"imageSourceRegistry": {"image": "x"}, "shmSize": "16gb"}},
    {"stdOutErrPathPrefix": "${AZ_BATCHAI_JOB_MOUNT_ROOT}/logs/deeper/"},
    {"secrets": [{"name": "A", "valueSecretReference": REFERENCE}]},
    container(containerName="$root"),
    toolkit("pyTorchSettings", {**PY, "communicationBackend": "gloo"}, nodeCount=2),
    toolkit("tensorFlowSettings", {**PY, "masterCommandLineArgs": "$AZ_BATCHAI_TASK_INDEX"}),
    toolkit("cntkSettings", {**PY, "languageType": "PYTHON"}),
]


@cases("members", HARMLESS)
def test_a_job_that_breaks_none(members: dict[str, Any]) -> None:
    assert problems_of(job(**members)) == []


CLUSTER_TABLE: list[tuple[dict[str, Any], Severity, str]] = [
    (
        {"scaleSettings": {"manual": {}, "autoScale": {"minimumNodeCount": 0, "maximumNodeCount": 1}}},
        ERROR,
        "manual and autoScale are both given",
    ),
    ({"scaleSettings": {}}, WARNING, "scaleSettings says nothing"),
    ({"scaleSettings": {"manual": {}}}, NOTE, "it is 0"),
    ({"scaleSettings": {"manual": {"targetNodeCount": 101}}}, ERROR, "must be 100 or less"),
    (
        {"scaleSettings": {"autoScale": {"minimumNodeCount": 2, "maximumNodeCount": 1}}},
        ERROR,
        "minimumNodeCount is 2, but maximumNodeCount is 1",
    ),
    ({"userAccountSettings": {"adminUserName": "x"}}, WARNING, "nobody can log in"),
    ({"vmSize": ABSENT}, NOTE, "vmSize is missing"),
    ({"vmPriority": "cheap"}, ERROR, "must be one of 'dedicated' or 'lowpriority'"),
    ({"nodeSetup": {"setupTask": {"commandLine": " ", "stdOutErrPathPrefix": "/x"}}}, ERROR, "not be empty"),
    (
        {"nodeSetup": {"setupTask": {"commandLine": "x", "stdOutErrPathPrefix": "x"}}},
        ERROR,
        "must begin with",
    ),
    (
        {"nodeSetup": {"setupTask": {"commandLine": "$AZ_BATCHAI_JOB_TEMP", "stdOutErrPathPrefix": "/x"}}},
        WARNING,
        "not set for a setup task",
    ),
    ({"nodeSetup": {"setupTask": {"secrets": [{"name": "A=", "value": "x"}]}}}, ERROR, "cannot be the name"),
    (
        {"nodeSetup": {"performanceCountersSettings": {"appInsightsReference": {"component": {"id": "x"}}}}},
        ERROR,
        "instrumentationKey or instrumentationKeySecretReference is missing",
    ),
    ({"nodeSetup": {"mountVolumes": {"azureFileShares": [{**LOGS, "fileMode": "x"}]}}}, ERROR, "octal"),
    ({"virtualMachineConfiguration": {"imageReference": {"publisher": "x"}}}, ERROR, "offer is missing"),
]


@cases(("members", "severity", "words"), CLUSTER_TABLE)
def test_a_cluster_that_breaks_a_rule(members: dict[str, Any], severity: Severity, words: str) -> None:
    assert any(words in line for line in problems_of(cluster(**members), severity)), problems_of(
        cluster(**members)
    )


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (toolkit("horovodSettings", PY, nodeCount=3), {"processCount": 3}),
        (toolkit("horovodSettings", {**PY, "processCount": 8}, nodeCount=2), {"processCount": 8}),
        (toolkit("tensorFlowSettings", PY), {}),
        (toolkit("tensorFlowSettings", PY, nodeCount=2), {"workerCount": 2, "parameterServerCount": 1}),
        (
            toolkit("tensorFlowSettings", {**PY, "workerCount": 4}),
            {"workerCount": 4, "parameterServerCount": 1},
        ),
        (toolkit("caffe2Settings", PY, nodeCount=2), {}),
    ],
)
def test_counts_are_written_back(members: dict[str, Any], expected: dict[str, int]) -> None:
    settings = spec_of(job(**members)).toolkit[1].model_dump(by_alias=True, exclude_none=True)

    assert {key: value for key, value in settings.items() if key.endswith("Count")} == expected
