"""A signal to many processes of a job: nobody sees another's end before its own signal is there."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

import psutil


def send(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    """`processes`: parents before children. Each gets the signal once; who is gone, or another user's that
    we may not signal, is passed over.

    A child that is asked before its parent may end before it, and the parent goes on with its next command,
    or ends without having run its trap. So a process group that has no other members gets the signal as one,
    which the kernel does in one go, forks under way included; the others follow in their order.
    """
    wanted = {process.pid for process in processes}
    groups = {pid: group for group in _groups() if group.members <= wanted for pid in group.members}
    done: set[int] = set()
    for process in processes:
        if process.pid in done:
            continue
        group = groups.get(process.pid)
        done |= group.members if group else {process.pid}
        try:
            if group:
                os.killpg(group.id, number)
            else:
                process.send_signal(number)
        except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError, PermissionError):
            continue


@dataclass(frozen=True)
class _Group:
    id: int
    members: set[int]


def _groups() -> list[_Group]:
    """The process groups that can be named: for killpg, 0 is the caller's own and 1 is everybody."""
    found: dict[int, set[int]] = {}
    for pid in psutil.pids():
        try:
            found.setdefault(os.getpgid(pid), set()).add(pid)
        except (ProcessLookupError, PermissionError):
            continue
    return [_Group(id, members) for id, members in found.items() if id > 1]
