"""A job whose GPUs do nothing is ended on a cluster that asks for it. About 2 s on one node, 15 s on two."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from runner.agent.gang_session import gang_session
from runner.agent.loop import Agent
from runner.attempt import idle_gpus, resources
from runner.isolation.node_config import NodeConfig
from runner.machine import nvml
from runner.machine.gpu_readings import GpuReading, GpuReadings
from runner.machine.gpu_share import Gpu, GpuShare
from runner.processes.stop_signal import StopSignal
from runner.ssh.ssh_link import SshLink
from shared.documents.models.cluster import IdleGpus
from shared.jobs.events import EventKind
from shared.jobs.model import Job, Reason, State
from tests.integration.runner.conftest import Shares
from tests.integration.runner.stage import Stage
from tests.support.agents import job_runner, running
from tests.support.fake_nvml import pynvml as pretended
from tests.support.waiting import eventually
from tests.support.world import CLUSTER, World, document


def test_it_ends_with_its_reason_and_is_not_tried_again(
    world: World, shares: Shares, config: Callable[..., NodeConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((resources, "FIRST_SECONDS"), (resources, "EVERY_SECONDS")):
        monkeypatch.setattr(module, name, 0.1)
    monkeypatch.setattr(idle_gpus, "MINUTE_SECONDS", 0.5)
    stage = Stage(world, shares, config())
    claim = stage.claim("sleep 60")
    runner = job_runner(world, stage.config, claim, StopSignal())
    idle = GpuReadings((Gpu(0, "GPU-0"),), lambda devices: (GpuReading(0, "H200", 0, 0, 1),))
    limit = IdleGpus(minutes=1, action="end")
    runner.host = replace(runner.host, idle_gpus=limit, gpu_readings=idle)
    result = runner.run()
    assert result.outcome is not None
    assert (result.outcome.reason, result.outcome.retried) == (Reason.GPUS_IDLE, False)
    assert "idleGpus" in result.outcome.message
    assert EventKind.GPUS_IDLE in [event.kind for event in result.report.events]
    assert "the job is ended" in stage.log("execution.log")


@contextmanager
def two_nodes(world: World, config: Callable[..., NodeConfig], action: str) -> Iterator[list[str]]:
    """Two agents with a GPU each, on a cluster with idleGpus; the uuids of their GPUs, by node."""
    limits = {"idleGpus": {"minutes": 1, "action": action}}
    world.create_cluster({"properties": CLUSTER["properties"] | limits})
    gpus = nvml.inventory()
    with ExitStack() as stack:
        for number, gpu in enumerate(gpus):
            at = config(address=f"127.0.0.{number + 1}")
            backend = world.start()
            stack.callback(backend.close)
            stack.enter_context(
                running(Agent(backend, at, gang_session(SshLink), share=GpuShare((gpu,), len(gpus))))
            )
        yield [gpu.uuid for gpu in gpus]


@pytest.fixture
def pretended_gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Two, all idle but those that are named; samples a hundred times as often, a minute of 0.8 s."""
    monkeypatch.setattr(resources, "FIRST_SECONDS", 0.1)
    monkeypatch.setattr(resources, "EVERY_SECONDS", 0.1)
    monkeypatch.setattr(idle_gpus, "MINUTE_SECONDS", 0.8)
    monkeypatch.setattr(nvml, "pynvml", pretended)
    monkeypatch.setenv("FAKE_NVML_GPUS", "2")

    def busy(*uuids: str) -> None:
        monkeypatch.setenv("FAKE_NVML_LOAD", json.dumps({uuid: [90, 1] for uuid in uuids}))

    busy()
    return busy


def begun(world: World) -> Job:
    """A job of two nodes whose processes run."""
    world.accept(data=document("sleep 120", nodeCount=2))
    eventually(lambda: world.job().state is State.RUNNING, 20)
    return world.job()


def idle_events(job: Job) -> list[str]:
    return [event.detail for event in job.events if event.kind is EventKind.GPUS_IDLE]


@pytest.mark.parametrize("busy", [0, 1])
def test_a_gang_ends_once_all_its_nodes_are_idle(
    world: World, config: Callable[..., NodeConfig], pretended_gpus: Callable[..., None], busy: int
) -> None:
    with two_nodes(world, config, "end") as gpus:
        pretended_gpus(gpus[busy])
        begun(world)
        other = gpus[1 - busy]
        eventually(lambda: _says_idle(world) == {other: True, gpus[busy]: False} or None, 20)
        world.wait(3)
        assert world.job().state is State.RUNNING, "one node is at work"
        pretended_gpus()
        eventually(lambda: not world.job().state.live, 30)
    job = world.job()
    assert (job.state, job.errors[0].code, job.attempt) == (State.FAILED, "JobGpusIdle", 1)
    assert idle_events(job) == ["no GPU of the job's 2 nodes has done anything in the last minute"]


def _says_idle(world: World) -> dict[str, bool]:
    """What the rows of the members say, by the GPU of their node."""
    look = world.stores.gangs.look(world.cluster)
    members: list[Any] = [member for gang in look.gangs for member in gang.members]
    uuids = [gpu.uuid for gpu in nvml.inventory()]
    return {uuids[int(member.node_id[-1])]: member.idle for member in members}


def test_a_gang_that_is_idle_is_warned_of_once(
    world: World, config: Callable[..., NodeConfig], pretended_gpus: Callable[..., None]
) -> None:
    with two_nodes(world, config, "warn"):
        begun(world)
        eventually(lambda: len(set(_says_idle(world).values())) == 1 and all(_says_idle(world).values()), 20)
        world.wait(3)
        assert world.job().state is State.RUNNING
        world.manager.terminate(world.id())
        eventually(lambda: not world.job().state.live, 30)
    assert len(idle_events(world.job())) == 1
