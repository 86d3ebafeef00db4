"""local.runner_process: the machine's GPUs are dealt out to the runners of the stack."""

import pytest

from local.runner_process import dealt_gpus
from runner.machine.gpu_share import Gpu


@pytest.mark.parametrize(
    ("gpus", "runners", "choices"),
    [
        (0, 1, ["none"]),
        (2, 1, ["0,1"]),
        (2, 2, ["0", "1"]),
        (4, 3, ["0", "1", "2,3"]),
        (1, 3, ["none", "none", "0"]),
        (1, 0, []),
    ],
)
def test_no_gpu_is_given_to_two_runners(gpus: int, runners: int, choices: list[str]) -> None:
    machine = tuple(Gpu(index, f"GPU-{index}") for index in range(gpus))
    assert dealt_gpus(machine, runners) == choices
