"""Child processes of a job: started in their own session, stopped with everything they started."""

import functools
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from runner.isolation.confinement import Confinement
from runner.processes import signals
from runner.processes.launcher import LAUNCHER
from runner.processes.process_table import Identity, Table, everybody, look, marked, with_descendants
from runner.processes.process_tracker import ProcessTracker
from shared.errors import LaunchError

#: bash knows this convention; an exit by a signal is reported the same way.
_SIGNAL_BASE = 128
#: A daemon leaves the session and the parent of the process that started it; its environment stays.
MARK = "BATCHAI_PROCESS_TREE"
#: When memory runs out the kernel is to take the job, not its runner.
_OOM_SCORE = 500
# $1 score, $2 the entrances of the cgroups, one a line, $3 the watchdog or "", $4 whether there are
# to be no core files. A runner may be stalled between looking at its lease and starting a process: then the
# switch has fired, and its process has ended.
_ENTER = r"""
lines=$IFS
IFS='
'
{ echo "$1" > /proc/self/oom_score_adj; for group in $2; do echo 0 > "$group"; done; } 2>/dev/null
[ -z "$4" ] || ulimit -c 0
IFS=$lines
[ -z "$3" ] || [ -e "/proc/$3/fd/0" ] || exit 125
shift 4
exec "$@"
"""


@dataclass
class JobProcess:
    """A running shell command of a job. Output is written to files, so a grandchild that keeps them open
    after the end cannot make anybody wait."""

    name: str
    popen: subprocess.Popen[bytes]
    mark: str  #: stands in the environment of everything it starts
    others: frozenset[Identity]  #: who was there before it, and is none of its tree

    @property
    def exit_code(self) -> int | None:
        """None while it runs; 128 + n when it was ended by signal n."""
        code = self.popen.poll()
        if code is None:
            return None
        return _SIGNAL_BASE - code if code < 0 else code

    def tree(self) -> list[psutil.Process]:
        """The process, its descendants, whatever is left of its session, and daemons it has started; parents
        before children, the oldest first."""
        return self.members(look(self.others))

    def members(self, table: Table) -> list[psutil.Process]:
        """`tree`, of the processes in a table."""
        ours = {entry.pid for entry in table.values() if entry.session == self.popen.pid}
        return with_descendants(table, ours | marked(table, self.mark))


def start(
    name: str,
    command: str,
    env: Mapping[str, str],
    cwd: Path,
    stdout: Path,
    stderr: Path,
    tracker: ProcessTracker | None = None,
    confinement: Confinement | None = None,
) -> JobProcess:
    """Run shell text with bash, inside `tracker`, held to `confinement`. Raises LaunchError when it cannot be
    started."""
    own = uuid.uuid4().hex
    marks = {MARK: own} | dict([tracker.mark] if tracker else [])
    try:
        prefix = _entering(tracker, confinement)
        others = tracker.before if tracker else everybody()
        with stdout.open("ab") as out, stderr.open("ab") as err:
            if confinement:
                # Or `echo lost > /dev/stderr`, which opens the file anew, would be refused.
                for stream in (out, err):
                    confinement.user.give(stream.fileno())

            def begin() -> "subprocess.Popen[bytes]":
                return subprocess.Popen(
                    [*prefix, "/bin/bash", "-c", command],
                    env=dict(env) | marks,
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )

            launcher = tracker.launcher if tracker else LAUNCHER
            popen = launcher.start(begin, confinement.space if confinement else None)
    except (OSError, ValueError) as error:
        raise LaunchError(f"could not start {name or 'the job'}: {error}") from error
    if tracker:
        tracker.entered(popen.pid)
    return JobProcess(name, popen, f"{MARK}={own}", others)


def _entering(tracker: ProcessTracker | None, confinement: Confinement | None) -> list[str]:
    """The words before a command that make it part of the job and not of the runner."""
    try:
        own = int(Path("/proc/self/oom_score_adj").read_text())
    except (OSError, ValueError):
        own = 0
    entrances, switch = (tracker.open(), tracker.switch_pid) if tracker else ((), "")
    score = str(min(1000, own + _OOM_SCORE))
    words = ["/bin/sh", "-c", _ENTER, "sh", score, "\n".join(entrances), switch, "no" if confinement else ""]
    if confinement:
        words += confinement.words(counted=tracker is not None and tracker.bounds.holds("pids"))
    # A runner that is killed must not leave its job behind, to run beside the next attempt. This holds for
    # the first process at once; the watchdog does the rest. A change of user undoes it: hence together.
    if setpriv := _program("setpriv", os.environ.get("PATH")):
        words += [setpriv, *(confinement.user.switching if confinement else ()), "--pdeathsig", "KILL", "--"]
    elif confinement and confinement.user.switching:
        raise LaunchError("setpriv is missing on this machine: nothing can be started as the jobs' user")
    return words


@functools.lru_cache(maxsize=8)
def _program(name: str, path: str | None) -> str | None:
    """Where a program lies; asked again and again for every job."""
    return shutil.which(name, path=path)


def stop(processes: Sequence[JobProcess], grace_seconds: float) -> None:
    """SIGTERM to every process of every tree, each first process with its group first, SIGKILL to what is
    left after the grace. Returns when all are gone (or can no longer be killed: a process in uninterruptible
    sleep)."""
    if not processes:
        return
    table = _look(processes)
    signals.send(_members(processes, table), signal.SIGTERM, table)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline and _members(processes, _look(processes)):
        time.sleep(0.05)
    kill_left(processes)


def kill_left(processes: Sequence[JobProcess]) -> int:
    """SIGKILL whatever the processes have left behind; how many were found."""
    found = 0
    ours = {p.popen.pid for p in processes}
    for _ in range(50 if processes else 0):
        table = _look(processes)
        left = _members(processes, table)
        if not left and not table.has_gaps:
            break
        found = max(found, len(left))
        signals.send(left, signal.SIGKILL, table)
        # Our own children are reaped by their Popen, below: whoever reaps gets the exit code.
        psutil.wait_procs([member for member in left if member.pid not in ours], timeout=0.1)
        reap(processes, 0.1)
    reap(processes)
    return found


@contextmanager
def ends_of(processes: Sequence[JobProcess]) -> Iterator[list[int]]:
    """Files that can be read once one of the processes that run has ended; fewer, or none, where the kernel
    has no such files (before 5.3)."""
    files: list[int] = []
    try:
        for process in processes:
            if process.popen.returncode is None:
                with suppress(OSError):
                    files.append(os.pidfd_open(process.popen.pid))
        yield files
    finally:
        for file in files:
            os.close(file)


def reap(processes: Sequence[JobProcess], seconds: float = 1.0) -> None:
    """Wait so long for each to be known to have ended; for those that are dead."""
    for process in processes:
        try:
            process.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            continue


def _look(processes: Sequence[JobProcess]) -> Table:
    return look(frozenset.intersection(*(process.others for process in processes)))


def _members(processes: Sequence[JobProcess], table: Table) -> list[psutil.Process]:
    return [member for process in processes for member in process.members(table)]
