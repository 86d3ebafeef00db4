"""What a job that does nothing costs after its drop: storage calls, and entities of the partition of its
workspace. Both are counted, ingestion included.

Not counted: what the Functions host itself does (receipts, reading the blob), the runner's looks at empty
queues, and its node report every half minute; they do not grow with jobs.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.blob_drops import take_job
from runner.isolation.node_config import NodeConfig
from runner.processes.stop_signal import StopSignal
from shared.backend import backend
from shared.jobs.model import State
from shared.stores.table_transactions import Table
from tests.support import agents
from tests.support.agents import job_runner, running
from tests.support.waiting import eventually
from tests.support.world import World, document, settings_for
from tests.support.world import world as open_world


def drop(world: World, name: str) -> None:
    take_job(world.backend, world.place(name), document(), "0x1")


def run_one(world: World, tmp_path: Path) -> State:
    claim = world.must_claim()
    config = NodeConfig(world.cluster, "node-0", tmp_path / "root", gpus=())
    result = job_runner(world, config, claim, StopSignal(), world.counter).run()
    assert result.outcome is not None
    return world.finish(claim, result.outcome).state


def report(step: str, calls: Counter[str]) -> None:
    print(f"{step:10} {calls.total():3}  " + ", ".join(f"{n} {call}" for call, n in sorted(calls.items())))


@pytest.fixture(params=[("warm", 9), ("cold", 12), ("first", 14)], ids=lambda case: case[0])
def case(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> tuple[str, int]:
    """A process that has seen the cluster before; a fresh one; a fresh one and a new experiment."""
    name, most = request.param
    if name != "first":
        drop(world, "before")
        assert run_one(world, tmp_path) is State.SUCCEEDED
    if name == "cold":
        world.restart()
    return name, most


def test_a_job_that_does_nothing(case: tuple[str, int], world: World, tmp_path: Path) -> None:
    name, most = case
    world.counter.reset()
    drop(world, "job")
    submitted = world.counter.snapshot()
    assert run_one(world, tmp_path) is State.SUCCEEDED
    total = world.counter.snapshot()
    report("submit", submitted)
    assert name != "warm" or submitted.total() <= 5
    report("run", total - submitted)
    report(name, total)
    assert total.total() <= most


def test_the_entities_of_a_job_that_does_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its acceptance, its claim and its end: what shared/stores/job_entries.py says."""
    sent: list[int] = []
    submit = Table.submit_transaction

    def counted(table: Table, operations: Any, **options: Any) -> Any:
        sent.append(len(operations))
        return submit(table, operations, **options)

    monkeypatch.setattr(Table, "submit_transaction", counted)
    drop(world, "first")
    assert run_one(world, tmp_path) is State.SUCCEEDED
    sent.clear()
    drop(world, "job")
    assert run_one(world, tmp_path) is State.SUCCEEDED
    assert sent == [3, 2, 3]


@pytest.fixture
def patient(installation: str) -> Iterator[World]:
    """A world in which no renewal is due while a job of a moment runs, however busy the machine is."""
    with open_world(settings_for(installation, lease_seconds=60, renew_seconds=20)) as made:
        yield made


def test_a_warm_runner_adds_its_looks_at_queues_only(patient: World, tmp_path: Path) -> None:
    """The whole agent, as it runs: everything it sends beyond its looks at queues."""
    world = patient
    drop(world, "first")
    theirs = backend(world.settings)
    config = NodeConfig(world.cluster, "node-0", tmp_path / "root", gpus=(), active_poll_seconds=0.05)
    agent = agents.agent(theirs, config)
    looks = "GET queue"
    with running(agent):
        eventually(lambda: world.job("first").state is State.SUCCEEDED)
        eventually(lambda: not world.messages())
        theirs.connection.counter.reset()
        drop(world, "job")
        eventually(lambda: world.job("job").state is State.SUCCEEDED)
        eventually(lambda: not world.messages())
        calls = theirs.connection.counter.snapshot()
    theirs.close()
    report("agent", calls)
    beyond = Counter({call: n for call, n in calls.items() if call != looks})
    # Node reports; nothing else merges a row here, for no renewal is due.
    beyond.subtract({call: calls[call] for call in ("PUT table", "PATCH table")})
    assert +beyond == Counter({"POST table": 2, "PUT blob": 1, "DELETE queue": 1})
