"""A process tracker against processes that do everything to get out of it, and against runners that die or
stall."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from runner.isolation.isolation import NOT_ISOLATED
from runner.isolation.job_user import JobUser
from runner.machine import cgroups
from runner.processes import job_process, orphans, process_table
from runner.processes.process_tracker import ProcessTracker
from tests.support.waiting import eventually

PROJECT = Path(__file__).parents[3]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def start(tracker: ProcessTracker, folder: Path, command: str) -> job_process.JobProcess:
    env = {"PATH": os.environ["PATH"]}
    return job_process.start("", command, env, folder, folder / "stdout", folder / "stderr", tracker)


def written(path: Path) -> int:
    return int(eventually(lambda: path.exists() and path.read_text().strip(), 10))


@pytest.fixture(params=["with cgroups", "without"])
def tracker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessTracker]:
    if request.param == "without":
        monkeypatch.setattr(cgroups, "make", lambda name: None)
    elif (probe := cgroups.make(f"probe-{os.getpid()}")) is None:
        pytest.skip("no cgroup v2 that we may write to")
    else:
        probe.remove()
    made = ProcessTracker()
    yield made
    made.kill()
    made.close()


ESCAPES = {
    "ignores TERM": "(trap '' TERM; echo $BASHPID > pid; while :; do sleep 0.05; done) & wait",
    "double fork and setsid": "(setsid sh -c 'echo $$ > pid; exec sleep 60' &) ; sleep 60",
    "keeps stdout open": "sleep 60 & echo $! > pid; exit 3",
    "forks without end": "f() { sleep 0.02; f & }; f & echo $$ > pid; sleep 60",
}


@pytest.mark.parametrize("escape", ESCAPES)
def test_nobody_gets_out(tracker: ProcessTracker, tmp_path: Path, escape: str) -> None:
    child = start(tracker, tmp_path, ESCAPES[escape])
    pid = written(tmp_path / "pid")
    eventually(lambda: pid in {p.pid for p in tracker.members()} or not alive(pid))
    before = time.monotonic()
    tracker.kill()
    assert time.monotonic() - before < 5
    assert tracker.members() == []
    assert not alive(pid)
    child.popen.wait(5)


def test_a_job_is_niced_and_the_first_to_go_when_memory_runs_out(
    tracker: ProcessTracker, tmp_path: Path
) -> None:
    own = int(Path("/proc/self/oom_score_adj").read_text())
    child = start(tracker, tmp_path, "cat /proc/self/oom_score_adj; nice")
    assert child.popen.wait(10) == 0
    score, nice = map(int, (tmp_path / "stdout").read_text().split())
    assert score == min(1000, own + 500)
    assert nice == os.nice(0) + 5
    assert (tmp_path / "stderr").read_text() == ""


#: Prints how nice a runner is before and after it has put itself first, how nice its session is, and its job.
FIRST = """
import os, sys
from pathlib import Path
sys.path.insert(0, {project!r})
from runner.machine import priority
from runner.processes import job_process
print(os.nice(0))
priority.raise_own()
print(os.nice(0))
print(Path("/proc/self/autogroup").read_text().split()[-1])
job = job_process.start("", "nice", {{"PATH": "/usr/bin:/bin"}}, Path(), Path("out"), Path("err"))
job.popen.wait()
print(Path("out").read_text())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may put itself first")
def test_a_runner_comes_first_and_its_jobs_where_they_were(tmp_path: Path) -> None:
    words = [sys.executable, "-c", FIRST.format(project=str(PROJECT))]
    said = subprocess.run(
        words, cwd=tmp_path, check=True, capture_output=True, text=True, start_new_session=True
    )
    before, after, session, job = map(int, said.stdout.split())
    assert (after, session, job) == (max(-20, before - 10), max(-20, before - 10), before + 5)


# A runner in miniature: starts a job that it tracks and then does what the test asks for.
RUNNER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {project!r})
from runner.machine import cgroups
from runner.processes import job_process, orphans, process_tracker
folder, command, seconds, cgroup = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]
if not cgroup:
    cgroups.make = lambda name: None
assert orphans.adopt_orphans()
tracker = process_tracker.ProcessTracker()
if seconds:
    tracker.arm(seconds)
path, out, err = {{"PATH": "/usr/bin:/bin"}}, folder / "out", folder / "err"
child = job_process.start("", command, path, folder, out, err, tracker)
(folder / "started").write_text(str(child.popen.pid))
if {wait}:
    child.popen.wait()
    helper = __import__("subprocess").Popen(["sleep", "30"])
    while b"sleep" not in Path(f"/proc/{{helper.pid}}/cmdline").read_bytes():
        time.sleep(0.01)
    (folder / "found").write_text(str(tracker.kill()[0]))
    (folder / "helper").write_text("lives" if helper.poll() is None else "killed")
    helper.kill()
    helper.wait()
    (folder / "left").write_text(str(len(tracker.members())))
    tracker.close()
    zombies = [p for p in __import__("psutil").Process().children() if p.status() == "zombie"]
    (folder / "end").write_text(str(len(zombies)))
else:
    time.sleep(60)
"""


def runner(folder: Path, command: str, seconds: float, cgroup: bool, wait: bool) -> subprocess.Popen[bytes]:
    code = RUNNER.format(project=str(PROJECT), wait=wait)
    words = [sys.executable, "-c", code, str(folder), command, str(seconds), "yes" if cgroup else ""]
    return subprocess.Popen(words)


@pytest.mark.parametrize("cgroup", [True, False])
def test_an_orphan_that_has_thrown_away_every_sign_is_adopted_and_killed(
    tmp_path: Path, cgroup: bool
) -> None:
    command = (
        "(env -i setsid /bin/sh -c 'echo $$ > pid; exec /bin/sleep 60' &) ; while ! [ -s pid ]; do :; done"
    )
    ours = runner(tmp_path, command, 0, cgroup, wait=True)
    assert ours.wait(30) == 0
    assert (tmp_path / "found").read_text() == "1"
    assert (tmp_path / "left").read_text() == "0"
    assert (tmp_path / "helper").read_text() == "lives", "a helper of the runner's own"
    assert (tmp_path / "end").read_text() == "0", "zombies"
    assert not alive(written(tmp_path / "pid"))


@pytest.mark.parametrize("cgroup", [True, False])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_the_job_of_a_dead_or_stalled_runner_is_killed_with_its_grandchildren(
    tmp_path: Path, how: signal.Signals, cgroup: bool
) -> None:
    command = "(setsid sh -c 'echo $$ > pid; exec sleep 60' &) ; sleep 60; true"
    ours = runner(tmp_path, command, 1.5, cgroup, wait=False)
    try:
        pid, first = written(tmp_path / "pid"), written(tmp_path / "started")
        ours.send_signal(how)
        eventually(lambda: not alive(pid) and not alive(first), 5)
    finally:
        ours.kill()
        ours.wait()


def test_a_switch_that_is_armed_again_holds_its_fire_and_says_when_it_has_fired(tmp_path: Path) -> None:
    tracker = ProcessTracker()
    tracker.arm(0.6)
    child = start(tracker, tmp_path, "sleep 60")
    deadline = time.monotonic() + 1.2
    while time.monotonic() < deadline:
        tracker.arm(0.6)
        time.sleep(0.05)
    assert child.exit_code is None and not tracker.fired
    eventually(lambda: tracker.fired, 5)
    assert eventually(lambda: child.exit_code, 5) == 137
    tracker.close()


def test_a_tracker_that_nothing_entered_costs_nothing() -> None:
    tracker = ProcessTracker()
    tracker.arm(1)
    assert (tracker.kill(), tracker.members(), tracker.fired) == ((0, []), [], False)
    tracker.close()


def test_a_child_from_before_the_first_start_is_none_of_the_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon of a volume may be seconds old, and bear no mark of anybody's. Where the jobs' user is theirs
    alone, processes so young are looked at all the same: one of that user is the job's."""
    nobody = JobUser("nobody", 65534, 65534, "/", exclusive=True)
    monkeypatch.setattr(orphans, "adopts", lambda: True)
    daemon = subprocess.Popen(["sleep", "60"], env={})
    users = subprocess.Popen(["sleep", "60"], env={}, user=65534) if os.geteuid() == 0 else None
    tracker = ProcessTracker(replace(NOT_ISOLATED, user=nobody))
    try:
        tracker.open()
        found = {process.pid for process in tracker.members()}
        assert daemon.pid not in found
        assert users is None or users.pid in found
    finally:
        tracker.close()
        for process in filter(None, (daemon, users)):
            process.kill()
            process.wait()


def test_what_cannot_be_killed_is_reported_by_name() -> None:
    assert f"process {os.getpid()} (" in process_table.describe([psutil.Process()])
