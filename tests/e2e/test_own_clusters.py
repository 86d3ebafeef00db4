"""Clusters of one's own on the local stack: its runners go where the work is, in whatever workspace."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.layout import DataDirectory, StackState, load
from local.ports import Ports, choose, remember, remembered
from local.stack import APP
from tests.support.stack_client import CLUSTER, ROOT, SHARE_URL, StackClient, job
from tests.support.waiting import eventually

_LOGS = {"azureFileUrl": f"{SHARE_URL}logs", "relativeMountPath": "logs"}
_MOUNTING = {
    "properties": {
        **CLUSTER["properties"],
        "nodeSetup": {"mountVolumes": {"azureFileShares": [_LOGS]}},
    }
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> DataDirectory:
    made = DataDirectory(tmp_path_factory.mktemp("own") / "local")
    made.root.mkdir()
    remember(made.ports, choose(Ports(), Ports()))
    return made


@contextmanager
def _served(directory: DataDirectory, *words: str) -> Iterator[StackState]:
    """The stack that `make up` leaves running, for the time of the block, on the ports of last time."""
    before = remembered(directory.ports)
    command = [sys.executable, "-m", "local", "serve", *words]
    env = os.environ | {"BATCHAI_LOCAL": str(directory.root)}
    with (directory.root.parent / "serve.log").open("ab") as log:
        serve = subprocess.Popen(command, cwd=APP, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        state = eventually(lambda: load(directory), 60)
        assert remembered(directory.ports) == before and state.http.endswith(f":{before.http}")
        yield state
    finally:
        serve.send_signal(signal.SIGTERM)
        assert serve.wait(60) == 0, (directory.root.parent / "serve.log").read_text()[-3000:]


def _own_cluster(client: StackClient, workspace: str, name: str) -> str:
    """A cluster made as the SDK makes one, with an experiment beside it; its ARM id."""
    client.put(f"{ROOT}/{workspace}", {"location": "local"})
    client.put(f"{ROOT}/{workspace}/experiments/runs", {})
    client.put(f"{ROOT}/{workspace}/clusters/{name}", {"location": "local", **CLUSTER})
    return f"{ROOT}/{workspace}/clusters/{name}"


def _submit(
    client: StackClient, workspace: str, name: str, cluster: str, command: str, nodes: int = 1
) -> None:
    document = job(command, cluster={"id": cluster}, nodeCount=nodes)
    client.put(f"{ROOT}/{workspace}/experiments/runs/jobs/{name}", document)


def _ended(client: StackClient, workspace: str, name: str) -> str:
    """The state a job has ended in, "" while it has not."""
    _, found = client.get(f"{ROOT}/{workspace}/experiments/runs/jobs/{name}")
    state = str(found["properties"]["executionState"])
    return state if state in ("succeeded", "failed") else ""


def test_one_runner_serves_the_clusters_of_several_workspaces(directory: DataDirectory) -> None:
    with _served(directory, "--runners", "1", "--fixed") as state, StackClient(state) as client:
        # Given a cluster made over HTTP and one that was dropped, none of which is the stack's own
        mine = _own_cluster(client, "mine", "nc6")
        client.share("logs")
        client.drop("clusters", "theirs/gpu/cluster.json", _MOUNTING)
        eventually(lambda: client.status("clusters", "theirs/gpu"), 20)
        # When jobs wait in each, one of another workspace than its cluster's
        # A job of the first leaves a folder where the second one mounts a volume
        _submit(client, "mine", "first", mine, "mkdir -p $AZ_BATCHAI_MOUNT_ROOT/logs; sleep 1")
        _submit(client, "mine", "guest", f"{ROOT}/theirs/clusters/gpu", "true")
        client.drop("jobs", "default/default/plain/job.json", job("true"))
        # Then the one runner runs them all
        assert eventually(lambda: _ended(client, "mine", "first"), 60) == "succeeded"
        assert eventually(lambda: _ended(client, "mine", "guest"), 60) == "succeeded"
        client.await_state("default/default/plain", "queued", "running", "succeeded")
        eventually(lambda: (client.status("jobs", "default/default/plain") or {})["state"] == "succeeded", 60)
        # And `make status` says whom it serves
        moved = eventually(lambda: load(directory), 5)
        assert [part.name for part in moved.parts if part.name.startswith("runner")] == ["runner local-0"]
        runner = next(part for part in moved.parts if part.name == "runner local-0")
        assert runner.pid != next(part.pid for part in state.parts if part.name == "runner local-0")


def test_two_runners_come_together_for_a_gang_on_a_cluster_of_ones_own(directory: DataDirectory) -> None:
    with _served(directory, "--runners", "2") as state, StackClient(state) as client:
        cluster = _own_cluster(client, "mine", "pair")
        command = 'test "$(echo $AZ_BATCH_HOST_LIST | tr , "\\n" | wc -l)" = 2'
        _submit(client, "mine", "both", cluster, command, nodes=2)
        assert eventually(lambda: _ended(client, "mine", "both"), 60) == "succeeded"


def test_the_printed_hint_starts_a_runner(directory: DataDirectory, tmp_path: Path) -> None:
    with _served(directory, "--runners", "0") as state, StackClient(state) as client:
        cluster = _own_cluster(client, "mine", "nc6")
        _submit(client, "mine", "hinted", cluster, "true")
        _, waiting = client.get(f"{ROOT}/mine/experiments/runs/jobs/hinted")
        hint = waiting["properties"]["waiting"]["next"]
        command = hint[hint.index("make runner") :].rstrip(".")
        env = os.environ | {"BATCHAI_LOCAL": str(directory.root)}
        with (tmp_path / "runner.log").open("wb") as log:
            runner = subprocess.Popen(
                command, shell=True, cwd=APP, env=env, stdout=log, stderr=log, start_new_session=True
            )
        try:
            assert eventually(lambda: _ended(client, "mine", "hinted"), 30) == "succeeded"
        finally:
            os.killpg(runner.pid, signal.SIGINT)
            runner.wait(20)
        assert "Traceback" not in (tmp_path / "runner.log").read_text()
