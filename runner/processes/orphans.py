"""Processes whose parent has ended become children of the runner, which reaps them in init's stead."""

import ctypes
import os
import uuid
from collections.abc import Iterable

import psutil

from runner.processes.process_table import bears
from runner.secrets.settings import RUNNER_MARK

_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37


def adopt_orphans() -> bool:
    """Make this process the new parent of its orphaned descendants, in init's stead; whether that worked.

    For a process that runs jobs one at a time: every child it has not started itself is taken for a job's.
    """
    os.environ[RUNNER_MARK] = uuid.uuid4().hex
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def own_mark() -> dict[str, str]:
    """The variable by which a child of this process is told from an orphan of a job; none where it adopts
    none. For children that do not inherit this process's environment."""
    mark = os.environ.get(RUNNER_MARK)
    return {RUNNER_MARK: mark} if mark else {}


def adopts() -> bool:
    """Whether orphans become children of this process."""
    answer = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return bool(answer.value)


def children() -> set[int]:
    """The direct children of this process, adopted ones among them."""
    return {child.pid for child in psutil.Process().children()}


def adopted(children: set[int]) -> set[int]:
    """Those of these children of this process that it has not started itself."""
    ours = f"{RUNNER_MARK}={os.environ.get(RUNNER_MARK, '-')}"
    return {pid for pid in children if not bears(pid, ours)}


def reap(pids: Iterable[int]) -> None:
    """Take those of these children that have ended out of the process table."""
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
