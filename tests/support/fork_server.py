"""Becomes a program whenever forks.py asks it to: `python -m tests.support.fork_server FD MODULE:FUNCTION`.

It has imported the program, and what else is named behind it, and forks. Each fork is a process of its own,
with a session, network, environment, folder and output of its own, and calls the function as the program's
start does.

A request is one message over the socket FD: {"words", "env", "cwd"} as JSON, "words" as sys.argv has them,
and four descriptors: stdout, stderr, the network namespace (setns(2)), and a socket. To that socket come a
line with the fork's process id when it is a process of its own, and one with its exit code, negative for a
signal.
"""

import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import coverage

_MOST_BYTES = 1 << 20
_MOST_DESCRIPTORS = 1 << 16
_CLONE_NEWNET = 0x40000000  # sched.h
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Asked:
    """A request, and the descriptors that came with it."""

    words: list[str]
    env: dict[str, str]
    cwd: str
    stdout: int
    stderr: int
    network: int
    answers: socket.socket


def serve(requests: socket.socket) -> Asked | None:
    """In each fork the request that it was made for; None where nobody asks any more."""
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data:
                    selector.unregister(key.fd)
                    _report_end(key.fd, *key.data)
                    continue
                asked = _received(requests)
                if asked is None:
                    return None
                pid = os.fork()
                if not pid:
                    return asked
                for descriptor in (asked.stdout, asked.stderr, asked.network):
                    os.close(descriptor)
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, asked.answers))


def _report_end(fd: int, pid: int, answers: socket.socket) -> None:
    os.close(fd)
    _, status = os.waitpid(pid, 0)
    with answers:
        try:
            answers.sendall(b"ended %d\n" % os.waitstatus_to_exitcode(status))
        except OSError:
            pass  # whoever asked has forgotten it


def _received(requests: socket.socket) -> Asked | None:
    data, descriptors, _, _ = socket.recv_fds(requests, _MOST_BYTES, 4)
    if not data:
        return None
    found: dict[str, Any] = json.loads(data)
    stdout, stderr, network, answers = descriptors
    return Asked(
        **found, stdout=stdout, stderr=stderr, network=network, answers=socket.socket(fileno=answers)
    )


def become(asked: Asked) -> None:
    """Of a fork: what a process has that was started by itself."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.setsid()
    if os.geteuid() == 0 and libc.setns(asked.network, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, asked.stdout), (2, asked.stderr)):
        os.dup2(source, target)
    asked.answers.sendall(b"began %d\n" % os.getpid())
    asked.answers.detach()
    os.closerange(3, _MOST_DESCRIPTORS)
    os.environ.clear()
    os.environ.update(asked.env)
    os.chdir(asked.cwd)
    sys.argv = asked.words
    coverage.process_startup()  # where the environment asks for it


def main(descriptor: str, program: str, *modules: str) -> object:
    """The exit code, or what a program returns that is one."""
    place, _, name = program.partition(":")
    function: Callable[[], object] = getattr(importlib.import_module(place), name)
    for module in modules:
        importlib.import_module(module)
    requests = socket.socket(fileno=int(descriptor))
    gc.collect()
    gc.freeze()
    asked = serve(requests)
    if asked is None:
        return 0
    requests.detach()
    become(asked)
    return function()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))  # type: ignore[arg-type]  # as the scripts of packages do
