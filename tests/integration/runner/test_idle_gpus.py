"""A job whose GPUs do nothing is ended on a cluster that asks for it. About 2 s."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from runner.attempt import idle_gpus, resources
from runner.isolation.node_config import NodeConfig
from runner.machine.gpu_readings import GpuReading, GpuReadings
from runner.machine.gpu_share import Gpu
from runner.processes.stop_signal import StopSignal
from shared.documents.models.cluster import IdleGpus
from shared.jobs.events import EventKind
from shared.jobs.model import Reason
from tests.integration.runner.conftest import Shares
from tests.integration.runner.stage import Stage
from tests.support.agents import job_runner
from tests.support.world import World


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
