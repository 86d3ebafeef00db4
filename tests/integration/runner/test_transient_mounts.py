"""A volume whose server is away is tried again after a pause; one that the document names wrongly is not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from local.azurite import Endpoints
from runner.isolation.node_config import NodeConfig
from runner.mounts.types import BLOB_CONTAINER
from runner.processes.stop_signal import StopSignal
from shared.jobs.events import EventKind
from shared.jobs.model import Job, State
from shared.jobs.waiting_reason import WaitingReason
from shared.managers.claims import Claim
from shared.settings import AccountEndpoints
from shared.stores.node_table import NodeRow
from tests.support.agents import job_runner
from tests.support.waiting import eventually
from tests.support.wire import Wire
from tests.support.world import World, document, settings_for
from tests.support.world import world as open_world

ATTEMPTS = 2


@pytest.fixture
def wire(azurite: Endpoints) -> Iterator[Wire]:
    """What the volume lies behind; the state does not."""
    with Wire(azurite.blob_port) as made:
        yield made


@pytest.fixture
def world(installation: str, azurite: Endpoints, wire: Wire) -> Iterator[World]:
    urls = AccountEndpoints(blob=f"http://127.0.0.1:{wire.port}/{azurite.account}")
    settings = settings_for(
        installation,
        endpoints={azurite.account: urls},
        lease_seconds=30,
        renew_seconds=5,
        retry_seconds=0.5,
        max_attempts=ATTEMPTS,
    )
    with (
        open_world(settings) as made,
        ContainerClient(azurite.blob_endpoint, made.cluster.workspace, credential=azurite.key) as client,
    ):
        client.create_container()
        yield made


@pytest.fixture
def attempt(world: World, tmp_path: Path) -> Callable[[], Job]:
    """Take the job, run it, report its end: one turn of a runner whose only driver is `copy`."""
    config = NodeConfig(
        world.cluster, "node-0", tmp_path / "root", gpus=(), drivers={BLOB_CONTAINER: ("copy",)}
    )

    def turn() -> Job:
        claims: list[Claim] = []

        def taken() -> bool:
            claims.extend(filter(None, [world.claim()]))
            return bool(claims)

        eventually(taken, 20, 0.2)
        result = job_runner(world, config, claims[0], StopSignal()).run()
        assert result.outcome is not None
        assert not result.node_fault
        return world.finish(claims[0], result.outcome)

    return turn


def submit(world: World, azurite: Endpoints, **changes: object) -> None:
    volume = {
        "accountName": azurite.account,
        "containerName": world.cluster.workspace,
        "relativeMountPath": "data",
        "credentials": {"accountKey": azurite.key},
    }
    world.accept(data=document("true", mountVolumes={"azureBlobFileSystems": [volume | changes]}))


def test_a_server_that_comes_back_costs_one_attempt(
    world: World, azurite: Endpoints, wire: Wire, attempt: Callable[[], Job]
) -> None:
    submit(world, azurite)
    wire.refusing = True
    waits = attempt()
    assert (waits.state, waits.attempt, waits.errors[0].code) == (State.QUEUED, 1, "BFSMountError")
    assert "busy or failing" in waits.errors[0].message
    assert waits.retry_at is not None
    world.stores.nodes.report(NodeRow(world.cluster, "node-0", "idle", 0))
    why = world.manager.why(waits)
    assert (why.reason, "BFSMountError" in why.message) == (WaitingReason.RETRY_BACKOFF, True)
    wire.refusing = False
    ended = attempt()
    assert (ended.state, ended.attempt, ended.errors) == (State.SUCCEEDED, 2, ())
    retried = [event.detail for event in ended.events if event.kind is EventKind.RETRY_SCHEDULED]
    assert len(retried) == 1
    assert retried[0].startswith("BFSMountError: container ")


def test_a_server_that_stays_away_ends_the_job_with_the_mounts_own_code(
    world: World, azurite: Endpoints, wire: Wire, attempt: Callable[[], Job]
) -> None:
    submit(world, azurite)
    wire.refusing = True
    assert attempt().state is State.QUEUED
    ended = attempt()
    assert (ended.state, ended.attempt, ended.exit_code) == (State.FAILED, ATTEMPTS, None)
    assert [error.code for error in ended.errors] == ["BFSMountError"]
    kinds = [event.kind for event in ended.events]
    assert kinds.count(EventKind.RETRY_SCHEDULED) == 1
    assert ended.events[-1].detail == "BFSMountError"


@pytest.mark.parametrize(
    "wrong", [{"containerName": "nobody-has-this"}, {"credentials": {"accountKey": "d3Jvbmc="}}]
)
def test_what_the_document_says_wrongly_is_final(
    world: World, azurite: Endpoints, attempt: Callable[[], Job], wrong: dict[str, object]
) -> None:
    submit(world, azurite, **wrong)
    ended = attempt()
    assert (ended.state, ended.attempt, ended.errors[0].code) == (State.FAILED, 1, "BFSMountError")
