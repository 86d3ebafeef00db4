"""How many GPUs this machine has, asked of the NVIDIA driver."""

import pynvml


def count() -> int:
    """Number of GPUs; 0 where there is no NVIDIA driver."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return 0
    try:
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return 0
    finally:
        pynvml.nvmlShutdown()
