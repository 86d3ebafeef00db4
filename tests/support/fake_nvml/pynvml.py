"""A driver for machines without one: the part of `pynvml` that runners use, as the environment says.

FAKE_NVML_GPUS is how many GPUs there are, FAKE_NVML_SERIAL eight digits of their UUIDs; FAKE_NVML_BUSY says
who computes, as JSON {"<uuid>": [pid, ...]}; FAKE_NVML_LOAD how busy they are, as JSON {"<uuid>": [percent,
bytes used]}. With this folder first in PYTHONPATH a runner takes it for the
real one. Errors and the counting of nvmlInit follow NVIDIA's own; tests/integration/runner/test_gpus.py asks
both the same questions.
"""

import json
import os
from dataclasses import dataclass

_started = 0
TOTAL_BYTES = 16 * 1024**3


class NVMLError(Exception):
    """As the original: the words of its code."""

    words = "Unknown Error"

    def __str__(self) -> str:
        return self.words


class NVMLError_LibraryNotFound(NVMLError):
    words = "NVML Shared Library Not Found"


class NVMLError_Uninitialized(NVMLError):
    words = "Uninitialized"


class NVMLError_InvalidArgument(NVMLError):
    words = "Invalid Argument"


class NVMLError_NotFound(NVMLError):
    words = "Not Found"


@dataclass(frozen=True)
class Device:
    number: int


@dataclass(frozen=True)
class Process:
    pid: int
    usedGpuMemory: int | None = None


@dataclass(frozen=True)
class Utilization:
    gpu: int
    memory: int = 0


@dataclass(frozen=True)
class Memory:
    total: int
    free: int
    used: int


def _count() -> int:
    if not _started:
        raise NVMLError_Uninitialized
    return int(os.environ["FAKE_NVML_GPUS"])


def nvmlInit() -> None:
    global _started
    if "FAKE_NVML_GPUS" not in os.environ:
        raise NVMLError_LibraryNotFound
    _started += 1


def nvmlShutdown() -> None:
    global _started
    _count()
    _started -= 1


def nvmlSystemGetDriverVersion() -> str:
    _count()
    return "550.0"


def nvmlDeviceGetCount() -> int:
    return _count()


def nvmlDeviceGetHandleByIndex(index: int) -> Device:
    if not 0 <= index < _count():
        raise NVMLError_InvalidArgument
    return Device(index)


def nvmlDeviceGetHandleByUUID(uuid: str) -> Device:
    for number in range(_count()):
        if nvmlDeviceGetUUID(Device(number)) == uuid:
            return Device(number)
    raise NVMLError_NotFound


def nvmlDeviceGetUUID(device: Device) -> str:
    _count()
    serial = os.environ.get("FAKE_NVML_SERIAL", "00000000")
    return f"GPU-{device.number:08x}-0000-0000-0000-0000{serial}"


def nvmlDeviceGetName(device: Device) -> str:
    _count()
    return "Pretended GPU"


def nvmlDeviceGetComputeRunningProcesses(device: Device) -> list[Process]:
    _count()
    values = json.loads(os.environ.get("FAKE_NVML_BUSY", "{}"))
    return [Process(pid) for pid in values.get(nvmlDeviceGetUUID(device), [])]


def nvmlDeviceGetUtilizationRates(device: Device) -> Utilization:
    return Utilization(_load(device)[0])


def nvmlDeviceGetMemoryInfo(device: Device) -> Memory:
    used = _load(device)[1]
    return Memory(TOTAL_BYTES, TOTAL_BYTES - used, used)


def _load(device: Device) -> tuple[int, int]:
    _count()
    percent, used = json.loads(os.environ.get("FAKE_NVML_LOAD", "{}")).get(nvmlDeviceGetUUID(device), (0, 0))
    return percent, used
