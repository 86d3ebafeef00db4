"""Documents submitted, claimed and run in the process of a test, with logs on a share."""

import threading
from typing import Any

from runner.attempt.result import Result
from runner.isolation.node_config import NodeConfig
from runner.processes.stop_signal import StopSignal
from shared.environment.layout import path_segment
from shared.jobs.model import Reason
from shared.managers.attempts import Claim
from tests.integration.runner.conftest import Shares
from tests.support.agents import job_runner
from tests.support.world import World, document

MOUNTS = "$AZ_BATCHAI_JOB_MOUNT_ROOT"


class Stage:
    """Submits, claims and runs documents whose logs go to the share `logs`."""

    def __init__(self, world: World, shares: Shares, config: NodeConfig) -> None:
        self.world, self.shares, self.config = world, shares, config
        self.logs = shares.create("logs")
        self.stop = StopSignal()
        self.volumes: dict[str, Any] = {"azureFileShares": [shares.volume("logs")]}

    def claim(self, command: str = "true", *, name: str = "job", **properties: Any) -> Claim:
        least = {
            "stdOutErrPathPrefix": f"{MOUNTS}/logs",
            "mountVolumes": self.volumes,
        }
        self.world.accept(name, document(command, **least | properties))
        return self.world.must_claim(self.config.node_id)

    def run(self, claim: Claim) -> Result:
        return job_runner(self.world, self.config, claim, self.stop).run()

    def outcome(self, command: str = "true", **properties: Any) -> tuple[Reason, int | None]:
        result = self.run(self.claim(command, **properties))
        assert result.outcome is not None
        assert result.node_fault == ""
        return result.outcome.reason, result.outcome.exit_code

    def segment(self) -> str:
        return path_segment(self.world.settings.scope, self.world.id(), self.world.job().uuid)

    def log(self, name: str = "stdout.txt") -> str:
        """A log file of the latest run, as it lies on the share."""
        path = self.logs / self.segment() / "stdouterr" / name
        return path.read_text() if path.exists() else ""

    def in_background(self, claim: Claim) -> tuple[threading.Thread, list[Result]]:
        results: list[Result] = []
        thread = threading.Thread(target=lambda: results.append(self.run(claim)))
        thread.start()
        return thread, results
