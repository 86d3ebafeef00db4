"""One attempt from claim to outcome: real processes, shares of the Azure Files emulator, premounted."""

import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from azure.storage.fileshare import ShareServiceClient

from runner.attempt.result import Result
from runner.isolation.node_config import NodeConfig
from runner.processes.stop_signal import StopReason
from shared.jobs.model import Reason
from tests.integration.runner.conftest import Shares
from tests.integration.runner.stage import MOUNTS, Stage
from tests.support.agents import job_runner
from tests.support.waiting import eventually
from tests.support.world import World


@pytest.fixture
def stage(world: World, shares: Shares, config: Callable[..., NodeConfig]) -> Stage:
    return Stage(world, shares, config())


def left_over(stage: Stage) -> list[str]:
    """Commands of processes that still run in the node's folders."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.cwd().startswith(str(stage.config.root)) and child.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(child.cmdline()))
        except psutil.Error:
            continue
    return found


def test_success_leaves_logs_outputs_and_a_clean_node(stage: Stage) -> None:
    out = stage.shares.create("out")
    volumes = [stage.shares.volume("logs"), stage.shares.volume("out")]
    command = 'echo "hello $NAME"; echo oops >&2; echo weights > $AZ_BATCHAI_OUTPUT_MODEL/model.bin'
    claim = stage.claim(
        command,
        mountVolumes={"azureFileShares": volumes},
        outputDirectories=[{"id": "MODEL", "pathPrefix": f"{MOUNTS}/out", "pathSuffix": "model"}],
        environmentVariables=[{"name": "NAME", "value": "world on $AZ_BATCHAI_NUM_GPUS GPUs"}],
    )
    result = stage.run(claim)
    assert result.outcome is not None
    assert (result.outcome.reason, result.outcome.exit_code) == (Reason.SUCCEEDED, 0)
    assert stage.log() == "hello world on 0 GPUs\n"
    assert stage.log("stderr.txt") == "oops\n"
    assert "ended: Succeeded, exit code 0" in stage.log("execution.log")
    assert (out / stage.segment() / "outputs" / "model" / "model.bin").read_text() == "weights\n"
    assert {seal.name: seal.complete for seal in result.report.seals} == {
        "execution.log": True,
        "stdout.txt": True,
        "stderr.txt": True,
    }
    assert not left_over(stage)
    assert not [p for p in stage.config.root.rglob("*") if p.is_symlink()], "every volume is undone"


def test_the_execution_log_ends_with_the_durations(stage: Stage) -> None:
    claim = stage.claim("sleep 0.4", jobPreparation={"commandLine": "true"})
    runner = job_runner(stage.world, stage.config, claim, stage.stop)
    runner.node = replace(runner.node, gpus=8)
    runner.run()
    last = stage.log("execution.log").splitlines()[-1]
    parts = r"queued [\d.]+ s, mounting [\d.]+ s, preparing [\d.]+ s, running [\d.]+ s, attempts 1"
    assert re.search(rf" time line: {parts}, GPU hours 0\.\d+$", last), last


def test_an_exit_code_of_the_job_is_its_outcome(stage: Stage) -> None:
    assert stage.outcome("echo before; exit 3") == (Reason.JOB_FAILED, 3)
    assert stage.log() == "before\n"


def test_a_job_that_ends_by_a_signal(stage: Stage) -> None:
    assert stage.outcome("kill -SEGV $$") == (Reason.JOB_FAILED, 139)


def test_preparation_runs_first_and_its_failure_is_the_outcome(stage: Stage) -> None:
    preparation = {"commandLine": "echo preparing; exit 5"}
    assert stage.outcome("echo never", jobPreparation=preparation) == (Reason.PREPARATION_FAILED, 5)
    assert stage.log("stdout-job_prep.txt") == "preparing\n"
    assert stage.log() == ""


def test_preparation_and_job_share_their_temp(stage: Stage) -> None:
    preparation = {"commandLine": "echo prepared > $AZ_BATCHAI_JOB_TEMP/x"}
    assert stage.outcome("cat $AZ_BATCHAI_JOB_TEMP/x", jobPreparation=preparation) == (Reason.SUCCEEDED, 0)
    assert stage.log() == "prepared\n"


def test_a_missing_share_is_a_mount_error(stage: Stage) -> None:
    volumes = [stage.shares.volume("logs"), stage.shares.volume("nobody-made-it")]
    reason, code = stage.outcome(mountVolumes={"azureFileShares": volumes})
    assert (reason, code) == (Reason.FILE_SHARE_MOUNT, None)
    assert "nobody-made-it" in stage.log("execution.log")
    assert not [p for p in stage.config.root.rglob("*") if p.is_symlink()]


def test_a_missing_share_for_the_logs_keeps_nobody_waiting(stage: Stage) -> None:
    before = time.monotonic()
    shares = {"azureFileShares": [stage.shares.volume("nobody-made-it")]}
    reason, _ = stage.outcome(stdOutErrPathPrefix=f"{MOUNTS}/nobody-made-it", mountVolumes=shares)
    assert reason is Reason.FILE_SHARE_MOUNT
    assert time.monotonic() - before < 10


def test_a_wall_clock_that_runs_out(stage: Stage) -> None:
    before = time.monotonic()
    constraints = {"maxWallClockTime": "PT1S"}
    assert stage.outcome("echo begun; sleep 60", constraints=constraints) == (Reason.WALL_CLOCK, None)
    assert 1 <= time.monotonic() - before < 8
    assert stage.log() == "begun\n"
    assert not left_over(stage)


def begun(stage: Stage, command: str = "echo begun; sleep 60") -> tuple[threading.Thread, list[Result]]:
    thread, results = stage.in_background(stage.claim(command))
    eventually(lambda: stage.log() == "begun\n")
    return thread, results


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [(StopReason.TERMINATED, Reason.TERMINATED), (StopReason.DRAIN, None), (StopReason.LOST, None)],
)
def test_a_stop_ends_the_tree_and_only_a_termination_has_an_outcome(
    stage: Stage, reason: StopReason, outcome: Reason | None
) -> None:
    thread, results = begun(stage, "sleep 61 & echo begun; sleep 60")
    stage.stop.set(reason)
    thread.join(10)
    assert not thread.is_alive()
    result = results[0]
    assert (result.outcome.reason if result.outcome else None) is outcome
    assert result.stopped is (reason if outcome is None else None)
    assert not left_over(stage)


def test_grace_lets_a_job_save_its_work(stage: Stage) -> None:
    thread, _ = begun(stage, "trap 'echo saved; exit 0' TERM; echo begun; while :; do sleep 0.02; done")
    stage.stop.set(StopReason.TERMINATED)
    thread.join(10)
    assert stage.log() == "begun\nsaved\n"


def test_children_left_behind_are_killed_and_reported(stage: Stage) -> None:
    assert stage.outcome("sleep 60 & echo done") == (Reason.SUCCEEDED, 0)
    assert not left_over(stage)
    assert "left behind" in stage.log("execution.log")


def test_a_second_attempt_keeps_the_logs_of_the_first(stage: Stage) -> None:
    claim = stage.claim("echo attempt $AZ_BATCHAI_ATTEMPT")
    stage.run(claim)
    stage.world.expire(claim)
    stage.run(stage.world.must_claim("node-9"))
    assert stage.log() == "attempt 2\n"
    assert stage.log("stdout.attempt-1.txt") == "attempt 1\n"
    assert "attempt 1 of job" in stage.log("execution.attempt-1.log")


def test_secrets_reach_the_job_and_no_log_of_ours(stage: Stage) -> None:
    claim = stage.claim('test "$TOKEN" = swordfish', secrets=[{"name": "TOKEN", "value": "swordfish"}])
    result = stage.run(claim)
    assert result.outcome is not None
    assert result.outcome.exit_code == 0
    assert "swordfish" not in stage.log("execution.log")
    assert "***" in stage.log("execution.log")


def test_a_job_sees_nothing_of_the_runner(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHAI_STORAGE", "the connection string")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "the client secret")
    assert stage.outcome("env") == (Reason.SUCCEEDED, 0)
    assert "the connection string" not in stage.log()
    assert "the client secret" not in stage.log()
    assert "AZ_BATCHAI_JOB_MOUNT_ROOT=" in stage.log()


SCRIPT, ARGS = f"{MOUNTS}/scripts/train.py", "--epochs 3"


@pytest.mark.parametrize(
    "toolkit",
    [
        {"pyTorchSettings": {"pythonScriptFilePath": SCRIPT, "commandLineArgs": ARGS}},
        {"tensorFlowSettings": {"pythonScriptFilePath": SCRIPT, "masterCommandLineArgs": ARGS}},
        {"caffe2Settings": {"pythonScriptFilePath": SCRIPT, "commandLineArgs": ARGS}},
        {"customToolkitSettings": {"commandLine": f"python {SCRIPT} {ARGS}"}},
    ],
    ids=lambda toolkit: next(iter(toolkit)),
)
def test_python_toolkits_run_their_script(stage: Stage, toolkit: dict[str, Any]) -> None:
    scripts = stage.shares.create("scripts")
    (scripts / "train.py").write_text("import sys\nprint('trained with', sys.argv[1:], sys.prefix)\n")
    stage.config = replace(stage.config, path=str(Path(sys.prefix) / "bin"))
    volumes = {"azureFileShares": [stage.shares.volume("logs"), stage.shares.volume("scripts")]}
    without = {"customToolkitSettings": None} if "customToolkitSettings" not in toolkit else {}
    result = stage.run(stage.claim(mountVolumes=volumes, **without | toolkit))
    assert result.outcome is not None
    assert result.outcome.exit_code == 0, stage.log("execution.log")
    folder = (stage.logs / stage.segment()).joinpath("stdouterr")
    message = "".join(path.read_text() for path in folder.glob("stdout*.txt"))
    assert f"trained with ['--epochs', '3'] {sys.prefix}" in message


def test_a_share_that_is_deleted_under_a_running_job_hangs_nobody(stage: Stage) -> None:
    """The job's own result stands; what did not arrive of its logs is sealed as incomplete."""
    thread, results = stage.in_background(stage.claim("echo first; sleep 1.5; echo last; exit 3"))
    eventually(lambda: stage.log().startswith("first"), 20)
    with ShareServiceClient.from_connection_string(stage.shares.server.connection_string) as service:
        service.delete_share("logs")
    before = time.monotonic()
    thread.join(60)
    assert not thread.is_alive()
    assert time.monotonic() - before < 30
    assert results[0].outcome is not None
    assert (results[0].outcome.reason, results[0].outcome.exit_code) == (Reason.JOB_FAILED, 3)
    seals = {seal.name: seal.complete for seal in results[0].report.seals}
    assert seals["stdout.txt"] is False
