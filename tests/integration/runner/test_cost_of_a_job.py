"""What a job that does nothing costs its node, in counts: looks at the processes, programs started.

Counted are the interpreter's own events (PEP 578), so nothing that psutil or a library does is missed.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runner.isolation.node_config import NodeConfig
from runner.machine import late_thread
from runner.processes import job_process, process_table, process_tracker
from runner.processes.process_tracker import ProcessTracker
from shared.jobs.model import State
from tests.support import agents
from tests.support.waiting import eventually
from tests.support.world import World, document

LISTS = ("os.scandir", "os.listdir")


class Events:
    """What this process does between `clear` and the asking."""

    def __init__(self) -> None:
        self._all: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[object, ...]) -> None:
        if event in (*LISTS, "open", "subprocess.Popen", "os.posix_spawn", "os.fork"):
            with self._lock:
                self._all.append((event, str(args[1] if event == "subprocess.Popen" else args[:1])))

    def clear(self) -> None:
        with self._lock:
            self._all.clear()

    @property
    def looks(self) -> int:
        """Lists of all processes."""
        return sum(event in LISTS and "'/proc'" in what for event, what in self._all)

    @property
    def started(self) -> list[str]:
        """Programs."""
        return [what for event, what in self._all if event not in (*LISTS, "open")]

    def read_of(self, pids: set[int]) -> list[str]:
        """Files of these processes that were opened."""
        return [what for _, what in self._all if any(f"'/proc/{pid}/" in what for pid in pids)]


@pytest.fixture(scope="module")
def events() -> Events:
    return Events()


@pytest.fixture
def bystanders() -> Iterator[set[int]]:
    """Idle processes of somebody else."""
    found = [subprocess.Popen(["sleep", "600"]) for _ in range(40)]
    yield {process.pid for process in found}
    for process in found:
        process.kill()
        process.wait()


def run(world: World, name: str) -> None:
    """A job that does nothing, until its message is gone."""
    world.accept(name, document("echo $EPOCHREALTIME"))
    eventually(lambda: world.job(name).state is State.SUCCEEDED)
    eventually(lambda: not world.messages())


def test_a_job_is_two_lists_of_processes_and_one_program(
    world: World,
    tmp_path: Path,
    events: Events,
    bystanders: set[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A process of anybody that vanishes while it is read makes the runner look again: as often as it must.
    again: list[bool] = []

    def look(others: frozenset[process_table.Identity]) -> process_table.Table:
        table = process_table.look(others)
        again.append(table.has_gaps)
        return table

    monkeypatch.setattr(process_tracker, "look", look)
    config = NodeConfig(world.cluster, "node-0", tmp_path / "root", gpus=())
    agent = agents.agent(world.backend, config)
    with agents.running(agent):
        for name in ("first", "second"):
            events.clear()
            again.clear()
            run(world, name)
    (started,) = events.started
    assert "EPOCHREALTIME" in started, "its shell; the watchdog is the first job's"
    assert events.looks == 2 + sum(again), "before its first process, and at its end"
    assert events.read_of(bystanders) == []


def test_folders_of_the_job_before_become_its_own(world: World, tmp_path: Path) -> None:
    """Some eighteen, one in the other."""
    root = tmp_path / "root"
    config = NodeConfig(world.cluster, "node-0", root, gpus=())
    with agents.running(agents.agent(world.backend, config)), ExitStack() as opened:
        run(world, "first")
        (before,) = root.rglob("stdouterr")
        # While it is open no other folder gets its number.
        first = os.open(before, os.O_RDONLY | os.O_DIRECTORY)
        opened.callback(os.close, first)
        run(world, "second")
        (now,) = root.rglob("stdouterr")
        assert os.path.samestat(os.fstat(first), now.stat()), "the same folder"
    assert "/first/" in str(before) and "/second/" in str(now) and not before.exists()
    assert (now / "stdout.txt").read_text() and len(list(root.rglob("stdout.txt"))) == 1


def test_a_job_of_a_moment_starts_no_thread(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However busy the machine is: nothing becomes due here."""
    monkeypatch.setattr(late_thread, "_call", lambda *_: None)
    begun: list[str] = []
    start = threading.Thread.start

    def starting(self: threading.Thread) -> None:
        begun.append(self.name)
        start(self)

    config = NodeConfig(world.cluster, "node-0", tmp_path / "root", gpus=())
    with agents.running(agents.agent(world.backend, config)):
        run(world, "first")
        monkeypatch.setattr(threading.Thread, "start", starting)
        run(world, "second")
    assert begun == []


def test_an_id_that_is_given_again_is_another_process() -> None:
    """In a namespace of processes of its own, where nobody else is given ids meanwhile."""
    words = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    code = """
import subprocess, sys
from pathlib import Path
from runner.processes.process_table import everybody
def start():
    return subprocess.Popen(["sleep", "60"])
first = start()
before = everybody()
first.kill()
first.wait()
Path("/proc/sys/kernel/ns_last_pid").write_text(str(first.pid - 1))
again = start()
assert again.pid == first.pid, "the id was given again"
(now,) = [who for who in everybody() if who[0] == first.pid]
print("other" if now not in before else "same")
again.kill()
again.wait()
"""
    said = subprocess.run(
        [*words, sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout == "other\n"


def test_a_process_that_forks_while_it_is_looked_for_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listed, then gone before it is read, its child not yet listed: only a further look finds that."""
    tracker = ProcessTracker()
    env = {"PATH": "/usr/bin:/bin"}
    command = "sleep 60 & echo $! > pid; wait"
    job = job_process.start("", command, env, tmp_path, tmp_path / "out", tmp_path / "err", tracker)
    pid = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip()))
    read, unseen = process_table._entry, {job.popen.pid, pid}

    def late(asked: int) -> process_table.Entry | None:
        """The first time, as if it had just gone."""
        if asked in unseen:
            unseen.discard(asked)
            return None
        return read(asked)

    monkeypatch.setattr(process_table, "_entry", late)
    found, left = tracker.kill()
    assert found == 2 and not [process for process in left if process.is_running()]
    job.popen.wait(5)
    tracker.close()
