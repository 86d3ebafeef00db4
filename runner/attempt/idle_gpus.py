"""Whether the GPUs of a running job do nothing, as the samples of resources.jsonl see them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.attempt.peers import Peers
from runner.attempt.record import AttemptRecord
from runner.machine.gpu_readings import GpuReading
from runner.processes.stop_signal import StopReason, StopSignal
from shared.documents.models.cluster import IdleGpus
from shared.jobs.events import EventKind

MINUTE_SECONDS = 60.0


@dataclass
class IdleGpuWatch:
    """Of one attempt on one node. Idle is what every sample of the last `limit.minutes` shows as 0 % on all
    of the node's GPUs; a driver that does not say is not called idle."""

    limit: IdleGpus
    nodes: int  #: of the job
    #: Whether this node is idle -> whether all nodes are that have GPUs, as far as this one has a say.
    all_idle: Callable[[bool], bool]
    record: AttemptRecord
    stop: StopSignal
    monotonic: Callable[[], float] = time.monotonic
    _since: float | None = None
    _warned: bool = False

    def seen(self, readings: Sequence[GpuReading]) -> None:
        """A sample. Warns once for each time the job's GPUs have become idle; ends it where it is to."""
        if not self.all_idle(self._is_idle(readings)):
            self._warned = False
            return
        if self._warned:
            return
        self._warned = True
        ends, text = self.limit.action == "end", idle_text(self.limit, self.nodes)
        self.record.happened(EventKind.GPUS_IDLE, text)
        self.record.say(text + ("; the job is ended" if ends else ""))
        if ends:
            self.stop.set(StopReason.IDLE_GPUS)

    def _is_idle(self, readings: Sequence[GpuReading]) -> bool:
        if not readings or any(reading.utilization_percent != 0 for reading in readings):
            self._since = None
            return False
        now = self.monotonic()
        self._since = now if self._since is None else self._since
        return now - self._since >= self.limit.minutes * MINUTE_SECONDS


def watch(
    limit: IdleGpus | None, peers: Peers, record: AttemptRecord, stop: StopSignal
) -> Callable[[Sequence[GpuReading]], None]:
    """What looks at each sample of an attempt. `limit`: of the cluster; None: nobody looks."""
    if limit is None:
        return _unwatched
    return IdleGpuWatch(limit, len(peers.nodes), peers.idle, record, stop).seen


def _unwatched(readings: Sequence[GpuReading]) -> None:
    """Nothing is made of a sample."""


def idle_text(limit: IdleGpus, nodes: int = 1) -> str:
    """What was seen, for people."""
    minutes = f"{limit.minutes} minutes" if limit.minutes > 1 else "minute"
    where = "this node" if nodes == 1 else f"the job's {nodes} nodes"
    return f"no GPU of {where} has done anything in the last {minutes}"
