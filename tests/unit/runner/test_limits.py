"""How much a job may use: what the settings say."""

import pytest

from runner.limits import Limits, default_memory, default_processes, limits_from, memory_from, size


def read(processes: str = "", memory: str = "") -> Limits:
    faults: list[str] = []
    limits = limits_from({"BATCHAI_JOB_PROCESSES": processes, "BATCHAI_JOB_MEMORY": memory}, faults)
    assert not faults
    return limits


def test_what_is_not_said_leaves_space_for_the_runner() -> None:
    assert read() == Limits(default_processes(), default_memory())
    assert default_processes() > 1000 and default_memory() > 1024**2


def test_what_is_said_holds() -> None:
    assert read("500", "1.5G") == Limits(500, 3 * 1024**3 // 2)
    assert read("none", "0") == Limits(None, None)


@pytest.mark.parametrize(
    ("text", "bytes_"), [("800M", 800 * 1024**2), ("24 GiB", 24 * 1024**3), ("2gb", 2 * 1024**3), ("12x", 0)]
)
def test_sizes(text: str, bytes_: int) -> None:
    assert memory_from(text) == bytes_


@pytest.mark.parametrize(("processes", "memory"), [("many", ""), ("3", ""), ("", "lots"), ("", "12")])
def test_what_cannot_be_is_a_fault(processes: str, memory: str) -> None:
    faults: list[str] = []
    limits_from({"BATCHAI_JOB_PROCESSES": processes, "BATCHAI_JOB_MEMORY": memory}, faults)
    assert len(faults) == 1 and "must be" in faults[0]


def test_sizes_for_people() -> None:
    assert (size(200 * 1024**2), size(23 * 1024**3)) == ("200 MiB", "23.0 GiB")
