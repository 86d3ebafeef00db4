"""resources.jsonl: what a job's processes use on this node, a sample every ten seconds.

A job of a moment gets none, and so costs nothing.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.attempt.host import AttemptHost
from runner.logs.routing import Logs
from runner.machine.gpu_readings import GpuReading
from runner.machine.late_thread import LateThread
from runner.processes.process_tracker import ProcessTracker
from runner.processes.step_host import StepHost
from runner.processes.usage import Usage, of_group, of_processes
from shared.environment.variables import Placement
from shared.launch.plan import resources_log_name
from shared.managers.clock import utc_now
from shared.times import timestamp

log = logging.getLogger(__name__)

#: Until the first sample of a job, and between two.
FIRST_SECONDS, EVERY_SECONDS = 2.0, 10.0
#: Whenever the file has grown by so much, the pause is doubled: a job of weeks stays readable.
_PACE_BYTES, _MOST_DOUBLED = 8 * 1024 * 1024, 8


@dataclass
class ResourceSampler:
    """Of one attempt on one node. `begin` before its first process starts, `end` when the last has ended."""

    node: str
    attempt: int
    usage: Callable[[], Usage]
    gpus: Callable[[], tuple[GpuReading, ...]]
    open_file: Callable[[], Path]  #: begins the file, once there is something to write
    first_seconds: float
    every_seconds: float
    seen: Callable[[tuple[GpuReading, ...]], None] = lambda readings: None  #: of each sample
    samples: int = 0
    _path: Path | None = None
    _written: int = 0
    _before: Usage = field(default_factory=Usage)
    _before_at: float | None = None  #: monotonic; None: there was no sample
    _lost: Usage = field(default_factory=Usage)  #: counted for processes that have ended since
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: LateThread | None = None

    def begin(self) -> None:
        """Sample from now on; once is enough."""
        if self._thread:
            return
        if self.attempt > 1:
            self._path = self.open_file()  # or the file of the attempt before would pass for this one's
        self._thread = LateThread(self._keep_sampling, "resources")
        self._thread.start(self.first_seconds)

    def end(self) -> None:
        """The last sample, where there was a first. Raises nothing."""
        self._ended.set()
        if self._thread:
            self._thread.cancel()
            self._thread.join()
            if self.samples:
                self._sample_guarded()

    def _keep_sampling(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            self._sample_guarded()
            pause = self.every_seconds * 2 ** min(_MOST_DOUBLED, self._written // _PACE_BYTES)

    def _sample_guarded(self) -> None:
        """Whatever it fails of, the job does not."""
        try:
            self._sample()
        except Exception:
            log.exception("resources not sampled", extra={"action": "resources"})

    def _sample(self) -> None:
        readings = self.gpus()
        self.seen(readings)
        seen, at = self.usage(), time.monotonic()
        cpu = self._percent(seen, at)
        self._count(seen)
        counted = self._lost
        shown: dict[str, Any] = {
            "time": timestamp(utc_now()),
            "node": self.node,
            "attempt": self.attempt,
            "cpuPercent": cpu,
            # What has ended has none: zero would be drawn as a fall.
            "memoryBytes": seen.memory_bytes if seen.processes else None,
            "diskReadBytes": seen.read_bytes + counted.read_bytes,
            "diskWrittenBytes": seen.written_bytes + counted.written_bytes,
            "processes": seen.processes,
            "gpus": [reading.shown() for reading in readings],
        }
        line = json.dumps({name: value for name, value in shown.items() if value is not None}) + "\n"
        self._path = self._path or self.open_file()
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
        self._written += len(line)
        self.samples += 1
        self._before, self._before_at = seen, at

    def _percent(self, seen: Usage, at: float) -> float | None:
        """Of one processor, since the sample before; None where it is not known: there was none, or
        processes have ended that were counted then."""
        used = seen.cpu_seconds - self._before.cpu_seconds
        if self._before_at is None or used < 0 or at <= self._before_at:
            return None
        return round(100 * used / (at - self._before_at), 1)

    def _count(self, seen: Usage) -> None:
        """What ended processes have read and written is not lost from the sums."""
        self._lost = Usage(
            read_bytes=self._lost.read_bytes + max(0, self._before.read_bytes - seen.read_bytes),
            written_bytes=self._lost.written_bytes + max(0, self._before.written_bytes - seen.written_bytes),
        )


def of_attempt(
    placement: Placement,
    step_host: StepHost,
    tracker: ProcessTracker,
    host: AttemptHost,
    logs: Logs,
    seen: Callable[[tuple[GpuReading, ...]], None],
) -> ResourceSampler:
    """For an attempt on this node: of its cgroup where it has one, else of each of its processes."""

    def usage() -> Usage:
        group = step_host.cgroup
        counted = of_group(group.path, group.pids()) if group else None
        return counted or of_processes(process.pid for process in tracker.members())

    return ResourceSampler(
        placement.this.node_id,
        placement.attempt,
        usage,
        host.gpu_readings.now,
        lambda: logs.add(resources_log_name(placement)),
        FIRST_SECONDS,
        EVERY_SECONDS,
        seen,
    )
