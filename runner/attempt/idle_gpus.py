"""Whether the GPUs of a running job do nothing, as the samples of resources.jsonl see them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.attempt.record import AttemptRecord
from runner.machine.gpu_readings import GpuReading
from runner.processes.stop_signal import StopReason, StopSignal
from shared.documents.models.cluster import IdleGpus
from shared.environment.variables import Placement
from shared.jobs.events import EventKind

MINUTE_SECONDS = 60.0


@dataclass
class IdleGpuWatch:
    """Of one attempt on one node. Idle is what every sample of the last `limit.minutes` shows as 0 % on all
    of the node's GPUs; a driver that does not say is not called idle."""

    limit: IdleGpus
    nodes: int  #: of the job; that of one node is ended, of several each node only warns
    record: AttemptRecord
    stop: StopSignal
    monotonic: Callable[[], float] = time.monotonic
    _since: float | None = None
    _warned: bool = False

    def seen(self, readings: Sequence[GpuReading]) -> None:
        """A sample. Warns once for each time the GPUs have become idle; ends the job where it is to."""
        if not readings or any(reading.utilization_percent != 0 for reading in readings):
            self._since, self._warned = None, False
            return
        now = self.monotonic()
        self._since = now if self._since is None else self._since
        if self._warned or now - self._since < self.limit.minutes * MINUTE_SECONDS:
            return
        self._warned = True
        ends = self.limit.action == "end" and self.nodes == 1
        self.record.happened(EventKind.GPUS_IDLE, idle_text(self.limit))
        self.record.say(idle_text(self.limit) + ("; the job is ended" if ends else ""))
        if ends:
            self.stop.set(StopReason.IDLE_GPUS)


def watch(
    limit: IdleGpus | None, placement: Placement, record: AttemptRecord, stop: StopSignal
) -> Callable[[Sequence[GpuReading]], None]:
    """What looks at each sample of an attempt. `limit`: of the cluster; None: nobody looks."""
    if limit is None:
        return _unwatched
    return IdleGpuWatch(limit, len(placement.nodes), record, stop).seen


def _unwatched(readings: Sequence[GpuReading]) -> None:
    """Nothing is made of a sample."""


def idle_text(limit: IdleGpus) -> str:
    """What was seen, for people."""
    minutes = f"{limit.minutes} minutes" if limit.minutes > 1 else "minute"
    return f"no GPU of this node has done anything in the last {minutes}"
