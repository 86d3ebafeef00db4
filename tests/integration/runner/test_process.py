"""process.py against children that behave as badly as they can."""

import os
import shlex
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from runner.processes import job_process
from runner.processes.job_process import JobProcess
from shared.errors import LaunchError
from tests.support.waiting import eventually


class Starter:
    """Starts commands in a folder of the test and remembers them, so that none is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[JobProcess] = []

    def __call__(self, command: str, **env: str) -> JobProcess:
        out, err = self.folder / "stdout", self.folder / "stderr"
        path = {"PATH": os.environ["PATH"]}
        self.started.append(job_process.start("", command, path | env, self.folder, out, err))
        return self.started[-1]

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text()

    def said(self, text: str) -> None:
        eventually(lambda: text in self.stdout)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    job_process.kill_left(starter.started)


def ended(child: JobProcess) -> int:
    code = eventually(lambda: (child.exit_code,) if child.exit_code is not None else None)
    return int(code[0] or 0)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("true", 0),
        ("exit 3", 3),
        ("exit 255", 255),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
        ("nonsense-x", 127),
    ],
)
def test_exit_codes_as_a_shell_shows_them(start: Starter, command: str, code: int) -> None:
    assert ended(start(command)) == code


def test_output_and_environment(start: Starter, tmp_path: Path) -> None:
    assert ended(start('echo "$A in $PWD"; echo oops >&2; cat', A="x")) == 0
    assert start.stdout == f"x in {tmp_path}\n"
    assert (tmp_path / "stderr").read_text() == "oops\n"


def test_a_hundred_thousand_lines(start: Starter) -> None:
    assert ended(start("seq 100000")) == 0
    assert start.stdout.splitlines()[-1] == "100000"
    assert start.stdout.count("\n") == 100_000


def test_what_cannot_be_started_is_a_launch_error(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(LaunchError, match="could not start wk-0"):
        job_process.start("wk-0", "true", {}, tmp_path / "no-such-folder", out, out)
    with pytest.raises(LaunchError):
        job_process.start("", "a\0b", {}, tmp_path, out, out)


def test_a_child_that_heeds_sigterm_may_finish_what_it_does(start: Starter) -> None:
    child = start("trap 'echo saved; exit 7' TERM; echo ready; while :; do sleep 0.02; done")
    start.said("ready")
    job_process.stop([child], 5)
    assert child.exit_code == 7
    start.said("saved")


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(start: Starter) -> None:
    child = start("trap '' TERM; echo ready; while :; do sleep 0.02; done")
    start.said("ready")
    before = time.monotonic()
    job_process.stop([child], 0.3)
    assert child.exit_code == 137
    assert 0.3 <= time.monotonic() - before < 3


def test_the_whole_tree_ends(start: Starter) -> None:
    child = start("sleep 60 & (sleep 60 & sleep 60) & echo ready; wait")
    start.said("ready")
    eventually(lambda: len(child.tree()) >= 4)
    job_process.stop([child], 1)
    assert child.tree() == []


def test_a_tree_is_reported_parents_before_children(start: Starter) -> None:
    deep = "echo ready; sleep 60; true"
    for _ in range(6):
        deep = f"bash -c {shlex.quote(deep)}; true"
    child = start(f"setsid sleep 60 & {deep}")
    start.said("ready")
    tree = eventually(lambda: found if len(found := child.tree()) == 9 else None)
    places = {member.pid: place for place, member in enumerate(tree)}
    assert places.pop(child.popen.pid) == 0
    assert [member.pid for member in tree[1:] if places[member.pid] < places.get(member.ppid(), 0)] == []


@pytest.mark.parametrize("grace", [5.0, 0.0])
def test_no_shell_sees_its_children_end_before_it_is_asked_itself(start: Starter, grace: float) -> None:
    """Its trap must run (and with no grace: its next command must not)."""
    inner = "trap 'echo heard; exit 7' TERM; for i in $(seq 40); do sleep 60 & done; echo ready; wait -n"
    # In the group of the job's first process, and in one of its own.
    child = start(
        f"setsid bash -c {shlex.quote(inner + '; echo inner continues')} & {inner}; echo continues; wait"
    )
    eventually(lambda: start.stdout.count("ready") == 2)
    job_process.stop([child], grace)
    assert "continues" not in start.stdout
    if grace:
        assert (start.stdout.count("heard"), child.exit_code) == (2, 7)


def test_everybody_is_asked_once(start: Starter) -> None:
    """A second SIGTERM means to many programs: without finishing anything."""
    asked = "trap 'echo asked' TERM; echo ready; for i in $(seq 30); do sleep 0.05; done"
    # In the job's group, in a group of its own, in a session of its own.
    nested = [f"bash -c {shlex.quote(asked)}" for _ in range(3)]
    child = start(f"{nested[0]} & (set -m; {nested[1]} & wait) & setsid {nested[2]} & {asked}; wait")
    eventually(lambda: start.stdout.count("ready") == 4)
    job_process.stop([child], 0.5)
    assert start.stdout.count("asked") == 4


def test_a_grandchild_that_keeps_stdout_open_makes_nobody_wait(start: Starter) -> None:
    child = start("sleep 60 & echo ready")
    before = time.monotonic()
    assert ended(child) == 0
    assert job_process.kill_left([child]) == 1
    assert time.monotonic() - before < 3
    assert child.tree() == []


def test_a_daemonised_grandchild_is_found_and_killed(start: Starter, tmp_path: Path) -> None:
    """It has a session of its own and init as its parent: only its environment still shows whose it is."""
    command = (
        "(setsid sh -c 'echo $$ > daemon; trap \"\" TERM HUP; while :; do sleep 0.05; done' &) ; sleep 0.1"
    )
    child = start(command)
    assert ended(child) == 0
    pid = int(eventually((tmp_path / "daemon").read_text))
    assert psutil.pid_exists(pid)
    assert job_process.kill_left([child]) >= 1
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", 3)


def test_two_jobs_do_not_kill_each_other(start: Starter) -> None:
    one, other = start("sleep 60"), start("sleep 60")
    job_process.stop([one], 1)
    assert one.exit_code is not None
    assert other.exit_code is None
    assert len(other.tree()) >= 1


def test_stopping_what_has_ended_is_harmless(start: Starter) -> None:
    child = start("true")
    ended(child)
    job_process.stop([child], 1)
    job_process.stop([], 1)
    assert child.exit_code == 0


def test_a_job_cannot_read_from_the_runner(start: Starter) -> None:
    assert ended(start('read line; echo "$? $line"')) == 0
    assert start.stdout == "1 \n"


def test_signals_to_the_runner_do_not_reach_the_job(start: Starter) -> None:
    child = start("echo ready; sleep 60")
    start.said("ready")
    assert os.getsid(child.popen.pid) != os.getsid(0)
    assert signal.SIGINT not in {child.exit_code}
