"""Questions to the machine's process table (/proc). Nothing here changes a process."""

from collections.abc import Callable
from pathlib import Path

import psutil


def marked(mark: str) -> list[int]:
    """Every process that bears "NAME=value"."""
    return [pid for pid in psutil.pids() if bears(pid, mark)]


def of_user(uid: int) -> list[int]:
    """Every process whose real user is `uid`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.uids().real == uid:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def bears(pid: int, mark: str) -> bool:
    """Whether "NAME=value" stands in the environment a process was started with."""
    try:
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False  # gone, or another user's


def with_descendants(pids: set[int]) -> list[psutil.Process]:
    """The processes of these ids that there are, and everything they have started, the oldest first: parents
    before children. Reads the table of processes once: there may be thousands that somebody wants to be rid
    of."""
    children: dict[int, list[int]] = {}
    there: dict[int, tuple[float, psutil.Process]] = {}
    for process in psutil.process_iter():
        try:
            children.setdefault(process.ppid(), []).append(process.pid)
            there[process.pid] = (process.create_time(), process)
        except psutil.Error:
            continue
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid in there and pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    # Of the same hundredth of a second, the lower id is the older one.
    return [there[pid][1] for pid in sorted(found, key=lambda pid: (there[pid][0], pid))]


def is_alive(process: psutil.Process) -> bool:
    """Whether it is more than an entry that waits to be reaped."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def describe(left: list[psutil.Process]) -> str:
    """What people are told of processes that cannot be killed."""
    return ", ".join(_describe(process) for process in left[:5])


def _describe(process: psutil.Process) -> str:
    def ask(question: Callable[[], str]) -> str:
        try:
            return question()
        except psutil.Error:
            return "?"

    return f"process {process.pid} ({ask(process.name)}, {ask(process.status)})"
