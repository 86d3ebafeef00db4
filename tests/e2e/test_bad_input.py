"""Bad input: an answer beside the file with every problem, nothing stuck, and the next good document runs."""

import json

import pytest

from tests.support.stack_client import ROOT, StackClient, job
from tests.support.waiting import eventually

GOOD = job("true")


def _wrong_types() -> dict[str, object]:
    document = job("true")
    document["properties"] |= {"nodeCount": "many", "stdOutErrPathPrefix": ["logs"], "inputDirectories": "x"}
    return document


@pytest.mark.parametrize(
    ("name", "content", "paths", "words"),
    [
        ("not-json", b"{ this is not JSON", {"$"}, "must stand in double quotes"),
        ("empty", b"", {"$"}, ""),
        (
            "wrong-types",
            _wrong_types(),
            {"$.properties.nodeCount", "$.properties.stdOutErrPathPrefix", "$.properties.inputDirectories"},
            "",
        ),
        ("no-properties", {"nodeCount": 1}, {"$"}, "properties"),
        (
            "unknown-cluster",
            job("true", cluster={"id": "nowhere"}),
            {"$.properties.cluster"},
            "there is no cluster 'nowhere'",
        ),
        ("five-megabytes", b'{"properties": {"x": "' + b"x" * 5_000_000 + b'"}}', {"$"}, "bytes"),
        ("a name with a space", GOOD, {"$"}, "is not allowed"),
    ],
)
def test_every_problem_is_answered_beside_the_file(
    client: StackClient, name: str, content: dict[str, object] | bytes, paths: set[str], words: str
) -> None:
    client.drop("jobs", f"default/bad/{name}/job.json", content)
    status = eventually(lambda: client.status("jobs", f"default/bad/{name}"), 20)
    assert status["state"] == "refused"
    errors = [p for p in status["problems"] if p["severity"] == "error"]
    assert {p["path"] for p in errors} >= paths
    assert words in json.dumps(status["problems"])
    if name == "wrong-types":
        assert all(p["line"] > 1 and p["column"] > 1 for p in errors)
    # No row: the list of the experiment does not know it.
    _, page = client.get(f"{ROOT}/default/experiments/bad/jobs")
    assert name not in [entry["name"] for entry in page.get("value", ())]


def test_the_next_good_document_runs(client: StackClient) -> None:
    client.drop("jobs", "default/bad/not-json-2/job.json", b"[")
    client.drop("jobs", "default/bad/good/job.json", GOOD)
    assert client.await_state("default/bad/good", "succeeded")["exitCode"] == 0


def test_a_corrected_document_runs_under_the_same_name(client: StackClient) -> None:
    client.drop("jobs", "default/bad/mended/job.json", b"{}")
    client.await_state("default/bad/mended", "refused")
    client.drop("jobs", "default/bad/mended/job.json", GOOD)
    client.await_state("default/bad/mended", "succeeded")


def test_a_different_document_under_a_live_name_is_refused_and_the_job_continues(client: StackClient) -> None:
    client.drop("jobs", "default/bad/busy/job.json", job("sleep 5; echo first"))
    client.await_state("default/bad/busy", "running")
    client.drop("jobs", "default/bad/busy/job.json", job("echo second"))
    status = client.await_state("default/bad/busy", "refused")
    assert "is running" in json.dumps(status["problems"])
    status = client.await_state("default/bad/busy", "succeeded")
    segment = status["output"]["stdOutErr"].partition("/logs/")[2].removesuffix("/stdouterr")
    assert client.log(segment) == b"first\n"


def test_a_faulty_cluster_document_is_answered(client: StackClient) -> None:
    client.drop("clusters", "default/broken/cluster.json", {"properties": {"scaleSettings": 5}})
    status = eventually(lambda: client.status("clusters", "default/broken"), 20)
    assert status["state"] == "refused"
    seen = {p["path"] for p in status["problems"] if p["severity"] == "error"}
    assert "$.properties.scaleSettings" in seen


def test_a_missing_share_is_the_jobs_error_in_the_originals_words(client: StackClient) -> None:
    document = job("true")
    share = document["properties"]["mountVolumes"]["azureFileShares"][0]
    document["properties"]["mountVolumes"]["azureFileShares"].append(
        {
            **share,
            "azureFileUrl": share["azureFileUrl"].replace("/logs", "/nothere"),
            "relativeMountPath": "x",
        }
    )
    client.drop("jobs", "default/bad/no-share/job.json", document)
    status = client.await_state("default/bad/no-share", "failed")
    assert status["errors"][0]["code"] == "AZFMountError"
    assert "nothere" in status["errors"][0]["message"]
    assert "exitCode" not in status
