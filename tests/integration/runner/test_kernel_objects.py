"""System V memory, queues and semaphores, POSIX queues, keys, temp folders: one job's are no other's."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.isolation import kernel_objects
from runner.isolation.node_config import NodeConfig
from runner.isolation.setup import isolated
from tests.integration.runner.conftest import Shares
from tests.support import closed_machine
from tests.support.closed_node import Closed
from tests.support.world import World

#: `make` leaves one of each kind, `count` prints how many of each there are. Keys by the runner's own
#: numbers.
SCRIPT = """
import ctypes, os, sys
sys.path.insert(0, {project!r})
from runner.isolation import kernel_objects as kernel
libc = ctypes.CDLL(None, use_errno=True)
add = {{250: 248, 219: 217}}[kernel._KEYCTL]
rings = {{"user": -4, "user session": -5, "session": -3, "persistent": kernel._persistent_ring()}}
if sys.argv[1] == "make":
    assert min(libc.shmget(0, 4096, 0o1600), libc.msgget(0, 0o1600), libc.semget(0, 1, 0o1600)) >= 0
    assert libc.mq_open(b"/left", os.O_CREAT | os.O_RDWR, 0o600, None) >= 0, ctypes.get_errno()
    for name, ring in rings.items():
        if ring:
            key = libc.syscall(add, b"user", b"left", b"secret", 6, ctypes.c_int(ring))
            assert key > 0, (name, ctypes.get_errno())
for kind in ("shm", "msg", "sem"):
    print(kind, len(open("/proc/sysvipc/" + kind).readlines()) - 1)
print("queue", int(libc.mq_open(b"/left", os.O_RDONLY) >= 0))
for name, ring in rings.items():
    print(name, kernel._keyctl(11, ring, 0, 0) // 4 if ring else 0)  # KEYCTL_READ: bytes of the list
"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In the place of pytest's, which other users cannot reach."""
    closed_machine.need("useradd", "setpriv", "unshare", "prlimit")
    with closed_machine.open_folder() as path:
        yield path


@pytest.fixture
def script(tmp_path: Path) -> str:
    project = tmp_path / "project/runner/isolation"
    project.mkdir(parents=True)
    (project / "kernel_objects.py").write_text(Path(kernel_objects.__file__).read_text())
    path = tmp_path / "objects.py"
    path.write_text(SCRIPT.format(project=str(tmp_path / "project")))
    return f"/usr/bin/python3 {path}"


@pytest.fixture
def node(world: World, shares: Shares, config: Callable[..., NodeConfig]) -> Iterator[Closed]:
    with isolated(config(job_user="")) as closed:
        assert closed.isolation.private_ipc
        yield Closed(world, shares, closed)


@pytest.fixture
def queues() -> Iterator[Path]:
    """Where the machine's POSIX queues are seen."""
    place = Path("/dev/mqueue")
    if place.is_dir():
        yield place
        return
    place.mkdir()
    subprocess.run(["mount", "-t", "mqueue", "mqueue", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)
    place.rmdir()


def counts(reported: str) -> dict[str, int]:
    return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in reported.splitlines()}


def on_the_machine(uid: int) -> int:
    """System V objects of a user outside any job."""
    return sum(len(list(kernel_objects.of_user(kind, uid))) for kind in ("shm", "msg", "sem"))


def test_what_a_job_leaves_in_the_kernel_no_other_job_finds(node: Closed, script: str) -> None:
    made = counts(node.output(f"{script} make"))
    found = counts(node.output(f"{script} count"))
    assert min(made[kind] for kind in ("shm", "msg", "sem", "queue", "user", "session")) == 1
    assert not [kind for kind, number in found.items() if number], found
    assert on_the_machine(node.config.isolation.user.uid) == 0


def test_all_processes_of_an_attempt_share_them(node: Closed, script: str) -> None:
    message = node.output(f"{script} count", jobPreparation={"commandLine": f"{script} make"})
    found = counts(message)
    assert [found[kind] for kind in ("shm", "msg", "sem", "queue", "user")] == [1] * 5


def test_where_there_is_no_namespace_what_the_user_has_is_removed(
    node: Closed, script: str, queues: Path
) -> None:
    shared = replace(node.config, isolation=replace(node.config.isolation, private_ipc=False))
    uid = shared.isolation.user.uid
    seen = f"{script} make > /dev/null; {script} count"
    node.run(seen, shared)
    assert counts(node.said())["shm"] >= 1
    assert on_the_machine(uid) == 0
    node.run(f"{script} count", shared)
    found = counts(node.said())
    assert [found[kind] for kind in ("queue", "user", "session", "persistent")] == [0] * 4
    assert not [path for path in queues.iterdir() if path.lstat().st_uid == uid]


def test_a_ring_that_its_owner_has_closed_is_removed_too(node: Closed, script: str) -> None:
    """Who may still look into it could read it; who may not even that finds nothing."""
    close = (
        "import sys; sys.path.insert(0, '.'); from kernel_objects import _keyctl; _keyctl(5, -4, 0x1b0b0000)"
    )
    folder = Path(script.split()[1]).parent / "project/runner/isolation"
    node.output(f'{script} make > /dev/null && cd {folder} && /usr/bin/python3 -c "{close}"')
    assert counts(node.output(f"{script} count"))["user"] == 0


def test_a_job_does_not_have_the_runners_session_keyring(node: Closed, script: str) -> None:
    own = kernel_objects._keyctl(0, -3, 1)  # KEYCTL_GET_KEYRING_ID
    folder = Path(script.split()[1]).parent / "project/runner/isolation"
    ask = "import sys; sys.path.insert(0, '.'); from kernel_objects import _keyctl; print(_keyctl(0, -3, 0))"
    assert int(node.output(f'cd {folder} && /usr/bin/python3 -c "{ask}"')) != own


def test_the_machines_temp_folders_are_swept_where_jobs_share_them(node: Closed) -> None:
    shared = replace(node.config, isolation=replace(node.config.isolation, private_temp=False))
    name = f"left-{os.getpid()}"
    node.run(
        f"mkdir /tmp/{name} && touch /tmp/{name}/file && ln -s /etc /var/tmp/{name}"
        f" && touch /dev/shm/{name} && echo ok",
        shared,
    )
    assert node.said() == "ok\n"
    assert not [place for place in ("/tmp", "/var/tmp", "/dev/shm") if os.path.lexists(f"{place}/{name}")]
