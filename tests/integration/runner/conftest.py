"""An Azure Files emulator for each test, whose shares are premounted and reachable over REST."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from azure.storage.fileshare import ShareServiceClient

from local.files.server import FilesServer
from runner.config import Premounted
from runner.isolation.node_config import NodeConfig
from shared.names.ids import ClusterId
from shared.settings import AccountEndpoints
from tests.support.world import World, settings_for
from tests.support.world import world as open_world


@dataclass
class Shares:
    """The emulator, its shares as directories, and what a document and a runner are given of them."""

    root: Path
    server: FilesServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = FilesServer(self.root).start()

    @property
    def endpoint(self) -> str:
        return self.server.url

    def create(self, name: str) -> Path:
        with ShareServiceClient.from_connection_string(
            self.server.connection_string, retry_total=0
        ) as client:
            client.create_share(name)
        return self.root / name

    def volume(self, name: str, path: str = "") -> dict[str, object]:
        """An entry of azureFileShares."""
        return {
            "accountName": self.server.account,
            "azureFileUrl": f"{self.server.url}/{name}",
            "relativeMountPath": path or name,
            "credentials": {"accountKey": self.server.key},
        }

    def premounted(self) -> Premounted:
        return Premounted({f"{self.server.account}/*": self.root})

    def restart(self) -> None:
        port = int(self.server.url.rsplit(":", 1)[1].partition("/")[0])
        self.server = FilesServer(self.root, port=port).start()


@pytest.fixture
def shares(tmp_path: Path) -> Iterator[Shares]:
    made = Shares(tmp_path / "shares")
    yield made
    made.server.stop()


@pytest.fixture
def world(installation: str, shares: Shares) -> Iterator[World]:
    endpoints = {shares.server.account: AccountEndpoints(file=shares.endpoint)}
    with open_world(
        settings_for(installation, endpoints=endpoints, lease_seconds=6, renew_seconds=0.5)
    ) as made:
        yield made


@pytest.fixture
def config(world: World, shares: Shares, tmp_path: Path) -> Callable[..., NodeConfig]:
    """A runner's config; each call is another node with a root of its own."""
    made: list[NodeConfig] = []

    def make(**changes: object) -> NodeConfig:
        number = len(made)
        values: dict[str, object] = {
            "cluster": ClusterId(world.cluster.workspace, world.cluster.cluster),
            "node_id": f"node-{number}",
            "root": tmp_path / f"root-{number}",
            "gpus": (),
            "grace_seconds": 0.5,
            "active_poll_seconds": 0.05,
            "idle_poll_seconds": 0.1,
            "node_report_seconds": 0.5,
            "premounted": shares.premounted(),
        }
        made.append(NodeConfig(**values | changes))  # type: ignore[arg-type]
        return made[-1]

    return make
