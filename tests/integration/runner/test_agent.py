"""Agents at work: every job once, whatever is drained, lost or away."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.azurite import Endpoints
from runner.agent.loop import Agent
from runner.isolation.node_config import NodeConfig
from runner.processes import stop_signal
from shared.backend import backend
from shared.jobs.allocation import present
from shared.jobs.model import State
from tests.integration.runner.conftest import Shares
from tests.support import agents
from tests.support.agents import running
from tests.support.waiting import eventually
from tests.support.wire import Wire, WiredStorage
from tests.support.world import CLUSTER, World, document, settings_for
from tests.support.world import world as open_world


@contextmanager
def an_agent(world: World, config: NodeConfig, **settings: Any) -> Iterator[Agent]:
    """An agent with connections of its own, working."""
    wired = backend(replace(world.settings, **settings))
    try:
        agent = agents.agent(wired, config)
        with running(agent):
            yield agent
    finally:
        wired.close()


#: How a transaction of the table looks on the wire.
WRITE = ("POST", "/devstoreaccount1/$batch")


def done(world: World, *names: str) -> bool:
    return all(not world.job(name).state.live for name in names or ("job",))


def test_two_agents_run_twenty_jobs_once_each(
    world: World, config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    names = [f"job-{number}" for number in range(20)]
    for name in names:
        command = f"echo {name} $AZ_BATCH_NODE_ID $AZ_BATCHAI_ATTEMPT >> {ledger}"
        world.accept(name, document(command))
        world.accept(name, document(command))  # delivered twice: duplicates are around
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(an_agent(world, config()))
        eventually(lambda: done(world, *names), 60)
        eventually(lambda: world.messages() == 0)
    lines = [line.split() for line in ledger.read_text().splitlines()]
    assert Counter(line[0] for line in lines) == dict.fromkeys(names, 1)
    assert {line[1] for line in lines} == {"node-0", "node-1"}, "both had work"
    assert {line[2] for line in lines} == {"1"}
    assert {world.job(name).state for name in names} == {State.SUCCEEDED}


def test_a_job_is_reported_as_running_and_then_as_ended(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    world.accept(data=document("sleep 3; exit 3"))
    with an_agent(world, config()):
        eventually(lambda: world.status()["state"] == "running", 8)
        eventually(lambda: done(world), 10)
        eventually(lambda: world.status()["state"] == "failed")
    assert world.status()["exitCode"] == 3


def test_a_drained_agent_hands_its_job_to_another(
    world: World, config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    world.accept(data=document(f"echo x >> {tmp_path}/begun; [ $AZ_BATCHAI_ATTEMPT = 2 ] || sleep 60"))
    with an_agent(world, config()):
        eventually((tmp_path / "begun").exists)
    job = world.job()
    assert (job.state, job.attempt, job.max_attempts) == (State.QUEUED, 1, 4)
    with an_agent(world, config()):
        eventually(lambda: done(world))
    assert world.job().state is State.SUCCEEDED


def test_terminate_reaches_a_running_job(
    world: World, config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    world.accept(data=document(f"touch {tmp_path}/begun; sleep 60"))
    with an_agent(world, config()):
        eventually((tmp_path / "begun").exists)
        world.manager.terminate(world.id())
        eventually(lambda: done(world), 5)
    job = world.job()
    assert (job.state, job.errors[0].code, job.exit_code) == (State.FAILED, "JobTerminated", None)


def test_terminate_is_heard_with_a_heartbeat_long_before_the_next_renewal(
    world: World, config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    """Heartbeats are shorter than renewals (12 s and 30 s by default; here 1 s and 20 s)."""
    message = tmp_path / "reported"
    world.accept(data=document(f"trap 'touch {message}' TERM; touch {tmp_path}/on; sleep 60 & wait"))
    with an_agent(world, config(node_report_seconds=1.0), lease_seconds=60, renew_seconds=20):
        eventually((tmp_path / "on").exists)
        world.manager.terminate(world.id())
        eventually(message.exists, 10)
        eventually(lambda: done(world), 10)
    assert world.job().errors[0].code == "JobTerminated"


def test_priorities(world: World, config: Callable[..., NodeConfig], tmp_path: Path) -> None:
    for name in ("low", "normal", "high"):
        world.accept(name, document(f"echo {name} >> {tmp_path}/order", schedulingPriority=name))
    with an_agent(world, config()):
        eventually(lambda: done(world, "low", "normal", "high"))
    assert (tmp_path / "order").read_text().split() == ["high", "normal", "low"]


def test_a_node_is_seen_while_it_works_and_gone_when_it_leaves(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    def views() -> dict[str, str]:
        return {view.node_id: view.state for view in world.backend.clusters.node_views(world.cluster)}

    with an_agent(world, config()):
        eventually(lambda: views() == {"node-0": "idle"})
    assert views() == {}


def test_cluster_volumes_are_mounted_once_for_all_jobs(
    world: World, config: Callable[..., NodeConfig], shares: Shares
) -> None:
    directory = shares.create("azfiles")
    cluster: dict[str, Any] = {
        "properties": CLUSTER["properties"] | {"nodeSetup": {"mountVolumes": {"azureFileShares": []}}}
    }
    cluster["properties"]["nodeSetup"]["mountVolumes"]["azureFileShares"] = [shares.volume("azfiles")]
    world.create_cluster(cluster)
    prefix = "$AZ_BATCHAI_MOUNT_ROOT/azfiles"
    for name in ("a", "b"):
        world.accept(name, document(f"echo {name} > {prefix}/{name}; echo said", stdOutErrPathPrefix=prefix))
    node = config()
    with an_agent(world, node):
        eventually(lambda: done(world, "a", "b"))
    assert (directory / "a").read_text() == "a\n"
    assert [path.read_text() for path in directory.rglob("stdout.txt")] == ["said\n"] * 2
    assert not (node.root / "mounts" / "azfiles").exists()


def test_a_cluster_share_that_is_missing_makes_the_node_unusable_and_no_job_fails(
    world: World, config: Callable[..., NodeConfig], shares: Shares
) -> None:
    cluster: dict[str, Any] = {"properties": CLUSTER["properties"] | {"nodeSetup": {"mountVolumes": {}}}}
    cluster["properties"]["nodeSetup"]["mountVolumes"] = {"azureFileShares": [shares.volume("missing")]}
    world.create_cluster(cluster)
    world.accept()

    def unusable() -> bool:
        views = world.backend.clusters.node_views(world.cluster)
        return [v.state for v in views] == ["unusable"] and "missing" in views[0].detail

    with an_agent(world, config()):
        eventually(unusable)
    assert world.job().state is State.QUEUED
    assert world.job().attempt == 0


def test_a_runner_waits_for_its_cluster(
    installation: str, config: Callable[..., NodeConfig], world: World
) -> None:
    lonely = replace(config(), cluster=replace(world.cluster, cluster="not-yet"))
    with an_agent(world, lonely):
        eventually(lambda: world.stores.nodes.nodes(lonely.cluster)[0])
    assert world.stores.nodes.nodes(lonely.cluster)[0] == []


@pytest.mark.parametrize("command", ["exit 0", "exit 3"])
def test_a_result_outlives_an_outage(
    world: World, config: Callable[..., NodeConfig], azurite: Endpoints, tmp_path: Path, command: str
) -> None:
    """The job ends while storage is away: its end is reported once storage is back, and it runs once."""
    world.accept(data=document(f"echo x >> {tmp_path}/ledger; sleep 0.5; {command}"))
    with WiredStorage(azurite) as wires:
        settings = {"storage": wires.connection_string, "lease_seconds": 20, "renew_seconds": 10}
        with an_agent(world, config(), **settings):
            eventually((tmp_path / "ledger").exists)
            wires.table.refusing = True
            writes = wires.table.seen.count
            before = writes(WRITE)
            eventually(lambda: writes(WRITE) > before + 4, 20)  # more often than one call of the SDK tries
            wires.table.refusing = False
            eventually(lambda: done(world), 15)
    assert (tmp_path / "ledger").read_text() == "x\n"
    assert (world.job().attempt, world.job().exit_code) == (1, int(command[-1]))


def test_who_leaves_while_storage_hangs_sends_the_last_lines_before_it_reports(
    world: World,
    shares: Shares,
    config: Callable[..., NodeConfig],
    azurite: Endpoints,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lease runs out after the job has ended, and is renewed once storage is back: then the lines that
    waited for that arrive too."""
    monkeypatch.setattr(stop_signal, "_LAST_DRAIN_SECONDS", 1.0)
    logs, go = shares.create("logs"), tmp_path / "go"
    with WiredStorage(azurite) as wires, Wire(urlsplit(shares.endpoint).port or 0) as share:
        command = f"echo first; until [ -e {go} ]; do sleep 0.05; done; echo second"
        volume = shares.volume("logs")
        volume["azureFileUrl"] = f"http://127.0.0.1:{share.port}/{shares.server.account}/logs"
        prefix = "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs"
        mounts = {"azureFileShares": [volume]}
        world.accept(data=document(command, stdOutErrPathPrefix=prefix, mountVolumes=mounts))

        def stdout() -> str:
            return "".join(path.read_text() for path in logs.rglob("stdout.txt"))

        made = config()
        with an_agent(world, made, storage=wires.connection_string) as agent:
            eventually(lambda: stdout() == "first\n")
            silent = (wires.table, share)
            for wire in silent:
                wire.dead.set()
            go.touch()
            spooled = made.work / "spool" / f"{world.job().uuid}-1" / "execution.log"
            eventually(lambda: "time line" in spooled.read_text())
            agent.stop()
            time.sleep(world.settings.lease_seconds + 1)
            for wire in silent:
                wire.dead.clear()
            eventually(lambda: done(world), 15)
    job = world.job()
    assert (job.state, job.attempt, stdout()) == (State.SUCCEEDED, 1, "first\nsecond\n")
    assert [seal.complete for seal in job.seals if seal.name == "stdout.txt"] == [True], job.seals


def resized(world: World, target: int, option: str = "requeue") -> None:
    scale = {"manual": {"targetNodeCount": target, "nodeDeallocationOption": option}}
    document = json.dumps({"properties": {"scaleSettings": scale}}).encode()
    assert world.backend.cluster_manager.resize(world.cluster, document).accepted


def counted(world: World) -> dict[str, str]:
    clusters = world.backend.clusters
    return dict(present(*clusters.nodes_of(clusters.get(world.cluster))))


def test_a_cluster_of_no_nodes_takes_no_job_and_its_runner_asks_for_none(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    resized(world, 0)
    world.accept()
    wired = backend(world.settings)
    with running(agents.agent(wired, config(node_report_seconds=0.3, active_poll_seconds=0.05))):
        node = world.cluster, "node-0"
        eventually(lambda: (found := world.stores.nodes.node(*node)) and found[0].state == "idle")
        wired.connection.counter.reset()
        eventually(lambda: wired.connection.counter.snapshot().total() >= 3)
        assert set(wired.connection.counter.snapshot()) == {"PATCH table"}, "heartbeats and nothing else"
        assert counted(world) == {}
        assert world.job().state is State.QUEUED
        resized(world, 1)
        eventually(lambda: done(world))
    wired.close()


def test_the_job_of_a_node_that_leaves_is_put_back_and_another_node_takes_it(
    world: World, config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    command = f"echo x >> {tmp_path}/begun; [ $AZ_BATCHAI_ATTEMPT = 2 ] || sleep 60"
    world.accept(data=document(command))
    with an_agent(world, config(node_report_seconds=0.3)):
        eventually((tmp_path / "begun").exists)
        eventually(lambda: counted(world) == {"node-0": "running"})
        resized(world, 0)
        assert counted(world) == {"node-0": "leaving"}
        eventually(lambda: world.job().state is State.QUEUED)
        eventually(lambda: counted(world) == {})
        job = world.job()
        assert (job.attempt, job.max_attempts) == (1, 4), "it costs no attempt"
        assert "resized" in job.events[-1].detail
        resized(world, 1)
        eventually(lambda: done(world), 20)
    assert world.job().state is State.SUCCEEDED


@pytest.mark.parametrize("option", ["terminate", "waitforjobcompletion"])
def test_what_else_may_become_of_the_job_of_a_node_that_leaves(
    world: World, config: Callable[..., NodeConfig], tmp_path: Path, option: str
) -> None:
    world.accept(data=document(f"touch {tmp_path}/begun; until [ -e {tmp_path}/go ]; do sleep 0.1; done"))
    with an_agent(world, config(node_report_seconds=0.3)):
        eventually((tmp_path / "begun").exists)
        eventually(lambda: counted(world) == {"node-0": "running"})
        resized(world, 0, option)
        world.backend.sweeper.sweep()
        if option != "terminate":
            assert world.job().state is State.RUNNING
            (tmp_path / "go").touch()
        eventually(lambda: done(world), 20)
        eventually(lambda: counted(world) == {})
    job = world.job()
    assert (job.attempt, job.state is State.SUCCEEDED) == (1, option != "terminate")


def test_one_of_two_runners_serves_a_cluster_of_one_node_and_the_other_takes_over(
    world: World, config: Callable[..., NodeConfig]
) -> None:
    def owners(*names: str) -> set[str]:
        return {event.node for name in names for event in world.job(name).events if event.node}

    resized(world, 1)
    names = [f"job-{number}" for number in range(4)]
    with ExitStack() as first:
        first.enter_context(an_agent(world, config()))
        eventually(lambda: counted(world) == {"node-0": "idle"})
        with an_agent(world, config()):
            other = world.cluster, "node-1"
            eventually(lambda: (row := world.stores.nodes.node(*other)) and row[0].state == "idle")
            for name in names:
                world.accept(name)
            eventually(lambda: done(world, *names), 20)
            assert owners(*names) == {"node-0"}
            assert set(counted(world)) == {"node-0"}
            first.close()
            world.backend.sweeper.sweep()
            world.accept("last")
            eventually(lambda: done(world, "last"))
            assert owners("last") == {"node-1"}


def test_a_job_of_another_resource_group(
    azurite: Endpoints, shares: Shares, config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    """Output lies under the group's name; the node's own paths have none, as the original's had."""
    logs = shares.create("logs")
    settings = settings_for(azurite.connection_string)
    there = replace(settings, default_workspace=f"my.group/{settings.default_workspace}")
    with open_world(there) as world:
        volumes = {"azureFileShares": [shares.volume("logs", "afs")]}
        document_ = document(
            f"echo $AZ_BATCHAI_JOB_TEMP > {tmp_path}/temp",
            mountVolumes=volumes,
            stdOutErrPathPrefix="$AZ_BATCHAI_JOB_MOUNT_ROOT/afs",
        )
        world.accept(data=document_)
        with an_agent(world, config(cluster=world.cluster)):
            eventually(lambda: done(world))
        assert world.job().state is State.SUCCEEDED, world.job().errors
        place = f"{settings.scope.subscription_id}/my.group/workspaces/{settings.default_workspace}"
        (run,) = (logs / f"{place}/experiments/exp/jobs/job").iterdir()
        assert (run / "stdouterr" / "stdout.txt").exists()
        temp = (tmp_path / "temp").read_text().strip()
        assert temp.endswith(f"/jobs/{settings.default_workspace}/exp/job")
        assert "my.group" not in temp
