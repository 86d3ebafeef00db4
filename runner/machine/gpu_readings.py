"""How busy this node's GPUs are, asked in a thread of its own.

A driver that has lost a device may answer late or never. Whoever asks here waits a moment at most, so that
neither a node's heartbeat nor a job depends on it.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runner.machine import nvml
from runner.machine.gpu_share import Gpu

log = logging.getLogger(__name__)

_ANSWER_SECONDS = 1.0


@dataclass(frozen=True)
class GpuReading:
    """One GPU at one moment, as the driver sees it: whoever uses it. None: it does not say."""

    index: int  #: among those of the machine
    name: str
    utilization_percent: int | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None

    def shown(self) -> dict[str, Any]:
        """As lines of samples and rows of nodes have it."""
        values = {
            "index": self.index,
            "name": self.name,
            "utilizationPercent": self.utilization_percent,
            "memoryUsedBytes": self.memory_used_bytes,
            "memoryTotalBytes": self.memory_total_bytes,
        }
        return {name: value for name, value in values.items() if value is not None}


class GpuReadings:
    """The GPUs of one runner. From any thread."""

    def __init__(
        self,
        devices: Sequence[Gpu],
        read: "Callable[[Sequence[Gpu]], tuple[GpuReading, ...]] | None" = None,
    ) -> None:
        self._devices = tuple(devices)
        self._read = read or readings
        self._lock = threading.Lock()
        self._asked: _Question | None = None

    def now(self, seconds: float = _ANSWER_SECONDS) -> tuple[GpuReading, ...]:
        """What the driver says; nothing where there are no GPUs, or it gives no answer in time."""
        if not self._devices:
            return ()
        with self._lock:
            # One that still hangs is not asked a second time beside it.
            if self._asked is None or self._asked.answered.is_set():
                self._asked = _Question(self._devices, self._read)
            question = self._asked
        return question.answer if question.answered.wait(seconds) else ()

    def as_json(self) -> str:
        """`now` as the row of the node has it; "" where there are no GPUs."""
        return json.dumps([reading.shown() for reading in self.now()]) if self._devices else ""


class _Question:
    """One look at the GPUs, under way from the beginning."""

    def __init__(
        self, devices: tuple[Gpu, ...], read: Callable[[Sequence[Gpu]], tuple[GpuReading, ...]]
    ) -> None:
        self.answered = threading.Event()
        self.answer: tuple[GpuReading, ...] = ()
        self._devices, self._read = devices, read
        threading.Thread(target=self._ask, name="gpus", daemon=True).start()

    def _ask(self) -> None:
        begun = time.monotonic()
        try:
            self.answer = self._read(self._devices)
        except Exception:
            log.exception("GPUs not read", extra={"action": "gpus"})
        finally:
            self.answered.set()
            if (took := time.monotonic() - begun) > _ANSWER_SECONDS:
                log.warning("the GPU driver took %.1f s to answer", took, extra={"action": "gpus"})


def readings(devices: Sequence[Gpu]) -> tuple[GpuReading, ...]:
    """The devices as they are now, those left out that the driver has lost."""
    return tuple(
        GpuReading(device.index, load.name, load.utilization, load.memory_used, load.memory_total)
        for device, load in nvml.loads(devices)
    )
