"""Every toolkit on one node: what its script is started with, and where its output is written."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack_client import ROOT, SHARE_URL, StackClient, job
from tests.support.waiting import eventually

#: Prints what it was started with, as one JSON line.
_STAND_IN = """
import json, os, sys
names = ("AZ_BATCH", "TF_CONFIG", "OMPI_", "KERAS", "RANK", "WORLD", "MASTER", "GREETING")
env = {k: v for k, v in os.environ.items() if k.startswith(names)}
print(json.dumps({"argv": sys.argv[1:], "env": env, "python": sys.executable, "cwd": os.getcwd()}))
"""
_SCRIPT = "$AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/stand_in.py"
_ARGS = "--epochs 2 --out $AZ_BATCHAI_OUTPUT_MODEL --label 'two words'"


@pytest.fixture(scope="module")
def scripts(client: StackClient) -> None:
    client.share("scripts")
    share = client.shares.get_share_client("scripts")
    share.get_file_client("stand_in.py").upload_file(_STAND_IN.encode())


def _document(settings: dict[str, Any]) -> dict[str, Any]:
    document = job("unused")
    properties = document["properties"]
    del properties["customToolkitSettings"]
    properties |= settings
    properties["mountVolumes"]["azureFileShares"].append(
        {"azureFileUrl": f"{SHARE_URL}scripts", "relativeMountPath": "scripts"}
    )
    properties["outputDirectories"] = [
        {"id": "MODEL", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs", "pathSuffix": "model"}
    ]
    properties["environmentVariables"] = [{"name": "GREETING", "value": "hello from $AZ_BATCHAI_JOB_NAME"}]
    return document


def _python(name: str, args: str = "commandLineArgs", **more: Any) -> dict[str, Any]:
    return {name: {"pythonScriptFilePath": _SCRIPT, args: _ARGS, **more}}


@pytest.mark.parametrize(
    ("tool", "settings", "log", "own"),
    [
        ("tensorflow", _python("tensorFlowSettings", "masterCommandLineArgs"), "stdout-wk-0.txt", {}),
        ("pytorch", _python("pyTorchSettings"), "stdout-0.txt", {"AZ_BATCHAI_TASK_INDEX": "0"}),
        ("caffe2", _python("caffe2Settings"), "stdout-0.txt", {"AZ_BATCHAI_TASK_INDEX": "0"}),
        ("cntk", _python("cntkSettings", languageType="Python"), "stdout.txt", {"KERAS_BACKEND": "cntk"}),
        ("caffe", _python("caffeSettings"), "stdout.txt", {}),
        ("chainer", _python("chainerSettings"), "stdout.txt", {"OMPI_COMM_WORLD_RANK": "0"}),
        ("horovod", _python("horovodSettings"), "stdout.txt", {"OMPI_COMM_WORLD_SIZE": "1"}),
        (
            "custommpi",
            {"customMpiSettings": {"commandLine": f"python {_SCRIPT} {_ARGS}"}},
            "stdout.txt",
            {"OMPI_COMM_WORLD_RANK": "0"},
        ),
        (
            "custom",
            {"customToolkitSettings": {"commandLine": f"cd /tmp && python {_SCRIPT} {_ARGS} | cat"}},
            "stdout.txt",
            {},
        ),
    ],
)
@pytest.mark.usefixtures("scripts")
def test_a_toolkit_starts_its_script_with_arguments_and_variables(
    client: StackClient, tool: str, settings: dict[str, Any], log: str, own: dict[str, str]
) -> None:
    client.drop("jobs", f"default/tools/{tool}/job.json", _document(settings))
    status = client.await_state(f"default/tools/{tool}", "succeeded")
    _, resource = client.get(f"{ROOT}/default/experiments/tools/jobs/{tool}")
    assert resource["properties"]["toolType"] == tool
    # Stored and shown unexpanded.
    assert _SCRIPT in json.dumps(resource["properties"])
    segment = resource["properties"]["jobOutputDirectoryPathSegment"]
    values = json.loads((client.log(segment, log) or b"").decode())
    model = f"{values['env']['AZ_BATCHAI_JOB_MOUNT_ROOT']}/logs/{segment}/outputs/model"
    assert values["argv"] == ["--epochs", "2", "--out", model, "--label", "two words"]
    assert values["env"]["AZ_BATCHAI_OUTPUT_MODEL"] == model
    assert values["env"]["GREETING"] == f"hello from {tool}"
    assert own.items() <= values["env"].items()
    assert {entry["name"] for entry in status["logs"]} == {
        "execution.log",
        log,
        log.replace("stdout", "stderr"),
    }


@pytest.mark.usefixtures("scripts")
def test_the_interpreter_of_the_document_is_used(client: StackClient) -> None:
    settings = _python("pyTorchSettings", pythonInterpreterPath="/usr/bin/env python3")
    client.drop("jobs", "default/tools/interpreter/job.json", _document(settings))
    status = client.await_state("default/tools/interpreter", "succeeded")
    assert status["exitCode"] == 0


def test_preparation_runs_first_in_the_same_place_with_its_own_logs(client: StackClient) -> None:
    preparation = {
        "commandLine": "echo preparing; pwd > $AZ_BATCHAI_JOB_TEMP/where; ls -d $AZ_BATCHAI_OUTPUT_O"
    }
    document = job(
        "cat $AZ_BATCHAI_JOB_TEMP/where; pwd",
        jobPreparation=preparation,
        outputDirectories=[{"id": "O", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs"}],
    )
    client.drop("jobs", "default/prep/good/job.json", document)
    client.await_state("default/prep/good", "succeeded")
    segment = _segment(client, "prep", "good")
    first, second = (client.log(segment) or b"").decode().split()
    assert first == second
    prepared = (client.log(segment, "stdout-job_prep.txt") or b"").decode()
    # The output directories exist already.
    assert prepared.startswith("preparing\n") and prepared.rstrip().endswith("/outputs")
    assert client.log(segment, "stderr-job_prep.txt") == b""


def test_a_failed_preparation_is_its_own_error_and_the_job_does_not_start(client: StackClient) -> None:
    document = job("echo never", jobPreparation={"commandLine": "echo broken >&2; exit 7"})
    client.drop("jobs", "default/prep/bad/job.json", document)
    status = client.await_state("default/prep/bad", "failed")
    assert (status["errors"][0]["code"], status["exitCode"]) == ("JobPreparationFailed", 7)
    segment = _segment(client, "prep", "bad")
    assert client.log(segment, "stderr-job_prep.txt") == b"broken\n"
    assert client.log(segment) is None


def test_the_wall_clock_ends_a_job_in_time(client: StackClient) -> None:
    document = job("echo begun; sleep 60; echo never", constraints={"maxWallClockTime": "PT2S"})
    client.drop("jobs", "default/prep/slow/job.json", document)
    status = client.await_state("default/prep/slow", "failed", seconds=20)
    assert status["errors"][0]["code"] == "JobWallClockTimeExceeded"
    assert "exitCode" not in status
    assert client.log(_segment(client, "prep", "slow")) == b"begun\n"


def test_high_runs_before_normal_before_low(client: StackClient, tmp_path: Path) -> None:
    # Given a runner that is busy, and three jobs that wait
    client.drop("jobs", "default/order/first/job.json", job("sleep 4"))
    client.await_state("default/order/first", "running")
    for priority in ("low", "normal", "high"):
        document = job("true", schedulingPriority=priority)
        client.drop("jobs", f"default/order/{priority}/job.json", document)
    for priority in ("low", "normal", "high"):
        client.await_state(f"default/order/{priority}", "queued", "running", "succeeded")
    _, waiting = client.get(f"{ROOT}/default/experiments/order/jobs/low")
    assert waiting["properties"]["waiting"]["message"].startswith("position 3 in the queue")
    # Then they start in the order of their priority
    started = {}
    for priority in ("low", "normal", "high"):
        done = eventually(functools.partial(_succeeded, client, priority), 30)
        started[priority] = done["started"]
    assert sorted(started, key=lambda p: str(started[p])) == ["high", "normal", "low"]


def _succeeded(client: StackClient, name: str) -> dict[str, Any] | None:
    status = client.status("jobs", f"default/order/{name}")
    return status if status and status["state"] == "succeeded" else None


def _segment(client: StackClient, experiment: str, name: str) -> str:
    _, resource = client.get(f"{ROOT}/default/experiments/{experiment}/jobs/{name}")
    return str(resource["properties"]["jobOutputDirectoryPathSegment"])
