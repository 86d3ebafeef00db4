"""What holds everything that one attempt of a job starts, so that nothing of it survives the attempt.

A process can leave its parent, its session and its process group, and it can clear its environment. So a
tracker knows its members by five signs: their user (where that is the job's alone), the cgroup (where the
machine has one for us), a mark in the environment, descent from one that is known, and adoption: orphans
become children of this process (orphans.py), and whatever child appears after the first start is theirs,
unless it bears the mark of our own environment, which jobs do not inherit (our writers of logs do). Who was
there before the first start is none of them, and is not looked at.
"""

import logging
import os
import shlex
import signal
import threading
import time
import uuid
from collections.abc import Iterable

import psutil

from runner.isolation import cgroup_limits, ipc
from runner.isolation.cgroup_limits import Bounds
from runner.isolation.isolation import NOT_ISOLATED, Isolation
from runner.machine import cgroups
from runner.machine.commands import run
from runner.processes import orphans, signals
from runner.processes.launcher import Launcher
from runner.processes.process_guard import ProcessGuard
from runner.processes.process_table import Identity, Table, everybody, look, marked, of_user, with_descendants
from runner.processes.watchdog import Switch
from runner.secrets.settings import for_others

log = logging.getLogger(__name__)

_VARIABLE = "BATCHAI_ATTEMPT_MARK"
#: How often is looked again for what a kill has missed (a fork under way), and the pause between.
_ROUNDS, _PAUSE_SECONDS = 60, 0.05
_END_ALL_SECONDS = 10.0


class ProcessTracker:
    """Made for one attempt, before its volumes; `close` when these are gone too."""

    def __init__(self, isolation: Isolation = NOT_ISOLATED, guard: ProcessGuard | None = None) -> None:
        """`guard`: the runner's; without one it has its own."""
        self._isolation = isolation
        self._guard = guard or ProcessGuard(isolation)
        self._guard_is_own = guard is None
        self._id = uuid.uuid4().hex
        self.mark = (_VARIABLE, self._id)
        self.cgroup: cgroups.Cgroup | None = None
        self.bounds = Bounds()
        self._open = False
        self._until: float | None = None  #: monotonic
        self._switch: Switch | None = None
        self._at_first = everybody() if orphans.adopts() else frozenset()
        self._before: frozenset[Identity] = frozenset()
        self._started: set[int] = set()
        self._lock = threading.Lock()
        self._space: int | None = None  #: an open IPC namespace

    @property
    def space(self) -> str:
        """Path of the IPC namespace that every process of the attempt on this node shares, and no other; ""
        where they have this process's. It is removed when the tracker is closed, or this process ends.

        Raises OSError.
        """
        if not self._isolation.private_ipc:
            return ""
        with self._lock:
            if self._space is None:
                self._space = ipc.make_space()
            return f"/proc/{os.getpid()}/fd/{self._space}"

    def arm(self, seconds: float) -> None:
        """Whatever is inside dies in `seconds` unless this is said again before, or `close`. Never said: it
        dies with this process only."""
        with self._lock:
            self._until = time.monotonic() + seconds
            if self._switch:
                self._switch.arm(seconds)

    def open(self) -> tuple[str, ...]:
        """Before a process is started: the files through which it enters its cgroups."""
        with self._lock:
            if not self._open:
                self._open = True
                self._before = self._guard.bystanders.now()
                if self._isolation.user.exclusive and orphans.adopts():
                    # Young ones are no bystanders then; daemons of the job's volumes may be among them.
                    self._started |= orphans.children(look(self._before))
                self.cgroup = cgroups.make(self._id)
                self.bounds = cgroup_limits.set_up(self._id, self._isolation.limits, self.cgroup)
                group = str(self.cgroup.path) if self.cgroup else ""
                if self._until is not None:
                    self._switch = self._guard.watchdog.guard(
                        "=".join(self.mark),
                        group,
                        max(0.001, self._until - time.monotonic()),
                        folders=self.bounds.folders,
                        end_all=shlex.join(self._isolation.user.end_all),
                    )
        return (*((self.cgroup.entrance,) if self.cgroup else ()), *self.bounds.entrances)

    def entered(self, pid: int) -> None:
        """A direct child of ours works inside; whoever started it reaps it."""
        self._started.add(pid)

    @property
    def late(self) -> bool:
        """Whether the time is up at this moment; it may be armed again."""
        return self._until is not None and time.monotonic() >= self._until

    @property
    def fired(self) -> bool:
        """Whether the time is or was up: everything inside was killed, and nothing may be started."""
        # By our own clock too: processes may be seen dead before the switch has finished killing.
        return self.late or (self._switch is not None and self._switch.fired)

    @property
    def switch_pid(self) -> str:
        """Of the switch, or "" where there is none: who finds it gone must not begin."""
        return str(self._switch.pid) if self._switch else ""

    @property
    def launcher(self) -> Launcher:
        """The thread that starts the attempt's processes."""
        return self._guard.launcher

    @property
    def before(self) -> frozenset[Identity]:
        """Who was there before the first process of the attempt, and is none of its own."""
        return self._before

    def members(self) -> list[psutil.Process]:
        """Every living process of the attempt, parents before children."""
        return self._members(look(self._before)) if self._open else []

    def kill(self) -> tuple[int, list[psutil.Process]]:
        """SIGKILL until nothing is left; how many were found at once, and what cannot be killed (a process in
        uninterruptible sleep). Where nothing is left it is one look."""
        most, left = 0, []
        for _ in range(_ROUNDS if self._open else 0):
            table = look(self._before)
            left = self._members(table)
            most = max(most, len(left))
            ended = self._reap(left, table)
            if left:
                self._kill_once(left, table)
                time.sleep(_PAUSE_SECONDS)
            elif not table.has_gaps and not ended:
                break
        return most, left

    def _kill_once(self, left: list[psutil.Process], table: Table) -> None:
        if self.cgroup:
            self.cgroup.kill()
        if command := self._isolation.user.end_all:
            run(command, timeout_seconds=_END_ALL_SECONDS, environment=for_others())
        signals.send(left, signal.SIGKILL, table)
        self._reap(left, table)

    def _members(self, table: Table) -> list[psutil.Process]:
        user = self._isolation.user
        grouped = self.cgroup.pids() if self.cgroup else ()
        if not table.keys() >= set(grouped):
            table.has_gaps = True
        signs = {
            *grouped,
            *(of_user(table, user.uid) if user.exclusive else ()),
            *marked(table, "=".join(self.mark)),
            *self._adopted(table),
        }
        return with_descendants(table, signs)

    def _reap(self, left: Iterable[psutil.Process], table: Table) -> set[int]:
        """Take adopted zombies out of the process table; which there were. Children of others are not ours
        to wait for, and those that were started here are waited for by who started them: their exit code must
        not be lost."""
        adopted = self._adopted(table)
        orphans.reap(({process.pid for process in left} | adopted) - self._started - self._switch_pids)
        return {pid for pid in adopted if table[pid].zombie}

    def close(self) -> None:
        """The attempt is over, its volumes too: let the switch go, remove the cgroup."""
        with self._lock:
            if self._switch:
                self._switch.release()
                self._switch = None
            if self.cgroup:
                self.cgroup.remove()
            self.bounds.remove()
            if self._space is not None:
                os.close(self._space)
                self._space = None
        if self._guard_is_own:
            self._guard.close()
        if orphans.adopts() and orphans.may_have_ended():
            # Daemons of volumes were orphans as well; now that they have ended somebody must say so.
            orphans.reap(orphans.children(look(self._at_first)) - self._switch_pids)

    @property
    def _switch_pids(self) -> set[int]:
        """Of the guard's process, which waits for it itself."""
        return self._guard.watchdog.pids

    def _adopted(self, table: Table) -> set[int]:
        if not self._open or not orphans.adopts():
            return set()
        return orphans.adopted(orphans.children(table) - self._started - self._switch_pids)


def close(tracker: ProcessTracker) -> None:
    """Close it and raise nothing: the job's result, which may be worth hours, does not depend on this."""
    try:
        tracker.close()
    except Exception:
        log.exception("process tracker not closed", extra={"action": "close_tracker"})
