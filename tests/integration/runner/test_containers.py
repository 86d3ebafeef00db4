"""Jobs in containers, with a real Docker daemon: what they find, what they leave, how they end."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runner.config import RunnerConfig
from shared.attempts import Claim
from shared.state import Reason
from tests.integration.mounts.conftest import need
from tests.integration.runner.conftest import Shares
from tests.integration.runner.stage import Stage
from tests.support import docker_daemon
from tests.support.docker_daemon import DockerDaemon
from tests.support.world import World

IMAGE = "batchai-test/box:1"
ENVIRONMENT = "PATH=/opt/tools:/bin", "FROM_IMAGE=yes"


@pytest.fixture(scope="module")
def daemon() -> Iterator[DockerDaemon]:
    need(docker_daemon.missing())
    with docker_daemon.docker_daemon() as running:
        running.make_image(IMAGE, *(f"ENV {pair}" for pair in ENVIRONMENT))
        yield running


class Boxes(Stage):
    """A Stage whose jobs run in containers."""

    def __init__(self, world: World, shares: Shares, config: RunnerConfig, daemon: DockerDaemon) -> None:
        super().__init__(world, shares, config)
        self.daemon = daemon

    def claim(self, command: str = "true", *, image: str = IMAGE, **properties: Any) -> Claim:
        settings = {"imageSourceRegistry": {"image": image}}
        return super().claim(command, **{"containerSettings": settings} | properties)

    @property
    def diary(self) -> str:
        return self.log("execution.log")


@pytest.fixture
def boxes(
    world: World, shares: Shares, config: Callable[..., RunnerConfig], daemon: DockerDaemon
) -> Iterator[Boxes]:
    yield Boxes(world, shares, config(docker=daemon.command), daemon)
    assert not eventually_gone(daemon)


def eventually_gone(daemon: DockerDaemon) -> list[str]:
    """Containers that are left although they had time to go."""
    deadline = time.monotonic() + 20
    while (left := daemon.containers()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def test_what_preparation_installs_the_job_finds(boxes: Boxes) -> None:
    claim = boxes.claim(
        "tool; echo $FROM_IMAGE; pwd; id -u; cat /proc/self/status | grep -E '^(CapEff|NoNewPrivs)'",
        jobPreparation={
            "commandLine": "mkdir -p /opt/tools && echo 'echo installed' > /opt/tools/tool && "
            "chmod 755 /opt/tools/tool; echo prepared"
        },
    )
    result = boxes.run(claim)
    assert result.outcome is not None
    assert (result.outcome.reason, result.outcome.exit_code) == (Reason.SUCCEEDED, 0), boxes.diary
    assert result.node_fault == ""
    assert boxes.log("stdout-job_prep.txt") == "prepared\n"
    directory = f"{boxes.config.root}/jobs/{boxes.world.id()}/wd"
    capabilities = "CapEff:\t00000000a00405fb\nNoNewPrivs:\t1\n"
    assert boxes.log() == f"installed\nyes\n{directory}\n0\n{capabilities}"
    assert f"the image {IMAGE} is on this node already" in boxes.diary
    kinds = [str(event.kind) for event in result.report.events]
    assert kinds == ["Mounted", "ContainerStarted", "Prepared", "Started", "Stopped", "Uploaded"]


def test_exit_codes_are_the_jobs(boxes: Boxes) -> None:
    assert boxes.outcome("echo before; echo oops >&2; exit 3") == (Reason.JOB_FAILED, 3)
    assert boxes.log() == "before\n"
    assert boxes.log("stderr.txt") == "oops\n"
