"""Cluster level: volumes under AZ_BATCHAI_MOUNT_ROOT, the setup task, a new cluster.json taking effect."""

import json
from collections.abc import Iterator

import pytest

from tests.support.stack_client import CLUSTER, ROOT, SHARE_URL, StackClient, job
from tests.support.waiting import eventually

_VOLUME = {"azureFileUrl": f"{SHARE_URL}wide", "relativeMountPath": "wide"}
_TASK = {
    "commandLine": "echo set up as $WHO on $AZ_BATCH_NODE_ID; touch $AZ_BATCHAI_MOUNT_ROOT/wide/ready",
    "stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/wide",
    "environmentVariables": [{"name": "WHO", "value": "tester"}],
}


def _cluster(**setup: object) -> dict[str, object]:
    return {"properties": {**CLUSTER["properties"], "nodeSetup": setup}}


@pytest.fixture
def cluster(client: StackClient) -> Iterator[StackClient]:
    """The stack's cluster, put back to what the other tests expect afterwards."""
    client.share("wide")
    yield client
    client.drop_cluster()
    _run_nop(client, "after")


def _run_nop(client: StackClient, name: str) -> None:
    client.drop("jobs", f"default/cluster/{name}/job.json", job("true"))
    client.await_state(f"default/cluster/{name}", "succeeded")


def test_a_cluster_volume_and_a_job_volume_in_one_job_after_the_setup_task(cluster: StackClient) -> None:
    volumes = {"azureFileShares": [_VOLUME]}
    cluster.drop_cluster(document=_cluster(mountVolumes=volumes, setupTask=_TASK))
    command = (
        "ls $AZ_BATCHAI_MOUNT_ROOT/wide/ready > /dev/null && echo ready; "
        "echo job > $AZ_BATCHAI_JOB_MOUNT_ROOT/logs/of-job.txt; echo cluster > $AZ_BATCHAI_MOUNT_ROOT/wide/x"
    )
    document = job(command, stdOutErrPathPrefix="$AZ_BATCHAI_MOUNT_ROOT/wide")
    cluster.drop("jobs", "default/cluster/both/job.json", document)
    cluster.await_state("default/cluster/both", "succeeded")
    _, resource = cluster.get(f"{ROOT}/default/experiments/cluster/jobs/both")
    segment = resource["properties"]["jobOutputDirectoryPathSegment"]
    assert cluster.log(segment, share="wide") == b"ready\n"
    # The setup task's logs lie at the original's place, and the cluster says where.
    _, resource = cluster.get(f"{ROOT}/default/clusters/default")
    place = resource["properties"]["nodeSetup"]["setupTask"]["stdOutErrPathSuffix"]
    assert place.startswith(f"{segment.partition('/experiments/')[0]}/clusters/default/")
    share = cluster.shares.get_share_client("wide")
    log = share.get_file_client(f"{place}/stdout-local-0.txt").download_file().readall()
    assert log == b"set up as tester on local-0\n"


def test_a_path_that_the_cluster_does_not_mount_is_warned_of(cluster: StackClient) -> None:
    document = job("true", inputDirectories=[{"id": "X", "path": "$AZ_BATCHAI_MOUNT_ROOT/nothing/here"}])
    cluster.drop("jobs", "default/cluster/warned/job.json", document)
    status = cluster.await_state("default/cluster/warned", "succeeded")
    assert "The cluster mounts nothing at 'nothing'" in json.dumps(status["problems"])


def test_a_failing_setup_task_makes_the_node_unusable_and_the_job_says_why(cluster: StackClient) -> None:
    task = _TASK | {"commandLine": "exit 9"}
    cluster.drop_cluster(document=_cluster(mountVolumes={"azureFileShares": [_VOLUME]}, setupTask=task))
    cluster.drop("jobs", "default/cluster/stuck/job.json", job("true"))

    def waits() -> dict[str, str] | None:
        code, resource = cluster.get(f"{ROOT}/default/experiments/cluster/jobs/stuck")
        waiting = resource["properties"].get("waiting", {}) if code == 200 else {}
        return waiting if waiting.get("reason") == "NodesUnusable" else None

    waiting = eventually(waits, 30)
    assert "setup task ended with exit code 9" in waiting["message"]
    # A mended document heals the node, and the job runs.
    cluster.drop_cluster()
    cluster.await_state("default/cluster/stuck", "succeeded", "running", "queued", seconds=1)
    eventually(lambda: (cluster.status("jobs", "default/cluster/stuck") or {})["state"] == "succeeded", 30)
