"""Questions to the machine's process table (/proc). Nothing here changes a process.

A machine may have thousands of processes that are none of a job's. They are distinguished from a job's by
when they came: `everybody` names the processes that there are without opening any of them, and `look` reads
only those that have come since. An identity is (process id, inode of its folder in /proc): the kernel makes a
new inode when an id is given again, so a later process is never taken for the earlier one (held by
test_process_table).
"""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

Identity = tuple[int, int]
#: Fields of /proc/PID/stat after the name, which may hold anything (proc(5)).
_STATE, _PARENT, _GROUP, _SESSION, _STARTED = 0, 1, 2, 3, 19


@dataclass(frozen=True)
class Entry:
    """One process as it was seen."""

    pid: int
    parent: int
    group: int
    session: int
    started: int  #: clock ticks since the machine's start
    zombie: bool  #: it has ended and waits to be reaped


class Table(dict[int, Entry]):
    """Processes by their ids, as one look has found them."""

    #: Whether one that was listed had gone before it was read: what it may have started just before, nobody
    #: has seen. A table of which nothing is left proves nothing then.
    has_gaps = False


def everybody() -> frozenset[Identity]:
    """Who is there now: one reading of the folder /proc."""
    return frozenset(_listed())


def look(others: frozenset[Identity] = frozenset()) -> Table:
    """The processes that there are, `others` left out, which cost nothing beyond the list."""
    table = Table()
    for pid, inode in _listed():
        if (pid, inode) in others:
            continue
        if entry := _entry(pid):
            table[pid] = entry
        else:
            table.has_gaps = True
    return table


def _listed() -> Iterable[Identity]:
    with os.scandir("/proc") as entries:
        return [(int(entry.name), entry.inode()) for entry in entries if entry.name.isdigit()]


def _entry(pid: int) -> Entry | None:
    try:
        text = read(pid, "stat")
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    parent, group, session, started = (int(fields[at]) for at in (_PARENT, _GROUP, _SESSION, _STARTED))
    return Entry(pid, parent, group, session, started, zombie=fields[_STATE] in (b"Z", b"X"))


def read(pid: int, name: str) -> bytes:
    """A file of /proc/PID. Raises OSError where the process has gone, or is another user's."""
    file = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(file, 65536):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(file)


def marked(table: Table, mark: str) -> set[int]:
    """Those of a table that bear "NAME=value"."""
    return {pid for pid in table if bears(pid, mark)}


def of_user(table: Table, uid: int) -> set[int]:
    """Those of a table whose real user is `uid`."""
    return {pid for pid in table if user_of(pid) == uid}


def user_of(pid: int) -> int | None:
    """Its real user; None where it has gone. The owner of its folder would not do: who makes itself
    undumpable has root's there."""
    try:
        lines = read(pid, "status").split(b"\n")
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(b"Uid:")), None)


def seconds_since_start(pid: int) -> float | None:
    """How long ago it was started; None where it has gone."""
    entry = _entry(pid)
    if entry is None:
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME) - entry.started / os.sysconf("SC_CLK_TCK")


def bears(pid: int, mark: str) -> bool:
    """Whether "NAME=value" stands in the environment a process was started with."""
    try:
        return mark.encode() in read(pid, "environ")
    except OSError:
        return False  # gone, or another user's


def with_descendants(table: Table, pids: Iterable[int]) -> list[psutil.Process]:
    """The living processes of these ids in a table, and everything they have started, the oldest first:
    parents before children."""
    children: dict[int, list[int]] = {}
    for entry in table.values():
        children.setdefault(entry.parent, []).append(entry.pid)
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid in table and pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    # Of the same hundredth of a second, the lower id is the older one.
    oldest = sorted((table[pid] for pid in found), key=lambda entry: (entry.started, entry.pid))
    return [process for entry in oldest if not entry.zombie and (process := _process(entry))]


def _process(entry: Entry) -> psutil.Process | None:
    """The process of an entry, which psutil distinguishes from a later one of the same id; None where it has
    gone."""
    try:
        process = psutil.Process(entry.pid)
    except psutil.NoSuchProcess:
        return None
    now = _entry(entry.pid)
    return process if now and now.started == entry.started else None


def is_alive(process: psutil.Process) -> bool:
    """Whether it is more than an entry that waits to be reaped."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def describe(left: list[psutil.Process]) -> str:
    """What people read of processes that cannot be killed."""
    return ", ".join(_describe(process) for process in left[:5])


def _describe(process: psutil.Process) -> str:
    def ask(question: Callable[[], str]) -> str:
        try:
            return question()
        except psutil.Error:
            return "?"

    return f"process {process.pid} ({ask(process.name)}, {ask(process.status)})"
