"""When samples are taken, and what becomes of counters whose processes have ended."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.attempt.resources import ResourceSampler
from runner.machine.gpu_readings import GpuReading
from runner.processes.usage import Usage
from tests.support.waiting import eventually


class Sampled:
    """A sampler over usages that a test gives, one after the other; the last one stays."""

    def __init__(
        self, folder: Path, *usages: Usage | Exception, attempt: int = 1, first: float = 0.0
    ) -> None:
        self.path = folder / "resources.jsonl"
        self.opened = 0
        self._usages = list(usages)
        gpu = GpuReading(1, "H200", 87, 10, None)
        self.sampler = ResourceSampler(
            "node-0",
            attempt,
            self._usage,
            lambda: (gpu,),
            self._open,
            first_seconds=first,
            every_seconds=0.01,
        )

    def _usage(self) -> Usage:
        found = self._usages.pop(0) if len(self._usages) > 1 else self._usages[0]
        if isinstance(found, Exception):
            raise found
        return found

    def _open(self) -> Path:
        self.opened += 1
        self.path.touch()
        return self.path

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.opened else []

    def after(self, samples: int) -> list[dict[str, Any]]:
        """The lines once there were so many, and the last one."""
        self.sampler.begin()
        eventually(lambda: self.sampler.samples >= samples)
        self.sampler.end()
        return self.lines()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path


def test_a_job_of_a_moment_has_no_file_and_no_sample(folder: Path) -> None:
    made = Sampled(folder, Usage(), first=60)
    made.sampler.begin()
    made.sampler.begin()
    made.sampler.end()
    assert (made.opened, made.sampler.samples) == (0, 0)


def test_one_that_never_began_ends_too(folder: Path) -> None:
    made = Sampled(folder, Usage())
    made.sampler.end()
    assert made.opened == 0


def test_a_later_attempt_begins_its_file_at_once(folder: Path) -> None:
    made = Sampled(folder, Usage(), attempt=2, first=60)
    made.sampler.begin()
    made.sampler.end()
    assert made.opened == 1 and made.lines() == []


def test_a_sample_says_what_there_is(folder: Path) -> None:
    first, *_, last = Sampled(folder, Usage(1.0, 4096, 10, 20, 3)).after(1)
    assert first.pop("time").endswith("Z")
    assert first == {
        "node": "node-0",
        "attempt": 1,
        "memoryBytes": 4096,
        "diskReadBytes": 10,
        "diskWrittenBytes": 20,
        "processes": 3,
        "gpus": [{"index": 1, "name": "H200", "utilizationPercent": 87, "memoryUsedBytes": 10}],
    }
    assert last["cpuPercent"] == 0.0, "the end is sampled, too"


def test_what_ended_processes_have_read_and_written_stays_counted(folder: Path) -> None:
    lines = Sampled(
        folder, Usage(9.0, 1, 100, 50, 2), Usage(1.0, 1, 30, 60, 1), Usage(2.0, 1, 35, 61, 1)
    ).after(3)
    assert [line["diskReadBytes"] for line in lines[:3]] == [100, 100, 105]
    assert [line["diskWrittenBytes"] for line in lines[:3]] == [50, 60, 61]
    assert "cpuPercent" not in lines[1], "less than before says nothing of the time between"
    assert lines[2]["cpuPercent"] > 0


def test_what_has_ended_has_no_memory_that_would_be_drawn_as_a_fall(folder: Path) -> None:
    lines = Sampled(folder, Usage(1.0, 4096, 10, 20, 1), Usage(2.0, 0, 0, 0, 0)).after(2)
    assert [line.get("memoryBytes") for line in lines[:2]] == [4096, None]


def test_a_sample_that_fails_is_the_only_one_missing(folder: Path) -> None:
    made = Sampled(folder, RuntimeError("no /proc"), Usage(processes=1))
    assert made.after(1)[0]["processes"] == 1


def test_a_long_file_grows_ever_more_slowly(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.attempt.resources._PACE_BYTES", 1)
    made = Sampled(folder, Usage())
    made.sampler.begin()
    eventually(lambda: made.sampler.samples == 1)
    made.sampler.end()
    assert len(made.lines()) == 2, "the one at the beginning and the one at the end"
