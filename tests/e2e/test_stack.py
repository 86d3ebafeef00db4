"""The stack itself: up, status, down, the demo, Ctrl-C, a killed runner. Each leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.layout import DataDirectory, load
from local.processes import port_open
from local.stack import APP, Stack
from tests.support.stack_client import StackClient, job
from tests.support.waiting import eventually


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "local")


def _local(directory: DataDirectory, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local", *words],
        cwd=APP,
        env=os.environ | {"BATCHAI_LOCAL": str(directory.root), "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _left_behind(directory: DataDirectory) -> list[str]:
    """Processes and mounts that carry the data directory in their command line or mount point."""
    root = str(directory.root)
    found = [
        f"process {p.pid}: {' '.join(p.info['cmdline'])}"
        for p in psutil.process_iter(["cmdline"])
        if p.info["cmdline"] and any(root in word for word in p.info["cmdline"])
    ]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return found + [line for line in mounts if root in line]


def test_the_demo_trains_shows_it_live_and_leaves_nothing(directory: DataDirectory) -> None:
    demo = _local(directory, "demo")
    output, _ = demo.communicate(timeout=150)
    assert demo.returncode == 0, output
    for words in (
        "queued",
        "running",
        "epoch 20/20",
        "succeeded, exit code 0",
        "digits.joblib",
        "metrics.json",
    ):
        assert words in output
    # It drops a cluster of its own: one that runs beside it keeps its cluster.json
    assert "clusters/default/digits-demo/cluster.json" in output
    assert "default/default" not in output
    # No machine was there before the job, and none is there after it
    grows, shrinks = "cluster grows 0 -> 1 because 1 job waits", "cluster shrinks 1 -> 0 because 1 node"
    assert output.index(grows) < output.index("epoch 20/20") < output.index(shrinks)
    # Where the time from the drop to the first line is spent; a machine has started meanwhile.
    line = next(line for line in output.splitlines() if "first line of output" in line)
    assert float(line.rpartition(": ")[2].removesuffix(" s")) < 60
    assert _left_behind(directory) == []
    assert load(directory) is None


def test_ctrl_c_in_mid_job_stops_everything(directory: DataDirectory) -> None:
    demo = _local(directory, "demo")
    assert demo.stdout
    for line in demo.stdout:
        if "epoch  2/20" in line:
            break
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert _left_behind(directory) == []


def test_a_killed_supervisor_leaves_no_process(directory: DataDirectory) -> None:
    serve = _local(directory, "serve")
    state = eventually(lambda: load(directory), 60)
    serve.kill()
    serve.communicate()
    eventually(lambda: _left_behind(directory) == [] or _fail(_left_behind(directory)), 30)
    assert not port_open(int(state.http.rpartition(":")[2]))


def _fail(left: list[str]) -> None:
    raise AssertionError(left)


def test_up_status_down(directory: DataDirectory) -> None:
    up = _local(directory, "up")
    output, _ = up.communicate(timeout=90)
    assert up.returncode == 0, output
    try:
        status = _local(directory, "status")
        shown, _ = status.communicate(timeout=20)
        assert status.returncode == 0
        for part in ("Azurite", "Azure Files", "functions host", "machines (ARM)"):
            assert part in output
            assert part in shown
        # A second `up` finds it running.
        again = _local(directory, "up")
        assert "already running" in again.communicate(timeout=20)[0]
    finally:
        down = _local(directory, "down")
        assert "stopped" in down.communicate(timeout=60)[0]
    assert _left_behind(directory) == []
    status = _local(directory, "status")
    assert "not running" in status.communicate(timeout=20)[0]
    assert status.returncode == 3


@pytest.fixture
def two_runners(directory: DataDirectory) -> Iterator[tuple[Stack, StackClient]]:
    """A stack with two runners and short leases, for breaking."""
    overrides = {"BATCHAI_LEASE_SECONDS": "6", "BATCHAI_RENEW_SECONDS": "1.5", "BATCHAI_RESEND_SECONDS": "4"}
    stack = Stack(directory, print, runners=2, overrides=overrides)
    state = stack.start()
    try:
        with StackClient(state) as client:
            client.share("logs")
            client.drop_cluster()
            yield stack, client
    finally:
        stack.stop()


def test_the_job_of_a_killed_runner_runs_again_elsewhere_and_its_first_log_is_kept(
    two_runners: tuple[Stack, StackClient], directory: DataDirectory
) -> None:
    stack, client = two_runners
    command = (
        "echo attempt $AZ_BATCHAI_ATTEMPT on $AZ_BATCH_NODE_ID; "
        "echo $AZ_BATCHAI_ATTEMPT >> $AZ_BATCHAI_JOB_MOUNT_ROOT/logs/begun.txt; sleep 6; "
        "echo $AZ_BATCHAI_ATTEMPT >> $AZ_BATCHAI_JOB_MOUNT_ROOT/logs/done.txt"
    )
    client.drop("jobs", "default/lost/one/job.json", job(command))
    ledger = directory.shares / "logs" / "begun.txt"
    eventually(ledger.exists, 20)
    status = client.await_state("default/lost/one", "running")
    segment = status["output"]["stdOutErr"].partition("/logs/")[2].removesuffix("/stdouterr")
    first = eventually(lambda: client.log(segment), 10).decode()
    # When the runner that has it is killed
    stack.part(f"runner {first.split()[-1]}").process.kill()
    # Then the other one runs it to its end; the first attempt neither finished nor ran on
    status = client.await_state("default/lost/one", "succeeded", "running", "queued", seconds=5)
    status = eventually(lambda: _ended(client, "default/lost/one"), 60)
    assert (status["state"], status["attempt"]) == ("succeeded", 2)
    assert (directory.shares / "logs" / "done.txt").read_text() == "2\n"
    assert ledger.read_text() == "1\n2\n"
    assert client.log(segment, "stdout.attempt-1.txt") == first.encode()
    second = (client.log(segment) or b"").decode()
    assert second.startswith("attempt 2 on ") and second.split()[-1] != first.split()[-1]


def _ended(client: StackClient, folder: str) -> dict[str, object] | None:
    status = client.status("jobs", folder)
    return status if status and status["state"] in ("succeeded", "failed") else None
