"""Which cluster a document asks for."""

import json

import pytest

from shared.documents.own_places import own_places
from shared.documents.parse import DocumentSettings, parse_job
from shared.documents.spec import JobSpec
from shared.managers.admission import cluster_of
from shared.names.ids import ClusterId, JobId, Scope
from shared.settings import Settings

JOB = JobId("w", "e", "j")
SCOPE = Scope("t", "own")
ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/workspaces/w2/clusters/c2"


def asking_for(cluster: str) -> JobSpec:
    return JobSpec.model_validate(
        {"nodeCount": 1, "stdOutErrPathPrefix": "/", **({"cluster": {"id": cluster}} if cluster else {})}
    )


@pytest.mark.parametrize(
    ("asked", "cluster"),
    [("", ClusterId("w", "own")), ("c1", ClusterId("w", "c1")), (ARM, ClusterId("w2", "c2"))],
)
def test_an_arm_id_a_bare_name_or_nothing(asked: str, cluster: ClusterId) -> None:
    assert cluster_of(asking_for(asked), JOB, "own", SCOPE) == cluster


@pytest.mark.parametrize("asked", ["two words", "w/c", f"{ARM}/jobs/j", "/subscriptions/s"])
def test_anything_else_names_no_cluster(asked: str) -> None:
    assert cluster_of(asking_for(asked), JOB, "own", SCOPE) is None


def test_the_parser_is_given_what_the_settings_say() -> None:
    settings = Settings(data_account="mine", data_key="a2V5", default_cluster="own")
    assert DocumentSettings.of(settings) == DocumentSettings(
        "mine", "a2V5", "own", own_places=own_places(settings)
    )
    assert DocumentSettings.of(Settings()).storage_account is None
    toolkit = {"customToolkitSettings": {"commandLine": "true"}}
    document = {"properties": {"nodeCount": 1, "stdOutErrPathPrefix": "/tmp", **toolkit}}
    spec = parse_job(json.dumps(document), DocumentSettings.of(settings)).spec
    assert spec is not None and cluster_of(spec, JOB, "other", SCOPE) == ClusterId("w", "own")
