"""A job on two nodes through the local stack: dropped, watched over REST, its logs in one folder."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.layout import DataDirectory
from local.stack import Stack
from tests.support.stack_client import ROOT, SHARE_URL, StackClient, job
from tests.support.waiting import eventually

#: A parameter server listens where TF_CONFIG says; every worker reports to each of them.
_SCRIPT = """
import json, os, socket, sys, time
config = json.loads(os.environ["TF_CONFIG"])
task, cluster = config["task"], config["cluster"]
if task["type"] == "ps":
    host, port = cluster["ps"][task["index"]].rsplit(":", 1)
    server = socket.create_server((host, int(port)))
    while True:
        print(server.accept()[0].recv(100).decode(), flush=True)
for place in cluster["ps"]:
    host, port = place.rsplit(":", 1)
    for _ in range(400):
        try:
            peer = socket.create_connection((host, int(port)), 5)
            break
        except OSError:
            time.sleep(0.05)
    peer.sendall(f"{task['type']} {task['index']} {' '.join(sys.argv[1:])}".encode())
    peer.close()
print("sent to", len(cluster["ps"]), flush=True)
while not os.path.exists(os.environ["AZ_BATCHAI_INPUT_GO"] + "/go"):
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackClient]:
    """A stack of two runners, with a share for logs and one for scripts."""
    stack = Stack(DataDirectory(tmp_path_factory.mktemp("two")), print, runners=2)
    try:
        with StackClient(stack.start()) as client:
            client.share("logs")
            client.share("scripts")
            file = client.shares.get_share_client("scripts").get_file_client("distributed.py")
            file.upload_file(_SCRIPT.encode())
            assert client.drop_cluster()["state"] == "accepted"
            yield client
    finally:
        stack.stop()


def _document() -> dict[str, object]:
    """The shape of the distributed TensorFlow recipe."""
    document = job("unused")
    properties = document["properties"]
    del properties["customToolkitSettings"]
    properties["nodeCount"] = 2
    properties["mountVolumes"]["azureFileShares"].append(
        {"azureFileUrl": f"{SHARE_URL}scripts", "relativeMountPath": "scripts"}
    )
    properties["inputDirectories"] = [{"id": "GO", "path": "$AZ_BATCHAI_JOB_MOUNT_ROOT/scripts"}]
    properties["jobPreparation"] = {"commandLine": "echo prepared on $AZ_BATCH_NODE_ID"}
    properties["tensorFlowSettings"] = {
        "pythonScriptFilePath": "$AZ_BATCHAI_INPUT_GO/distributed.py",
        "masterCommandLineArgs": "--master",
        "workerCommandLineArgs": "--worker",
        "parameterServerCommandLineArgs": "--ps",
        "workerCount": 2,
        "parameterServerCount": 1,
    }
    return document


def test_distributed_tensorflow_on_two_nodes(two_nodes: StackClient) -> None:
    client, folder = two_nodes, "default/many/distributed"
    client.drop("jobs", f"{folder}/job.json", _document())
    path = f"{ROOT}/default/experiments/many/jobs/distributed"
    _, resource = eventually(lambda: _running(client, path), 40)
    segment = resource["properties"]["jobOutputDirectoryPathSegment"]
    # Logs of both nodes stream into one folder while it runs
    eventually(lambda: client.log(segment, "stdout-wk-0.txt") == b"sent to 1\n", 20)
    eventually(lambda: client.log(segment, "stdout-wk-1.txt") == b"sent to 1\n", 20)
    message = eventually(lambda: len((client.log(segment, "stdout-ps-0.txt") or b"").splitlines()) == 2, 20)
    assert message
    # Its nodes are listed, and counted
    eventually(lambda: _nodes(client, path) == {"local-0": "127.0.0.1", "local-1": "127.0.0.2"}, 20)
    counts = client.get(f"{ROOT}/default/clusters/default")[1]["properties"]["nodeStateCounts"]
    assert (counts["runningNodeCount"], counts["idleNodeCount"]) == (2, 0)
    client.shares.get_share_client("scripts").get_file_client("go").upload_file(b"")
    status = client.await_state(folder, "succeeded", "running", seconds=5)
    status = eventually(lambda: _succeeded(client, folder), 40)
    names = {log["name"] for log in status["logs"] if log["complete"]}
    sampled = {"resources-local-0.jsonl", "resources-local-1.jsonl"}  # of a job of more than two seconds
    assert names - sampled == {
        "execution-local-0.log",
        "execution-local-1.log",
        *(f"std{s}-job_prep-local-{n}.txt" for s in ("out", "err") for n in (0, 1)),
        *(f"std{s}-{who}.txt" for s in ("out", "err") for who in ("wk-0", "wk-1", "ps-0")),
    }
    assert client.log(segment, "stdout-job_prep-local-1.txt") == b"prepared on local-1\n"
    events = [event["event"] for event in status["timeline"]["events"]]
    assert events[:3] == ["Queued", "Claimed", "Assembled"]
    assert events.count("Mounted") == events.count("Uploaded") == 2
    eventually(lambda: _nodes(client, path) == {}, 20)
    idle = client.get(f"{ROOT}/default/clusters/default")[1]["properties"]["nodeStateCounts"]
    assert idle["idleNodeCount"] == 2


def _running(client: StackClient, path: str) -> tuple[int, dict[str, Any]] | None:
    code, resource = client.get(path)
    assert resource.get("properties", {}).get("executionState") != "failed", json.dumps(resource)[:3000]
    return (code, resource) if resource.get("properties", {}).get("executionState") == "running" else None


def _succeeded(client: StackClient, folder: str) -> dict[str, object] | None:
    status = client.status("jobs", folder)
    assert status is None or status["state"] != "failed", json.dumps(status)[:3000]
    return status if status and status["state"] == "succeeded" else None


def _nodes(client: StackClient, path: str) -> dict[str, str]:
    listed = client.get(f"{path}/listRemoteLoginInformation")[1]["value"]
    return {node["nodeId"]: node["ipAddress"] for node in listed}
