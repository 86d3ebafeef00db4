"""A Docker daemon for the session, and a stage whose jobs run in containers."""

from collections.abc import Callable, Iterator

import pytest

from runner.isolation.node_config import NodeConfig
from tests.integration.runner.conftest import Shares
from tests.integration.runner.containers.boxes import ENVIRONMENT, IMAGE, Boxes, eventually_gone
from tests.support import docker_daemon
from tests.support.docker_daemon import DockerDaemon
from tests.support.needs import need
from tests.support.world import World


@pytest.fixture(scope="session")
def daemon() -> Iterator[DockerDaemon]:
    need(docker_daemon.missing())
    with docker_daemon.docker_daemon() as running:
        running.make_image(IMAGE, *(f"ENV {pair}" for pair in ENVIRONMENT))
        yield running


@pytest.fixture
def boxes(
    world: World, shares: Shares, config: Callable[..., NodeConfig], daemon: DockerDaemon
) -> Iterator[Boxes]:
    yield Boxes(world, shares, config(docker=daemon.command), daemon)
    assert not eventually_gone(daemon)
