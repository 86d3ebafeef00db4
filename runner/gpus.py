"""What the NVIDIA driver says of this machine's GPUs: how many, and who uses them."""

import time
from collections.abc import Callable
from typing import TypeVar

import pynvml

T = TypeVar("T")

#: A killed process's memory on the device is freed a moment after the process is gone.
_RELEASE_SECONDS = 5.0


def count() -> int:
    """Number of GPUs; 0 where there is no NVIDIA driver."""
    return _asked(lambda: int(pynvml.nvmlDeviceGetCount()), 0)


def busy() -> frozenset[int]:
    """Processes that compute on a GPU of this machine, whoever started them."""
    return _asked(_computing, frozenset())


def left_busy(before: frozenset[int]) -> frozenset[int]:
    """Processes that were not among `before` and do not leave the GPUs within seconds."""
    deadline = time.monotonic() + _RELEASE_SECONDS
    while (left := busy() - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _computing() -> frozenset[int]:
    devices = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
    return frozenset(
        int(process.pid)
        for device in devices
        for process in pynvml.nvmlDeviceGetComputeRunningProcesses(device)
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
