"""What the NVIDIA driver says of this machine's GPUs: which there are, who uses them, and how much."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pynvml

from runner.machine.gpu_share import Gpu

T = TypeVar("T")

#: A killed process's memory on the device is freed a moment after the process is gone.
_RELEASE_SECONDS = 5.0


@dataclass(frozen=True)
class Load:
    """How a GPU is used; None: the driver does not say (a MIG device has no utilisation)."""

    name: str
    utilization: int | None  #: percent of the time of its latest period in which anything ran
    memory_used: int | None  #: bytes
    memory_total: int | None


def inventory() -> tuple[Gpu, ...]:
    """The GPUs in the driver's order, which is that of the PCI bus; none where there is no NVIDIA driver."""
    return _asked(_devices, ())


def busy(devices: Sequence[Gpu]) -> frozenset[int]:
    """Processes that compute on one of these GPUs, whoever started them."""
    return _asked(lambda: _computing(devices), frozenset())


def left_busy(devices: Sequence[Gpu], before: frozenset[int]) -> frozenset[int]:
    """Processes that were not among `before` and do not leave these GPUs within seconds."""
    deadline = time.monotonic() + _RELEASE_SECONDS
    while (left := busy(devices) - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def loads(devices: Sequence[Gpu]) -> list[tuple[Gpu, Load]]:
    """How these GPUs are used now; those are left out that the driver does not know any more."""
    return _asked(lambda: [(gpu, load) for gpu in devices if (load := _load(gpu))], [])


def _load(gpu: Gpu) -> Load | None:
    handle = _said(lambda: pynvml.nvmlDeviceGetHandleByUUID(gpu.uuid))
    if handle is None:
        return None
    rates = _said(lambda: pynvml.nvmlDeviceGetUtilizationRates(handle))
    memory = _said(lambda: pynvml.nvmlDeviceGetMemoryInfo(handle))
    return Load(
        str(_said(lambda: pynvml.nvmlDeviceGetName(handle)) or ""),
        int(rates.gpu) if rates else None,
        int(memory.used) if memory else None,
        int(memory.total) if memory else None,
    )


def _said(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except pynvml.NVMLError:
        return None


def _devices() -> tuple[Gpu, ...]:
    handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    return tuple(Gpu(index, str(pynvml.nvmlDeviceGetUUID(handle))) for index, handle in enumerate(handles))


def _computing(devices: Sequence[Gpu]) -> frozenset[int]:
    # By UUID: an index may mean another device after the driver has lost one.
    handles = [pynvml.nvmlDeviceGetHandleByUUID(device.uuid) for device in devices]
    return frozenset(
        int(process.pid)
        for handle in handles
        for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
    )


def _asked(question: Callable[[], T], otherwise: T) -> T:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return otherwise
    try:
        return question()
    except pynvml.NVMLError:
        return otherwise
    finally:
        pynvml.nvmlShutdown()
