"""A node whose jobs are isolated, and one job after the other on it."""

from typing import Any

from runner.attempt.result import Result
from runner.isolation.node_config import NodeConfig
from runner.processes.stop_signal import StopSignal
from shared.environment.layout import path_segment
from shared.jobs.model import Reason
from tests.integration.runner.conftest import Shares
from tests.support.agents import job_runner
from tests.support.world import World, document

MOUNTS = "$AZ_BATCHAI_JOB_MOUNT_ROOT"


class Closed:
    """A node whose jobs have a user of their own, and a share for their logs."""

    def __init__(self, world: World, shares: Shares, config: NodeConfig) -> None:
        self.world, self.shares, self.config = world, shares, config
        self.logs = shares.create("logs")
        self.number = 0

    @property
    def user(self) -> str:
        return self.config.isolation.user.name

    def run(self, command: str, config: NodeConfig | None = None, **properties: Any) -> Result:
        self.number += 1
        least = {
            "stdOutErrPathPrefix": f"{MOUNTS}/logs",
            "mountVolumes": {"azureFileShares": [self.shares.volume("logs")]},
        }
        self.world.accept(f"job-{self.number}", document(command, **least | properties))
        claim = self.world.must_claim(self.config.node_id)
        result = job_runner(self.world, config or self.config, claim, StopSignal()).run()
        assert result.node_fault == ""
        if result.outcome:
            # Or its message would be seen again, in the middle of a later job.
            self.world.finish(claim, result.outcome)
        return result

    def said(self, name: str = "stdout.txt") -> str:
        job = f"job-{self.number}"
        segment = path_segment(self.world.settings.scope, self.world.id(job), self.world.job(job).uuid)
        return (self.logs / segment / "stdouterr" / name).read_text()

    def output(self, command: str, **properties: Any) -> str:
        """What a job prints that must succeed."""
        result = self.run(command, **properties)
        assert result.outcome and result.outcome.reason is Reason.SUCCEEDED, self.said("stderr.txt")
        return self.said()

    def refused(self, command: str) -> str:
        """What a job says on stderr that must fail."""
        result = self.run(command)
        assert result.outcome and result.outcome.reason is Reason.JOB_FAILED, self.said()
        return self.said("stderr.txt")
