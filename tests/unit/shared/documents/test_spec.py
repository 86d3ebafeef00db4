"""The models: attribute names, defaults, secrets that do not show, documents there and back."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from shared.documents.models.shape import shape_of
from shared.documents.models.toolkits import WITH_PROCESS_COUNT, ToolkitMembers
from shared.documents.spec import (
    TOOL_TYPES,
    ClusterSpec,
    JobSpec,
    cluster_from_document,
    job_from_document,
    public_properties,
    to_document,
)
from shared.errors import DocumentError
from tests.support.cases import cases
from tests.support.documents import JOB, changed, cluster, job, spec_of

REFERENCE = {"sourceVault": {"id": "/subscriptions/s/v"}, "secretUrl": "https://v.vault.azure.net/secrets/n"}
FULL_JOB = changed(
    JOB,
    schedulingPriority="high",
    nodeCount=2,
    containerSettings={
        "imageSourceRegistry": {
            "serverUrl": "r.azurecr.io",
            "image": "r.azurecr.io/i:1",
            "credentials": {"username": "u", "password": "REGISTRY-SECRET"},
        },
        "shmSize": "16gb",
    },
    customToolkitSettings=None,
    chainerSettings={"pythonScriptFilePath": "a.py", "commandLineArgs": "-x"},
    jobPreparation={"commandLine": "true"},
    mountVolumes={
        "azureFileShares": [
            {
                "azureFileUrl": "https://acct.file.core.windows.net/logs",
                "relativeMountPath": "logs",
                "credentials": {"accountKey": "QUNDT1VOVC1TRUNSRVQ="},
            }
        ],
        "azureBlobFileSystems": [
            {
                "accountName": "acct",
                "containerName": "data",
                "relativeMountPath": "data",
                "credentials": {"accountKeySecretReference": REFERENCE},
                "mountOptions": "-o ro",
            }
        ],
        "fileServers": [{"fileServer": {"id": "10.0.0.4"}, "relativeMountPath": "nfs", "mountOptions": "rw"}],
        "unmanagedFileSystems": [{"mountCommand": "mount -t x y", "relativeMountPath": "own"}],
    },
    inputDirectories=[{"id": "IN", "path": "$AZ_BATCHAI_JOB_MOUNT_ROOT/data"}],
    outputDirectories=[{"id": "OUT", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs", "pathSuffix": "m"}],
    environmentVariables=[{"name": "A", "value": "1"}],
    secrets=[{"name": "B", "value": "ENV-SECRET"}, {"name": "C", "valueSecretReference": REFERENCE}],
    constraints={"maxWallClockTime": "PT1H"},
)
SECRETS = ("REGISTRY-SECRET", "QUNDT1VOVC1TRUNSRVQ=", "ENV-SECRET")


def full() -> Any:
    parsed = job(**FULL_JOB)
    assert parsed.errors == ()
    return parsed.spec


def test_attributes_are_the_snake_case_of_the_rest_names() -> None:
    spec = full()

    assert spec.std_out_err_path_prefix == "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs"
    assert spec.mount_volumes.azure_file_shares[0].azure_file_url == "https://acct.file.core.windows.net/logs"
    assert spec.mount_volumes.azure_blob_file_systems[0].container_name == "data"
    assert spec.constraints.max_wall_clock_time == timedelta(hours=1)
    assert {"pyTorchSettings", "tensorFlowSettings", "cntkSettings", "caffe2Settings"} <= shape_of(
        JobSpec
    ).keys()


def test_defaults() -> None:
    spec = JobSpec.model_validate({"nodeCount": 1, "stdOutErrPathPrefix": "/x"})

    assert spec.scheduling_priority == "normal"
    assert spec.constraints.max_wall_clock_time == timedelta(days=7)
    assert spec.mount_volumes.azure_file_shares == ()
    assert spec.input_directories == ()
    with pytest.raises(AttributeError):
        _ = spec.toolkit


#: Of the original; the words are those of its REST specification.
REPORTED = {
    "cntkSettings": "cntk",
    "pyTorchSettings": "pytorch",
    "tensorFlowSettings": "tensorflow",
    "caffeSettings": "caffe",
    "caffe2Settings": "caffe2",
    "chainerSettings": "chainer",
    "horovodSettings": "horovod",
    "customMpiSettings": "custommpi",
    "customToolkitSettings": "custom",
}


@cases(("name", "tool_type"), REPORTED.items())
def test_the_toolkit_is_named_as_get_names_it(name: str, tool_type: str) -> None:
    settings = {"commandLine": "x", "pythonScriptFilePath": "x.py"}
    members: dict[str, Any] = {"customToolkitSettings": None, name: settings}
    spec = job(**members).spec

    assert spec is not None
    assert spec.toolkit[0] == tool_type


def test_the_toolkits_are_known_by_their_members_of_the_job() -> None:
    """Each stands where the original's reference has it, and its words come from one place."""
    known = {to_camel(attribute): tool_type for attribute, tool_type in TOOL_TYPES.items()}
    assert known.items() >= REPORTED.items()
    assert [n for n in JobSpec.model_fields if n in TOOL_TYPES] == list(ToolkitMembers.model_fields)
    assert [to_camel(name) for name in JobSpec.model_fields][:6] == [
        "schedulingPriority",
        "cluster",
        "mountVolumes",
        "nodeCount",
        "containerSettings",
        "cntkSettings",
    ]
    processes = ("cntk", "pyTorch", "caffe", "chainer", "horovod", "customMpi")
    assert {f"{name}Settings" for name in processes} <= set(WITH_PROCESS_COUNT)
    assert not {"tensorFlowSettings", "caffe2Settings", "customToolkitSettings"} & set(WITH_PROCESS_COUNT)


def test_nothing_shows_a_secret() -> None:
    spec = full()

    for shown in (repr(spec), str(spec), json.dumps(public_properties(spec))):
        assert not any(secret in shown for secret in SECRETS)


def test_models_are_frozen_and_their_errors_hold_no_input() -> None:
    spec = full()

    with pytest.raises(ValidationError, match="frozen"):
        spec.node_count = 3
    with pytest.raises(ValidationError) as caught:
        JobSpec.model_validate(FULL_JOB | {"secrets": [{"name": "B", "value": ["LEAK"]}]})
    assert "LEAK" not in str(caught.value)


def test_a_sealed_document_holds_every_secret_sealed_and_comes_back() -> None:
    spec = full()
    sealed: list[str] = []

    def seal(value: str) -> dict[str, str]:
        sealed.append(value)
        return {"sealed": value[::-1]}

    document = json.loads(json.dumps(to_document(spec, seal)))

    assert sorted(sealed) == sorted(SECRETS)
    assert not any(secret in json.dumps(document) for secret in SECRETS)
    assert job_from_document(document, lambda box: str(box["sealed"])[::-1]) == spec


def test_a_cluster_comes_back() -> None:
    spec = cluster(
        nodeSetup={
            "setupTask": {
                "commandLine": "true",
                "stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/x",
                "secrets": [{"name": "A", "value": "S"}],
            },
            "performanceCountersSettings": {
                "appInsightsReference": {"component": {"id": "/x"}, "instrumentationKey": "K"}
            },
        },
        virtualMachineConfiguration={"imageReference": {"publisher": "p", "offer": "o", "sku": "s"}},
        subnet={"id": "/subscriptions/x"},
    ).spec

    assert isinstance(spec, ClusterSpec)
    document = to_document(spec, lambda v: {"s": v})
    assert cluster_from_document(document, lambda box: str(box["s"])) == spec
    assert "adminUserPassword" not in public_properties(spec)["userAccountSettings"]


@pytest.mark.parametrize("document", [{}, {"properties": 1}, {"properties": {"nodeCount": "x"}}])
def test_a_damaged_document_raises_document_error(document: dict[str, Any]) -> None:
    with pytest.raises(DocumentError):
        job_from_document(document, str)
    assert cluster_from_document({"properties": {}}, str) == ClusterSpec.model_validate({})


def test_get_shows_the_users_part_with_defaults_and_without_secrets() -> None:
    shown = public_properties(full())

    share = shown["mountVolumes"]["azureFileShares"][0]
    assert share == {
        "accountName": "acct",
        "azureFileUrl": "https://acct.file.core.windows.net/logs",
        "credentials": {},
        "relativeMountPath": "logs",
        "fileMode": "0777",
        "directoryMode": "0777",
    }
    assert shown["secrets"] == [{"name": "B"}, {"name": "C", "valueSecretReference": REFERENCE}]
    assert shown["chainerSettings"]["processCount"] == 2
    assert shown["containerSettings"]["imageSourceRegistry"]["credentials"] == {"username": "u"}
    assert shown["stdOutErrPathPrefix"] == "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs"
    assert public_properties(spec_of(job()))["constraints"] == {"maxWallClockTime": "P7D"}


def test_a_blank_job_shows_no_empty_objects() -> None:
    shown = public_properties(spec_of(job(mountVolumes={}, stdOutErrPathPrefix="/x")))

    assert "mountVolumes" not in shown
    assert "inputDirectories" not in shown


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=3000)))
def test_durations_come_back_to_the_microsecond(span: timedelta) -> None:
    base = {"nodeCount": 1, "stdOutErrPathPrefix": "/x", "constraints": {"maxWallClockTime": span}}
    spec = JobSpec.model_validate(base)

    assert job_from_document(to_document(spec, str), str) == spec


def test_cluster_ids() -> None:
    arm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/workspaces/w2/clusters/c2"

    assert str(spec_of(job(cluster={"id": arm})).cluster_id("w")) == "w2/c2"
    assert str(spec_of(job(cluster={"id": "c1"})).cluster_id("w")) == "w/c1"
    assert str(spec_of(job(cluster=None)).cluster_id("w")) == "w/default"
    assert (
        str(JobSpec.model_validate({"nodeCount": 1, "stdOutErrPathPrefix": "/"}).cluster_id("w"))
        == "w/default"
    )
