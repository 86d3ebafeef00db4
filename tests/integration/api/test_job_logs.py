"""Logs over HTTP: on a share and in a container, while the job runs and after its end."""

import uuid
from typing import Any

import httpx
import pytest
from azure.storage.blob import ContainerClient

from api.log_files import LogFiles
from runner.logs.shipper import LogFolder
from shared.backend import backend
from shared.jobs.model import Reason
from shared.names.ids import JobId
from shared.stores.connection import CallCounter
from shared.stores.volumes.blob_containers import ContainerAddress, ContainerFolder
from shared.stores.volumes.file_shares import ShareAddress, ShareFolder
from tests.support.rest_api import VERSION, RestApi

STDOUT = "stdouterr/stdout.txt"


class Writer:
    """A job whose stdouterr lies on a volume, and the hand that a runner writes with."""

    def __init__(self, api: RestApi, kind: str) -> None:
        self.api, self.kind = api, kind
        workspace = api.workspace()
        self.workspace = workspace
        more: dict[str, Any] = {}
        if kind == "container":
            self.container: ContainerClient = api.blobs.create_container(f"c{uuid.uuid4().hex}")
            volume = {
                "accountName": api.account,
                "containerName": self.container.container_name,
                "credentials": {"accountKey": api.key},
                "relativeMountPath": "bfs",
            }
            more = {
                "mountVolumes": {"azureBlobFileSystems": [volume]},
                "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/bfs",
            }
        self.job = api.job(workspace, **more)
        self.claim = api.claim(workspace)
        segment = api.must("GET", self.job)["properties"]["jobOutputDirectoryPathSegment"]
        self.folder = f"{segment}/stdouterr"
        self.begin(1)

    def begin(self, attempt: int) -> None:
        run = self.folder.split("/")[-2]
        if self.kind == "container":
            blobs = ContainerAddress(
                self.api.account, self.container.container_name, self.api.key, self.api.blobs.primary_endpoint
            )
            self.to: LogFolder = ContainerFolder(blobs, self.folder, None, run, attempt)
        else:
            share = ShareAddress(self.api.account, "logs", self.api.key, self.api.files_url)
            self.to = ShareFolder(share, self.folder, None, run, attempt)
        self.to.create()
        self.attempt = attempt

    def start(self, name: str) -> None:
        stem, _, suffix = name.rpartition(".")
        self.to.start_file(name, f"{stem}.attempt-{self.attempt - 1}.{suffix}" if self.attempt > 1 else "")

    def get(self, name: str = STDOUT, **query: Any) -> httpx.Response:
        return self.api.call("GET", f"{self.job}/logs/{name}", **query)

    def names(self) -> dict[str, dict[str, Any]]:
        return {file["name"]: file for file in self.api.must("GET", f"{self.job}/logs")["value"]}


@pytest.fixture(params=["share", "container"])
def writer(api: RestApi, request: pytest.FixtureRequest) -> Writer:
    return Writer(api, request.param)


def seen(answer: httpx.Response) -> tuple[bytes, str, str, str, str]:
    """Bytes, where they begin and end, how long the file is, whether that is all."""
    assert answer.status_code == 200, answer.text
    names = ("offset", "next-offset", "size", "final")
    offset, end, size, final = (answer.headers[f"x-batchai-{name}"] for name in names)
    return answer.content, offset, end, size, final


def test_a_log_is_read_while_it_grows_and_after_the_end(writer: Writer) -> None:
    assert writer.names() == {}
    missing = writer.get()
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "LogNotFound")
    writer.start("stdout.txt")
    assert seen(writer.get()) == (b"", "0", "0", "0", "false")
    writer.to.append("stdout.txt", 0, b"one\n\xff\x1b[31m<b>")
    answer = writer.get()
    assert seen(answer) == (b"one\n\xff\x1b[31m<b>", "0", "13", "13", "false")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-batchai-attempt"] == "1"
    assert answer.headers["x-batchai-run"] == writer.folder.split("/")[-2]
    assert seen(writer.get(offset=13)) == (b"", "13", "13", "13", "false")
    writer.to.append("stdout.txt", 13, b"two\n")
    assert seen(writer.get(offset=13)) == (b"two\n", "13", "17", "17", "false")
    assert seen(writer.get(offset=4, maxbytes=3)) == (b"\xff\x1b[", "4", "7", "17", "false")
    assert seen(writer.get(offset=-4)) == (b"two\n", "13", "17", "17", "false")
    assert seen(writer.get(offset=-400, maxbytes=2)) == (b"on", "0", "2", "17", "false")
    assert seen(writer.get(offset=99)) == (b"", "99", "99", "17", "false")
    assert not writer.names()[STDOUT]["final"]
    writer.api.finish(writer.claim, Reason.JOB_FAILED, 3)
    assert seen(writer.get(offset=13)) == (b"two\n", "13", "17", "17", "true")
    assert seen(writer.get(offset=17)) == (b"", "17", "17", "17", "true")
    assert seen(writer.get(offset=0, maxbytes=5))[4] == "false", "more follows, though not to be written"
    assert writer.names()[STDOUT] == {
        "name": STDOUT,
        "stream": "stdout",
        "node": None,
        "process": None,
        "attempt": 1,
        "sizeBytes": 17,
        "final": True,
    }


def test_a_run_of_the_past_has_its_own_logs(writer: Writer) -> None:
    writer.start("stdout.txt")
    writer.to.append("stdout.txt", 0, b"of a run\n")
    writer.api.finish(writer.claim)
    run = writer.api.must("GET", f"{writer.job}/runs")["value"][0]["name"]
    path = f"{writer.job}/runs/{run}/logs"
    assert [file["name"] for file in writer.api.must("GET", path)["value"]] == [STDOUT]
    assert seen(writer.api.call("GET", f"{path}/{STDOUT}"))[0] == b"of a run\n"
    other = writer.api.call("GET", f"{writer.job}/runs/{uuid.uuid4()}/logs/{STDOUT}")
    assert (other.status_code, other.json()["error"]["code"]) == (404, "RunNotFound")


def test_logs_of_attempts_nodes_and_processes_are_distinguished(writer: Writer) -> None:
    for name in ("stdout.txt", "execution-node-7.log", "stderr-wk-0.txt", "stdout-job_prep-node-7.txt"):
        writer.start(name)
    writer.to.append("stdout.txt", 0, b"of the first\n")
    writer.to.let_go()
    writer.begin(2)
    writer.start("stdout.txt")
    writer.to.append("stdout.txt", 0, b"of the second\n")
    found = {
        name.removeprefix("stdouterr/"): (file["stream"], file["node"], file["process"], file["attempt"])
        for name, file in writer.names().items()
    }
    assert found == {
        "execution-node-7.log": ("execution", "node-7", None, 1),
        "stderr-wk-0.txt": ("stderr", None, "wk-0", 1),
        "stdout-job_prep-node-7.txt": ("preparation", "node-7", None, 1),
        "stdout.attempt-1.txt": ("stdout", None, None, 1),
        "stdout.txt": ("stdout", None, None, 2),
    }
    assert seen(writer.get("stdouterr/stdout.attempt-1.txt"))[0] == b"of the first\n"
    assert seen(writer.get())[0] == b"of the second\n"


def test_reading_costs_two_storage_calls(writer: Writer) -> None:
    """The job's row and the piece; what was accepted is looked up once a run."""
    writer.start("stdout.txt")
    writer.to.append("stdout.txt", 0, b"one\n")
    counter = CallCounter()
    services = backend(writer.api.backend.settings, counter)
    files = LogFiles(services.manager, services.clusters, counter)
    parts = writer.job.split("/")
    at = JobId(parts[8], parts[10], parts[12])
    for offset in (0, 2, 4):
        counter.reset()
        piece = files.read(services.manager.get(at), STDOUT, offset, 1024)
        assert piece and piece.size == 4
    assert sum(counter.snapshot().values()) == 2, counter.snapshot()
    services.close()


def test_zeros_at_the_end_of_a_growing_file_wait(writer: Writer) -> None:
    """A file on a share is made longer first and filled then; in a container zeros are what was written."""
    writer.start("stdout.txt")
    writer.to.append("stdout.txt", 0, b"one\0two\0\0\0")
    if writer.kind == "container":
        assert seen(writer.get()) == (b"one\0two\0\0\0", "0", "10", "10", "false")
        return
    assert seen(writer.get()) == (b"one\0two", "0", "7", "10", "false")
    assert seen(writer.get(offset=7)) == (b"", "7", "7", "10", "false")
    writer.api.finish(writer.claim)
    assert seen(writer.get(offset=7)) == (b"\0\0\0", "7", "10", "10", "true")


@pytest.mark.parametrize(
    "name",
    [
        "stdouterr", "stdouterr/", "stdouterr/../x", "stdouterr/%2e%2e/%2e%2e/x", "stdouterr/a%5cb",
        "stdouterr//x", "stdouterr/%00", "stdouterr/./x", "NONE/x", "stdouterr/" + "a" * 300,
    ],
)  # fmt: skip
def test_names_that_are_none(api: RestApi, name: str) -> None:
    writer = _shared(api)
    place = httpx.URL(api.url)
    raw = f"{writer.job}/logs/{name}?api-version={VERSION}".encode()
    answer = api.http.send(api.http.build_request("GET", place.copy_with(raw_path=raw)))
    assert answer.status_code in (400, 404) and answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "query",
    [{"offset": "x"}, {"offset": "1.5"}, {"offset": "--1"}, {"offset": "9" * 30}, {"maxbytes": 0},
     {"maxbytes": 4 * 1024 * 1024 + 1}, {"offset": "\u0661"}],
)  # fmt: skip
def test_parameters_that_mean_nothing(api: RestApi, query: dict[str, Any]) -> None:
    answer = _shared(api).get(**query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidQueryParameterValue")


def test_a_log_is_downloaded_under_its_name(api: RestApi) -> None:
    writer = _shared(api)
    answer = writer.get(download="true")
    assert answer.headers["content-disposition"] == 'attachment; filename="stdout.txt"'


def test_any_version_of_the_api_will_do(api: RestApi) -> None:
    path = f"{_shared(api).job}/logs"
    assert api.call("GET", path, **{"api-version": "2026-11-29"}).status_code == 200


def test_a_job_that_is_not_there(api: RestApi, workspace: str) -> None:
    for path in ("logs", f"logs/{STDOUT}"):
        answer = api.call("GET", f"{workspace}/experiments/experiment/jobs/none/{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "JobNotFound")


def test_logs_that_lie_on_no_share_cannot_be_read(api: RestApi, workspace: str) -> None:
    job = api.job(workspace, "local", stdOutErrPathPrefix="$AZ_BATCHAI_MOUNT_ROOT/elsewhere", mountVolumes={})
    answer = api.call("GET", f"{job}/logs/{STDOUT}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "OutputDirectoryNotOnMountRoot")


_SHARED: dict[str, Writer] = {}


def _shared(api: RestApi) -> Writer:
    """One job for the tests that only ask."""
    if api.url not in _SHARED:
        writer = _SHARED[api.url] = Writer(api, "share")
        writer.start("stdout.txt")
        writer.to.append("stdout.txt", 0, b"one\n")
    return _SHARED[api.url]
