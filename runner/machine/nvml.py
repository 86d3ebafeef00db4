"""What the NVIDIA driver says of this machine's GPUs: which there are, and who uses them."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import pynvml

from runner.machine.gpu_share import Gpu

T = TypeVar("T")

#: A killed process's memory on the device is freed a moment after the process is gone.
_RELEASE_SECONDS = 5.0


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
