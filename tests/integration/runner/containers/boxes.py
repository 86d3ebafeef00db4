"""Jobs in containers, run in the process of a test."""

import time
from typing import Any

import psutil

from runner.isolation.node_config import NodeConfig
from shared.managers.attempts import Claim
from tests.integration.mounts.conftest import words_of
from tests.integration.runner.conftest import Shares
from tests.integration.runner.stage import Stage
from tests.support.docker_daemon import DockerDaemon
from tests.support.world import World

IMAGE = "batchai-test/box:1"
ENVIRONMENT = "PATH=/opt/tools:/bin", "FROM_IMAGE=yes"


class Boxes(Stage):
    """A Stage whose jobs run in containers."""

    def __init__(self, world: World, shares: Shares, config: NodeConfig, daemon: DockerDaemon) -> None:
        super().__init__(world, shares, config)
        self.daemon = daemon

    def claim(self, command: str = "true", *, image: str = IMAGE, **properties: Any) -> Claim:
        settings = {"imageSourceRegistry": {"image": image}}
        return super().claim(command, **{"containerSettings": settings} | properties)

    @property
    def diary(self) -> str:
        return self.log("execution.log")


def eventually_gone(daemon: DockerDaemon) -> list[str]:
    """Containers that are left although they had time to go."""
    deadline = time.monotonic() + 20
    while (left := daemon.containers()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def processes(command: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if " ".join(words_of(process)) == command]
