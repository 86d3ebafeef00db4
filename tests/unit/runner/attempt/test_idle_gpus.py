"""When GPUs count as idle, and what follows."""

from pathlib import Path

import pytest

from runner.attempt.idle_gpus import IdleGpuWatch, idle_text, watch
from runner.attempt.peers import Alone
from runner.attempt.record import AttemptRecord
from runner.logs.execution_log import ExecutionLog
from runner.machine.gpu_readings import GpuReading
from runner.processes.stop_signal import StopReason, StopSignal
from shared.documents.models.cluster import IdleGpus
from shared.environment.variables import Node
from shared.jobs.events import EventKind
from tests.support.jobs import a_job


class Watched:
    """A watch whose time is given in minutes."""

    def __init__(self, folder: Path, minutes: int = 5, action: str = "warn", nodes: int = 1) -> None:
        limit = IdleGpus.model_validate({"minutes": minutes, "action": action})
        text = ExecutionLog(folder / "execution.log", lambda: "now", lambda line: line)
        self.record = AttemptRecord(a_job(), "node-0", text)
        self.stop = StopSignal()
        self.now = 0.0
        self.others_idle = True
        self.said: list[bool] = []
        self._watch = IdleGpuWatch(
            limit, nodes, self._all_idle, self.record, self.stop, lambda: self.now * 60
        )

    def _all_idle(self, idle: bool) -> bool:
        self.said.append(idle)
        return idle and self.others_idle

    def at(self, minute: float, *percents: int | None) -> None:
        self.now = minute
        self._watch.seen([GpuReading(i, "H200", percent, 0, 1) for i, percent in enumerate(percents)])

    @property
    def events(self) -> list[EventKind]:
        return [event.kind for event in self.record.events]


def test_a_job_is_warned_of_once_until_its_gpus_work_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.at(0, 0, 0)
    watched.at(4.9, 0, 0)
    assert watched.events == []
    watched.at(5, 0, 0)
    watched.at(30, 0, 0)
    assert watched.events == [EventKind.GPUS_IDLE]
    assert watched.stop.reason is None
    [event] = watched.record.events
    assert event.detail == "no GPU of this node has done anything in the last 5 minutes"
    watched.at(31, 0, 90)
    watched.at(32, 0, 0)
    watched.at(37, 0, 0)
    assert watched.events == [EventKind.GPUS_IDLE] * 2


@pytest.mark.parametrize("readings", [(), (None,), (0, None), (0, 1)])
def test_what_works_or_does_not_say_is_not_idle(tmp_path: Path, readings: tuple[int | None, ...]) -> None:
    watched = Watched(tmp_path)
    for minute in range(20):
        watched.at(minute, *readings)
    assert watched.events == []


def test_one_busy_sample_begins_the_time_anew(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for minute in range(0, 20, 2):
        watched.at(minute, 0)
        watched.at(minute + 1, 7)
    assert watched.events == []


def test_a_job_of_one_node_is_ended_where_the_cluster_says_so(tmp_path: Path) -> None:
    watched = Watched(tmp_path, action="end")
    watched.at(0, 0)
    watched.at(5, 0)
    assert watched.stop.reason is StopReason.IDLE_GPUS
    assert not watched.stop.for_runner
    assert "the job is ended" in (tmp_path / "execution.log").read_text()


def test_a_job_of_several_nodes_is_ended_once_all_of_them_are_idle(tmp_path: Path) -> None:
    watched = Watched(tmp_path, action="end", nodes=2)
    watched.others_idle = False
    for minute in (0, 5, 6):
        watched.at(minute, 0)
    assert (watched.events, watched.stop.reason, watched.said) == ([], None, [False, True, True])
    watched.others_idle = True
    watched.at(7, 0)
    watched.at(8, 0)
    assert (watched.events, watched.stop.reason) == ([EventKind.GPUS_IDLE], StopReason.IDLE_GPUS)
    [event] = watched.record.events
    assert event.detail == "no GPU of the job's 2 nodes has done anything in the last 5 minutes"


def test_another_node_that_works_again_begins_a_time_that_is_warned_of(tmp_path: Path) -> None:
    watched = Watched(tmp_path, nodes=2)
    for minute, others in ((0, True), (5, True), (6, False), (7, True)):
        watched.others_idle = others
        watched.at(minute, 0)
    assert watched.events == [EventKind.GPUS_IDLE] * 2


def test_without_the_setting_nobody_looks(tmp_path: Path) -> None:
    text = ExecutionLog(tmp_path / "execution.log", lambda: "now", lambda line: line)
    record, stop = AttemptRecord(a_job(), "node-0", text), StopSignal()
    look = watch(None, Alone(Node("node-0", "127.0.0.1", 1)), record, stop)
    assert not isinstance(getattr(look, "__self__", None), IdleGpuWatch)
    look([GpuReading(0, "H200", 0, 0, 1)])
    assert list(record.events) == []


def test_a_minute_is_one() -> None:
    assert idle_text(IdleGpus(minutes=1)).endswith("the last minute")
