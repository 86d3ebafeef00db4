"""Networks of a test's own: namespaces joined by cables, and a thread that works inside one."""

import ctypes
import os
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_CLONE_NEWNET = 0x40000000


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def namespace() -> Iterator[str]:
    """A network namespace whose loopback works; its name."""
    name = f"batchai-{uuid.uuid4().hex[:8]}"
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "del", name)


def cable(one: str, one_address: str, other: str, other_address: str) -> None:
    """Join two namespaces; the addresses, "10.0.0.1/24", lie in one network."""
    ends = [f"v{uuid.uuid4().hex[:8]}" for _ in range(2)]
    ip("link", "add", ends[0], "netns", one, "type", "veth", "peer", "name", ends[1], "netns", other)
    for space, end, address in ((one, ends[0], one_address), (other, ends[1], other_address)):
        ip("-n", space, "address", "add", address, "dev", end)
        ip("-n", space, "link", "set", end, "up")


def inside(name: str, work: Callable[[], T]) -> T:
    """What `work` returns when it is done in the namespace, by a thread of its own; its children are there
    too."""
    results: list[T] = []
    raised: list[BaseException] = []

    def enter_and_work() -> None:
        try:
            file = os.open(Path("/run/netns") / name, os.O_RDONLY)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(file, _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            finally:
                os.close(file)
            results.append(work())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=enter_and_work)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return results[0]
