"""Sweeps over a World: documents, drops, and the steps that messages and the timer start."""

import json
from typing import Any

from shared.jobs.model import Outcome, Reason
from shared.managers.admission import Source
from shared.managers.sweep_submission import SweepSubmission
from shared.names.sweep_ids import SweepId
from shared.stores import sweep_queue
from shared.sweeps.model import Sweep
from tests.support.memory.world import MemoryWorld

FAILED = Outcome(Reason.JOB_FAILED, 1, "exit code 1")


def sweep_document(command: str = "true", **properties: Any) -> bytes:
    """A sweep.json over x = 0, 1, 2; a property that is None is left out."""
    varied = "index" if "array" in properties else "x"
    job = {
        "nodeCount": 1,
        "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT",
        "customToolkitSettings": {"commandLine": f"{command} ${{{{ {varied} }}}}"},
    }
    least: dict[str, Any] = {"parameters": {"x": [0, 1, 2]}, "job": {"properties": job}}
    return json.dumps(
        {"properties": {k: v for k, v in (least | properties).items() if v is not None}}
    ).encode()


class Sweeps:
    """What tests do with the sweep `name` of a world."""

    def __init__(self, world: MemoryWorld, name: str = "s") -> None:
        self.world = world
        self.id = SweepId(world.settings.default_workspace, "exp", name)

    @property
    def manager(self) -> Any:
        return self.world.backend.sweeps

    @property
    def place(self) -> str:
        return f"{self.world.settings.jobs_container}/{self.id}/sweep.json"

    def submit(self, data: bytes = b"", etag: str = "0x1") -> SweepSubmission:
        """What the trigger does with a drop."""
        answer: SweepSubmission = self.manager.submit(
            self.id, data or sweep_document(), Source(self.place, etag)
        )
        return answer

    def accept(self, data: bytes = b"", etag: str = "0x1") -> Sweep:
        answer = self.submit(data, etag)
        assert answer.sweep is not None, answer.problems
        return answer.sweep

    def get(self) -> Sweep:
        found: Sweep = self.manager.get(self.id)
        return found

    def deliver(self) -> int:
        """What the host does with the messages that are there; how many."""
        client = self.world.account.queues.get_queue_client(sweep_queue.QUEUE)
        found = 0
        while message := client.receive_message(visibility_timeout=60):
            body = sweep_queue.from_text(message.content)
            assert body is not None
            self.manager.work(body.id, None if body.number is None else (body.number,))
            client.delete_message(message.id, pop_receipt=message.pop_receipt)
            found += 1
        return found

    def run_one(self, outcome: Outcome | None = None) -> str | None:
        """A runner takes a job of the cluster and ends it; the name of the job."""
        claim = self.world.claim()
        if claim is None:
            return None
        self.world.finish(claim, *([outcome] if outcome else []))
        return str(claim.job.id.job)

    def run_all(self) -> list[str]:
        """Runner and host work until there is nothing to do; the jobs that ran, in order."""
        ran: list[str] = []
        while True:
            self.deliver()
            name = self.run_one()
            if name is None:
                return ran
            ran.append(name)

    def jobs(self) -> dict[str, str]:
        """The jobs of the experiment by name, with their states."""
        return {j.id.job: str(j.state) for j in self.world.manager.list_jobs(self.id.workspace, "exp")}
