"""What is known of the GPUs when their driver is slow, or fails."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from runner.machine import nvml
from runner.machine.gpu_readings import GpuReading, GpuReadings
from runner.machine.gpu_share import Gpu
from tests.support.fake_nvml import pynvml as pretended

FIRST = "GPU-00000000-0000-0000-0000-000000000000"
GPU = Gpu(0, FIRST)


def test_the_driver_is_asked_by_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "pynvml", pretended)
    monkeypatch.setenv("FAKE_NVML_GPUS", "1")
    monkeypatch.setenv("FAKE_NVML_LOAD", json.dumps({FIRST: [87, 1024]}))
    lost = Gpu(1, "GPU-ffffffff-0000-0000-0000-000000000000")
    found = GpuReadings((GPU, lost)).now(10)
    assert found == (GpuReading(0, "Pretended GPU", 87, 1024, pretended.TOTAL_BYTES),)


def test_what_the_driver_does_not_say_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(pretended.NVMLError):
        pass

    def refuse(device: object) -> None:
        raise Refusing

    monkeypatch.setattr(nvml, "pynvml", pretended)
    monkeypatch.setenv("FAKE_NVML_GPUS", "1")
    for name in ("nvmlDeviceGetUtilizationRates", "nvmlDeviceGetMemoryInfo"):
        monkeypatch.setattr(pretended, name, refuse)
    assert json.loads(GpuReadings((GPU,)).as_json()) == [{"index": 0, "name": "Pretended GPU"}]


def test_nobody_waits_for_a_driver_that_hangs_nor_asks_it_twice() -> None:
    answers, asked = threading.Event(), []

    def read(devices: Sequence[Gpu]) -> tuple[GpuReading, ...]:
        asked.append(devices)
        answers.wait(10)
        return (GpuReading(0, "slow", 1, None, None),)

    readings = GpuReadings((GPU,), read)
    assert readings.now(0.01) == readings.now(0.01) == ()
    assert len(asked) == 1
    answers.set()
    assert readings.now(10)[0].name == "slow"


def test_a_driver_that_fails_says_nothing() -> None:
    def read(devices: Sequence[Gpu]) -> tuple[GpuReading, ...]:
        raise RuntimeError("fell off the bus")

    assert GpuReadings((GPU,), read).now(10) == ()


def test_a_node_without_gpus_asks_nobody(tmp_path: Path) -> None:
    def read(devices: Sequence[Gpu]) -> tuple[GpuReading, ...]:
        raise AssertionError

    readings = GpuReadings((), read)
    assert readings.now() == () and readings.as_json() == ""
