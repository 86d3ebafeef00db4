"""A signal to many processes of a job: nobody sees another's end before its own signal is there."""

import os
import signal
from collections.abc import Sequence

import psutil

from runner.processes.process_table import Table


def send(processes: Sequence[psutil.Process], number: signal.Signals, table: Table) -> None:
    """`processes`: parents before children, found in `table`. Each gets the signal once; who is gone, or
    another user's that we may not signal, is passed over.

    A child that is asked before its parent may end before it, and the parent continues with its next command,
    or ends without having run its trap. So a process group that has no other members gets the signal as one,
    which the kernel does in one go, forks under way included; the others follow in their order. A group of a
    job's lies in a session that the job has begun, so nobody who was there before can be a member.
    """
    whole = _whole_groups({process.pid for process in processes}, table)
    done: set[int] = set()
    for process in processes:
        if process.pid in done:
            continue
        group = table[process.pid].group
        members = whole.get(group)
        done |= members or {process.pid}
        try:
            if members:
                os.killpg(group, number)
            else:
                process.send_signal(number)
        except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError, PermissionError):
            continue


def _whole_groups(wanted: set[int], table: Table) -> dict[int, set[int]]:
    """The groups of which all that live are wanted, and that can be named: for killpg, 0 is the caller's own
    and 1 is everybody."""
    groups: dict[int, set[int]] = {}
    for entry in table.values():
        if not entry.zombie and entry.group > 1:
            groups.setdefault(entry.group, set()).add(entry.pid)
    return {group: members for group, members in groups.items() if members <= wanted}
