"""listOutputFiles on file shares and in containers."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.rest_api import CLUSTER, RestApi
from tests.support.waiting import eventually


@pytest.fixture
def job(api: RestApi, workspace: str) -> str:
    """A running job with stdouterr on a share and two output directories, one in a container."""
    api.blobs.get_container_client("results").exists() or api.blobs.create_container("results")
    document = api.document(workspace)["properties"]
    document["mountVolumes"]["azureBlobFileSystems"] = [
        {
            "accountName": api.account,
            "containerName": "results",
            "credentials": {"accountKey": api.key},
            "relativeMountPath": "bfs",
        }
    ]
    outputs = [
        {"id": "BLOBS", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/bfs", "pathSuffix": "out"},
        {"id": "FILES", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs/deep/"},
        {"id": "LOCAL", "pathPrefix": "$AZ_BATCHAI_JOB_TEMP/x"},
        {"id": "NOWHERE", "pathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/external"},
    ]
    path = api.job(workspace, mountVolumes=document["mountVolumes"], outputDirectories=outputs)
    api.claim(workspace)
    return path


def segment(api: RestApi, job: str) -> str:
    return str(api.must("GET", job)["properties"]["jobOutputDirectoryPathSegment"])


def write(api: RestApi, path: str, data: bytes) -> None:
    """A file on the share `logs`, its folders made."""
    share, folders = api.shares.get_share_client("logs"), path.split("/")[:-1]
    for depth in range(1, len(folders) + 1):
        directory = share.get_directory_client("/".join(folders[:depth]))
        if not directory.exists():
            directory.create_directory()
    share.get_file_client(path).upload_file(data)


def listed(api: RestApi, job: str, identifier: str, **query: Any) -> list[dict[str, Any]]:
    found = api.must("POST", f"{job}/listOutputFiles", outputdirectoryid=identifier, **query)
    return list(found["value"])


def test_stdouterr_on_a_share_is_listed_and_read_while_it_grows(api: RestApi, job: str) -> None:
    assert listed(api, job, "stdouterr") == [], "the job has not written yet"
    folder = f"{segment(api, job)}/stdouterr"
    write(api, f"{folder}/stdout.txt", b"one\n")
    write(api, f"{folder}/stderr.txt", b"")
    write(api, f"{folder}/a/inner.txt", b"x")
    found = listed(api, job, "stdouterr", directory=".", linkexpiryinminutes=60, maxresults=1000)
    assert [(f["name"], f["fileType"]) for f in found] == [
        ("a", "directory"),
        ("stderr.txt", "file"),
        ("stdout.txt", "file"),
    ]
    assert set(found[0]) == {"name", "fileType"}
    assert found[2]["properties"]["contentLength"] == 4
    write(api, f"{folder}/stdout.txt", b"one\ntwo\n")
    grown = listed(api, job, "stdouterr")[2]
    assert grown["properties"]["contentLength"] == 8
    part = api.http.get(grown["downloadUrl"], headers={"Range": "bytes=4-"})
    assert (part.status_code, part.content) == (206, b"two\n")
    assert [f["name"] for f in listed(api, job, "stdouterr", directory="a")] == ["inner.txt"]
    assert [f["name"] for f in listed(api, job, "stdouterr", directory="./a/")] == ["inner.txt"]


def test_an_output_directory_in_a_container(api: RestApi, job: str) -> None:
    container = api.blobs.get_container_client("results")
    folder = f"{segment(api, job)}/outputs/out"
    container.upload_blob(f"{folder}/result.txt", b"hi\n")
    container.upload_blob(f"{folder}/model", b"", metadata={"hdi_isfolder": "true"})
    container.upload_blob(f"{folder}/model/weights ü.bin", b"1234")
    found = listed(api, job, "BLOBS")
    assert [(f["name"], f["fileType"]) for f in found] == [("model", "directory"), ("result.txt", "file")]
    assert api.http.get(found[1]["downloadUrl"], headers={"Range": "bytes=1-"}).content == b"i\n"
    inner = listed(api, job, "BLOBS", directory="model")
    assert inner[0]["name"] == "weights ü.bin"
    assert api.http.get(inner[0]["downloadUrl"]).content == b"1234"


def test_an_output_directory_without_suffix_on_a_share(api: RestApi, job: str) -> None:
    write(api, f"deep/{segment(api, job)}/outputs/job_afs.txt", b"x")
    assert [f["name"] for f in listed(api, job, "FILES")] == ["job_afs.txt"]


def test_a_volume_of_the_cluster_is_listed_also_when_the_cluster_is_gone(
    api: RestApi, workspace: str
) -> None:
    share = api.document(workspace)["properties"]["mountVolumes"]["azureFileShares"][0]
    document = json.loads(json.dumps(CLUSTER))
    document["properties"]["nodeSetup"] = {
        "mountVolumes": {"azureFileShares": [share | {"relativeMountPath": "azfiles"}]}
    }
    api.follow(api.call("PUT", f"{workspace}/clusters/cluster", document))
    job = api.job(workspace, "other", stdOutErrPathPrefix="$AZ_BATCHAI_MOUNT_ROOT/azfiles", mountVolumes={})
    api.finish(api.claim(workspace))
    write(api, f"{segment(api, job)}/stdouterr/stdout.txt", b"kept\n")
    api.follow(api.call("DELETE", f"{workspace}/clusters/cluster"))
    assert api.call("GET", f"{workspace}/clusters/cluster").status_code == 404
    found = listed(api, job, "stdouterr")
    assert found[0]["properties"]["contentLength"] == 5
    assert found[0]["properties"]["lastModified"].endswith("Z"), (
        "of the listing itself, for the job has ended"
    )
    assert api.http.get(found[0]["downloadUrl"]).content == b"kept\n"


def test_links_read_only_and_for_as_long_as_was_asked(api: RestApi, job: str) -> None:
    write(api, f"{segment(api, job)}/stdouterr/stdout.txt", b"x")
    url = listed(api, job, "stdouterr", linkexpiryinminutes=5)[0]["downloadUrl"]
    query = {key: value[0] for key, value in parse_qs(urlsplit(url).query).items()}
    assert query["sp"] == "r" and query["sr"] == "f"
    expiry = datetime.fromisoformat(query["se"]) - datetime.now(UTC)
    assert timedelta(minutes=4) < expiry <= timedelta(minutes=5)
    assert api.http.put(url, headers={"x-ms-type": "file", "x-ms-content-length": "1"}).status_code == 403


@pytest.mark.parametrize("identifier", ["BLOBS", "stdouterr"])
def test_many_files_come_in_pages(api: RestApi, job: str, identifier: str) -> None:
    names = [f"f{n}.txt" for n in range(5)]
    for name in names:
        if identifier == "BLOBS":
            folder = f"{segment(api, job)}/outputs/out"
            api.blobs.get_blob_client("results", f"{folder}/{name}").upload_blob(b"x")
        else:
            write(api, f"{segment(api, job)}/stdouterr/{name}", b"x")
    # Old clients ask for the next page with POST, newer ones with GET.
    for method in ("POST", "GET"):
        found: list[str] = []
        page = api.must("POST", f"{job}/listOutputFiles", outputdirectoryid=identifier, maxresults=2)
        while True:
            assert len(page["value"]) <= 2
            found += [file["name"] for file in page["value"]]
            if "nextLink" not in page:
                break
            page = api.http.request(method, page["nextLink"]).json()
        assert found == names


@pytest.mark.parametrize("identifier", ["LOCAL", "NOWHERE"])
def test_what_lies_on_no_volume_is_the_originals_error(api: RestApi, job: str, identifier: str) -> None:
    answer = api.call("POST", f"{job}/listOutputFiles", outputdirectoryid=identifier)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == (
        f"The specified outputDirectoryId {identifier} is not present on a mount root"
    )


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"outputdirectoryid": "stdouterr", "directory": "../.."}, "InvalidDirectory"),
        ({"outputdirectoryid": "stdouterr", "directory": "a/../../b"}, "InvalidDirectory"),
        ({"outputdirectoryid": "stdouterr", "directory": "/etc"}, "InvalidDirectory"),
        ({"outputdirectoryid": "stdouterr", "directory": "..\\.."}, "InvalidDirectory"),
        ({"outputdirectoryid": "stdouterr", "directory": "a\x00b"}, "InvalidDirectory"),
        ({"outputdirectoryid": "none"}, "OutputDirectoryNotFound"),
        ({}, "MissingQueryParameter"),
        ({"outputdirectoryid": "stdouterr", "linkexpiryinminutes": 4}, "InvalidQueryParameterValue"),
        ({"outputdirectoryid": "stdouterr", "linkexpiryinminutes": 601}, "InvalidQueryParameterValue"),
        ({"outputdirectoryid": "stdouterr", "maxresults": 0}, "InvalidQueryParameterValue"),
    ],
)
def test_wrong_questions_are_refused(api: RestApi, job: str, query: dict[str, Any], code: str) -> None:
    answer = api.call("POST", f"{job}/listOutputFiles", **query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


#: As they stand in the address: encoded once, twice, too long, in full width, with what some servers cut off.
WAYS_OUT = [
    "..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e",
    "..%2f..%2f..%2f..",
    "a%2f..%2f..",
    "%252e%252e%252f%252e%252e",
    "..%5c..",
    "%c0%ae%c0%ae%2f",
    "%ef%bc%8e%ef%bc%8e%ef%bc%8f",
    "....%2f%2f",
    "..%3b%2f",
    "..%3f",
    "..%23",
    "..%00",
    "%2f",
    "~",
]


@pytest.mark.parametrize("identifier", ["BLOBS", "stdouterr"])
def test_no_address_lists_what_lies_beside_the_directory(api: RestApi, job: str, identifier: str) -> None:
    folder = segment(api, job)
    for beside in ("", folder.partition("/")[0] + "/", f"{folder}/", f"{folder}/outputs/"):
        api.blobs.get_blob_client("results", f"{beside}beside.txt").upload_blob(b"x", overwrite=True)
        write(api, f"{beside}beside.txt", b"x")
    write(api, f"{folder}/stdouterr/mine.txt", b"x")
    api.blobs.get_blob_client("results", f"{folder}/outputs/out/mine.txt").upload_blob(b"x")
    plain = f"{api.url}{job}/listOutputFiles?api-version=2018-05-01&outputdirectoryid={identifier}"
    for way in WAYS_OUT:
        for query in (f"directory={way}", f"$skiptoken={way}", f"directory=.&directory={way}"):
            answer = api.http.post(f"{plain}&{query}")
            names = [file["name"] for file in answer.json().get("value", ())]
            assert "beside.txt" not in names, query
            assert answer.status_code in (200, 400) or "skiptoken" in query, (query, answer.text)


def test_files_of_an_earlier_run_are_listed_by_its_uuid(api: RestApi, workspace: str) -> None:
    job = api.job(workspace)
    first = segment(api, job)
    write(api, f"{first}/stdouterr/stdout.txt", b"first\n")
    api.finish(api.claim(workspace))
    at = "/".join((job.split("/")[-5], job.split("/")[-3], job.split("/")[-1]))
    data = json.dumps(api.document(workspace, "echo again"))
    api.blobs.get_blob_client("jobs", f"{at}/job.json").upload_blob(data, overwrite=True)
    eventually(lambda: segment(api, job) != first, 15)
    assert listed(api, job, "stdouterr") == []
    run = f"{job}/runs/{first.rpartition('/')[2]}"
    assert api.must("GET", run)["properties"]["executionState"] == "succeeded"
    (found,) = listed(api, run, "stdouterr")
    assert api.http.get(found["downloadUrl"]).content == b"first\n"
    for path in (f"{job}/runs/none", f"{job}/runs/none/listOutputFiles"):
        method = "POST" if path.endswith("Files") else "GET"
        missing = api.call(method, path, outputdirectoryid="stdouterr")
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "RunNotFound")
