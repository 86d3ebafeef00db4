"""Processes whose parent has ended become children of the runner, which reaps them in init's stead."""

import ctypes
import os
import uuid
from collections.abc import Iterable

from runner.isolation.kernel_objects import libc
from runner.processes.process_table import Table, bears
from runner.secrets.settings import RUNNER_MARK

_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37


def adopt_orphans() -> bool:
    """Make this process the new parent of its orphaned descendants, in init's stead; whether that worked.

    For a process that runs jobs one at a time: every child it has not started itself is taken for a job's.
    """
    os.environ[RUNNER_MARK] = uuid.uuid4().hex
    return bool(libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def own_mark() -> dict[str, str]:
    """The variable by which a child of this process is distinguished from an orphan of a job; none where it
    adopts none. For children that do not inherit this process's environment."""
    mark = os.environ.get(RUNNER_MARK)
    return {RUNNER_MARK: mark} if mark else {}


def adopts() -> bool:
    """Whether orphans become children of this process."""
    answer = ctypes.c_int(0)
    libc().prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return bool(answer.value)


def children(table: Table) -> set[int]:
    """Those of a table that are direct children of this process, adopted ones among them."""
    own = os.getpid()
    return {entry.pid for entry in table.values() if entry.parent == own}


def adopted(children: set[int]) -> set[int]:
    """Those of these children of this process that it has not started itself."""
    ours = f"{RUNNER_MARK}={os.environ.get(RUNNER_MARK, '-')}"
    return {pid for pid in children if not bears(pid, ours)}


def may_have_ended() -> bool:
    """Whether some child of this process waits to be reaped, whoever started it."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


def reap(pids: Iterable[int]) -> None:
    """Take those of these children that have ended out of the process table."""
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
