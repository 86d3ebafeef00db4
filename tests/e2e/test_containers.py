"""Jobs with containerSettings through the whole stack: volumes by FUSE inside, a runner that is killed."""

from collections.abc import Iterator

import psutil
import pytest

from local.layout import StackState
from runner.containers.options import FIRST_PROCESS
from runner.mounts.drivers.fuse_process import fuse_fault
from runner.processes.process_table import is_alive
from tests.integration.mounts.conftest import words_of
from tests.support import docker_daemon, runners
from tests.support.docker_daemon import DockerDaemon
from tests.support.needs import need
from tests.support.stack_client import ROOT, StackClient, job
from tests.support.waiting import eventually, files_below

IMAGE = "batchai-e2e/box:1"


@pytest.fixture(scope="module")
def daemon() -> Iterator[DockerDaemon]:
    need(docker_daemon.missing())
    with docker_daemon.docker_daemon() as running:
        running.make_image(IMAGE, "ENV PATH=/opt:/bin")
        yield running


def in_container(command: str, **more: object) -> dict[str, object]:
    """A document for the cluster `boxes`."""
    settings = {"imageSourceRegistry": {"image": IMAGE}}
    return job(command, cluster={"id": "boxes"}, containerSettings=settings, **more)


def test_a_job_in_a_container_is_followed_on_the_share(
    stack: StackState, client: StackClient, daemon: DockerDaemon
) -> None:
    # Given a runner that mounts shares with rclone
    need(fuse_fault())
    client.drop_cluster("boxes")
    chosen = runners.drivers(azureFileShare="rclone") | {"BATCHAI_DOCKER": daemon.command}
    with runners.runner(stack, "boxes", chosen):
        # When a job prepares its container, prints a line and continues
        prepare = "printf '#!/bin/sh\\necho installed\\n' > /opt/tool && chmod 755 /opt/tool"
        command = (
            "tool; while [ ! -e $AZ_BATCHAI_JOB_MOUNT_ROOT/logs/go ]; do sleep 0.2; done; "
            "echo result > $AZ_BATCHAI_OUTPUT_O/result.txt; exit 3"
        )
        document = in_container(
            command,
            jobPreparation={"commandLine": f"mkdir -p /opt; {prepare}"},
            outputDirectories=[{"id": "O", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs"}],
        )
        client.drop("jobs", "default/boxes/one/job.json", document)
        resource = eventually(lambda: _running(client, "boxes", "one"), 30)
        segment = resource["properties"]["jobOutputDirectoryPathSegment"]  # type: ignore[index]
        # Then the line is on the share while the job runs
        eventually(lambda: client.log(segment) == b"installed\n", 30)
        assert _running(client, "boxes", "one")
        client.shares.get_share_client("logs").get_file_client("go").upload_file(b"")
        status = client.await_state("default/boxes/one", "failed", seconds=60)
        assert status["exitCode"] == 3 and status["errors"][0]["code"] == "JobFailed"
        result = client.shares.get_share_client("logs").get_file_client(f"{segment}/outputs/result.txt")
        assert result.download_file().readall() == b"result\n"
        eventually(lambda: not daemon.containers(), 20)


def _running(client: StackClient, experiment: str, name: str) -> dict[str, object] | None:
    code, resource = client.get(f"{ROOT}/default/experiments/{experiment}/jobs/{name}")
    return resource if code == 200 and resource["properties"]["executionState"] == "running" else None


def test_the_container_of_a_killed_runner_is_gone_before_the_job_runs_again(
    stack: StackState, client: StackClient, daemon: DockerDaemon
) -> None:
    # Given a job in a container, whose first attempt does not end
    client.drop_cluster("boxes")
    settings = {"BATCHAI_LEASE_SECONDS": "6", "BATCHAI_RENEW_SECONDS": "1", "BATCHAI_DOCKER": daemon.command}
    premounted = runners.premounted(stack)
    command = "[ $AZ_BATCHAI_ATTEMPT = 2 ] && exit 0; touch $AZ_BATCHAI_JOB_TEMP/ready; exec sleep 605"
    root = runners.directory_of(stack).node("boxes-0")
    with runners.runner(stack, "boxes", settings | premounted) as first:
        client.drop("jobs", "default/boxes/killed/job.json", in_container(command))
        eventually(lambda: files_below(root / "jobs", "ready"), 60)
        sleepers = [p for p in psutil.process_iter() if words_of(p) == ["sleep", "605"]]
        boxes = [p for p in psutil.process_iter() if FIRST_PROCESS in words_of(p)]
        assert sleepers and boxes
        # When its runner is killed
        first.process.kill()
        first.process.wait()
        # Then it is gone within the lease, though nobody is there to see to it
        eventually(lambda: not [p for p in (*sleepers, *boxes) if is_alive(p)], 6)
        eventually(lambda: not daemon.containers(), 20)
        # and runs again elsewhere
        with runners.runner(stack, "boxes", settings | premounted):
            status = client.await_state("default/boxes/killed", "succeeded", seconds=60)
    assert status["attempt"] == 2
