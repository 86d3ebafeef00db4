"""Drop a job.json, read its output: the whole path with real parts."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from local.environment import RESOURCE_GROUP, SUBSCRIPTION
from local.layout import StackState
from tests.support.stack_client import ROOT, StackClient, job
from tests.support.waiting import eventually

_SEGMENT = f"{SUBSCRIPTION}/{RESOURCE_GROUP}/workspaces/default/experiments/{{0}}/jobs/{{1}}"


def test_each_line_is_readable_on_the_share_within_two_seconds_while_the_job_runs(
    client: StackClient,
) -> None:
    # Given a job that prints the time, once a second, for six seconds
    command = "for i in 1 2 3 4 5 6; do date +%s.%N; sleep 1; done"
    client.drop("jobs", "default/live/lines/job.json", job(command))
    started = eventually(lambda: _running(client, "live", "lines"), 20)
    segment = started["properties"]["jobOutputDirectoryPathSegment"]
    assert segment.startswith(_SEGMENT.format("live", "lines") + "/")

    # When the share is read again and again while the job runs
    delays: list[float] = []
    running_reads = 0
    while len(delays) < 6:
        data = client.log(segment) or b""
        now = time.time()
        lines = data.decode().splitlines()
        for line in lines[len(delays) :]:
            delays.append(now - float(line))
            _, resource = client.get(f"{ROOT}/default/experiments/live/jobs/lines")
            running_reads += resource["properties"]["executionState"] == "running"
        assert now - datetime.fromisoformat(started["properties"]["creationTime"]).timestamp() < 60
        time.sleep(0.1)

    # Then every line was there within two seconds, most of them while the job was still running
    assert max(delays) < 2.0, delays
    assert running_reads >= 5
    status = client.await_state("default/live/lines", "succeeded")
    assert status["exitCode"] == 0
    seals = {log["name"]: log for log in status["logs"]}
    assert seals["stdout.txt"]["complete"] and seals["stdout.txt"]["bytes"] == len(client.log(segment) or b"")


def test_the_logs_of_every_part_name_the_job(client: StackClient, stack: StackState) -> None:
    client.drop("jobs", "default/live/named/job.json", job("true"))
    client.await_state("default/live/named", "succeeded")
    logs = {part.name: Path(part.log).read_text() for part in stack.parts}
    assert "document accepted (blob jobs/default/live/named/job.json)" in logs["functions host"]
    assert "claimed (job default/live/named" in logs["runner local-0"]
    assert "ended as succeeded (job default/live/named" in logs["runner local-0"]


def _running(client: StackClient, experiment: str, name: str) -> dict[str, Any] | None:
    code, resource = client.get(f"{ROOT}/default/experiments/{experiment}/jobs/{name}")
    return resource if code == 200 and resource["properties"]["executionState"] == "running" else None


def test_outputs_environment_and_exit_code(client: StackClient) -> None:
    command = (
        'echo "$GREETING from $AZ_BATCHAI_JOB_NAME"; env | grep ^AZ_ | sort; '
        "echo result > $AZ_BATCHAI_OUTPUT_MODEL/result.txt; ls -d $AZ_BATCHAI_INPUT_IN; echo oops >&2; exit 3"
    )
    document = job(
        command,
        inputDirectories=[{"id": "IN", "path": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs"}],
        outputDirectories=[
            {"id": "MODEL", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs", "pathSuffix": "model"}
        ],
        environmentVariables=[{"name": "GREETING", "value": "hello"}],
    )
    client.drop("jobs", "default/outputs/three/job.json", document)
    status = client.await_state("default/outputs/three", "failed")
    assert status["exitCode"] == 3
    assert status["errors"][0]["code"] == "JobFailed"
    segment = f"{_SEGMENT.format('outputs', 'three')}/{status['uuid']}"
    out = (client.log(segment) or b"").decode()
    assert out.startswith("hello from three\n")
    for name in (
        "MOUNT_ROOT",
        "JOB_MOUNT_ROOT",
        "INPUT_IN",
        "OUTPUT_MODEL",
        "STDOUTERR_DIR",
        "JOB_TEMP",
        "NUM_GPUS",
    ):
        assert f"\nAZ_BATCHAI_{name}=" in out
    assert client.log(segment, "stderr.txt") == b"oops\n"
    # The literal "outputs" folder lies between segment and pathSuffix.
    share = client.shares.get_share_client("logs")
    found = share.get_file_client(f"{segment}/outputs/model/result.txt").download_file().readall()
    assert found == b"result\n"
    assert "ended: JobFailed, exit code 3" in (client.log(segment, "execution.log") or b"").decode()


def test_no_setting_of_the_runner_reaches_the_job(client: StackClient) -> None:
    client.drop("jobs", "default/outputs/leak/job.json", job("env"))
    status = client.await_state("default/outputs/leak", "succeeded")
    out = (client.log(f"{_SEGMENT.format('outputs', 'leak')}/{status['uuid']}") or b"").decode()
    assert "AccountKey" not in out and "SEALING" not in out and "BATCHAI_STORAGE=" not in out


def test_http_get_and_list_ignore_case_and_page(client: StackClient) -> None:
    for number in range(3):
        client.drop("jobs", f"default/listed/j{number}/job.json", job("true"))
    for number in range(3):
        client.await_state(f"default/listed/j{number}", "succeeded")
    path = f"{ROOT}/default/experiments/listed/jobs"
    code, resource = client.get(f"{path}/J1".replace("resourceGroups", "resourcegroups"))
    assert code == 200 and resource["name"] == "j1"
    assert resource["properties"]["executionInfo"]["exitCode"] == 0
    names, link = [], f"{path}?maxresults=2"
    while link:
        code, page = client.get(link)
        assert code == 200
        names += [entry["name"] for entry in page["value"]]
        link = page.get("nextLink", "").replace(client.state.http, "").replace("api-version=2018-05-01&", "")
    assert names == ["j0", "j1", "j2"]
    code, answer = client.get(f"{path}/nobody")
    assert (code, answer["error"]["code"]) == (404, "JobNotFound")


def test_a_document_dropped_twice_runs_once(client: StackClient) -> None:
    document = json.dumps(job("echo run >> $AZ_BATCHAI_JOB_MOUNT_ROOT/logs/ledger.txt; sleep 4")).encode()
    client.drop("jobs", "default/twice/once/job.json", document)
    eventually(lambda: _running(client, "twice", "once"), 20)
    # When the same bytes are dropped again while it runs, and a different document is
    client.drop("jobs", "default/twice/once/job.json", document)
    eventually(lambda: (client.status("jobs", "default/twice/once") or {})["state"] != "refused", 5)
    status = client.await_state("default/twice/once", "succeeded")
    assert status["attempt"] == 1
    ledger = client.shares.get_share_client("logs").get_file_client("ledger.txt").download_file().readall()
    assert ledger == b"run\n"


def test_a_finished_name_dropped_again_is_a_new_run(client: StackClient) -> None:
    client.drop("jobs", "default/again/same/job.json", job("echo one"))
    first = client.await_state("default/again/same", "succeeded")
    client.drop("jobs", "default/again/same/job.json", job("echo two"))
    second = eventually(
        lambda: (
            s
            if (s := client.status("jobs", "default/again/same") or {}).get("uuid") != first["uuid"]
            and s["state"] == "succeeded"
            else None
        ),
        30,
    )
    base = _SEGMENT.format("again", "same")
    assert client.log(f"{base}/{first['uuid']}") == b"one\n"
    assert client.log(f"{base}/{second['uuid']}") == b"two\n"


def test_the_data_of_a_container_is_a_folder_of_the_job(client: StackClient) -> None:
    if not client.blobs.get_container_client("numbers").exists():
        client.blobs.create_container("numbers")
    client.drop("numbers", "a/one.txt", b"1\n")
    document = job("cd $AZ_BATCHAI_JOB_MOUNT_ROOT/numbers/a; cat one.txt; echo 2 > two.txt")
    document["properties"]["mountVolumes"]["azureBlobFileSystems"] = [
        {
            "accountName": "<AZURE_BATCHAI_STORAGE_ACCOUNT>",
            "containerName": "numbers",
            "relativeMountPath": "numbers",
        }
    ]
    client.drop("jobs", "default/outputs/blobs/job.json", document)
    status = client.await_state("default/outputs/blobs", "succeeded")
    assert client.log(f"{_SEGMENT.format('outputs', 'blobs')}/{status['uuid']}") == b"1\n"
    assert client.blobs.get_blob_client("numbers", "a/two.txt").download_blob().readall() == b"2\n"
