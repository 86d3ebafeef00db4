"""The runner's settings, storage and sealing keys among them, are in no process that a job can look into."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from local import environment, processes
from local.stack import APP
from runner.isolation.node_config import NodeConfig
from runner.processes.process_table import is_alive
from shared.jobs.model import State
from tests.support import closed_machine, runners
from tests.support.waiting import eventually
from tests.support.world import World, document

CANARY = "Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E="  # a sealing key
OTHER = "of-the-runner-and-of-nobody-else"  # what an operator may have in any variable
#: Of the job's user, deaf to SIGTERM and outside its session: what every kill must go after.
LASTING = "(setsid bash -c 'trap \"\" TERM; while :; do sleep 0.1; done' &); echo started; sleep 300"
#: As on a machine that has no cgroup v2: processes are then ended by their user.
WITHOUT_CGROUPS = 'mount --make-rprivate /; umount -l /sys/fs/cgroup/unified /sys/fs/cgroup; exec "$@"'


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In the place of pytest's, which other users cannot reach."""
    closed_machine.need("useradd", "setpriv", "unshare", "prlimit")
    with closed_machine.open_folder() as path:
        yield path


class Spy:
    """What could be read in processes of the jobs' users, and of the switches."""

    def __init__(self, folder: Path) -> None:
        self.seen: dict[str, bytes] = {}
        self._entries = folder / "entries"
        self._entries.mkdir(parents=True)
        #: Before PATH: no process can change its user unseen, however short it lives.
        self.programs = folder / "programs"
        self.programs.mkdir()
        program = self.programs / "setpriv"
        program.write_text(
            f'#!/bin/sh\ncat /proc/$$/environ > {self._entries}/$$\nexec /usr/bin/setpriv "$@"\n'
        )
        program.chmod(0o755)

    def look(self) -> None:
        for process in psutil.process_iter():
            try:
                line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
                if process.username().startswith("batchai-job-") or b"batchai-switch" in line:
                    environ = Path(f"/proc/{process.pid}/environ").read_bytes()
                    self.seen[f"{process.pid} {line!r}"] = line + b"\n" + environ
            except (psutil.Error, OSError):
                continue

    @contextmanager
    def looking(self) -> Iterator[None]:
        done = threading.Event()

        def look() -> None:
            while not done.wait(0.02):
                self.look()

        thread = threading.Thread(target=look, name="spy")
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def leaks(self) -> list[str]:
        entries = {f"setpriv {path.name}": path.read_bytes() for path in self._entries.iterdir()}
        return [
            where
            for where, data in (self.seen | entries).items()
            if CANARY.encode() in data or OTHER.encode() in data
        ]

    @property
    def entries(self) -> int:
        return len(list(self._entries.iterdir()))


@contextmanager
def a_runner(world: World, config: NodeConfig, spy: Spy) -> Iterator[processes.Child]:
    settings = {
        "BATCHAI_STORAGE": world.settings.storage,
        "BATCHAI_SEALING_KEYS": f"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=,{CANARY}",
        "BATCHAI_ACTIVE_POLL_SECONDS": "0.1",
        "BATCHAI_NODE_REPORT_SECONDS": "0.3",
        "BATCHAI_SCHEDULED_EVENTS_URL": "off",
        "BATCHAI_JOB_METADATA": "open",
        "BATCHAI_GRACE_SECONDS": "0.5",
        "BATCHAI_LEASE_SECONDS": "10",
        "SOMETHING_ELSE": OTHER,
    }
    command = runners.command(str(world.cluster), config.node_id, config.root)
    apart = ["unshare", "--mount", "/bin/sh", "-c", WITHOUT_CGROUPS, "sh"]
    env = environment.machine() | settings
    env["PATH"] = f"{spy.programs}{os.pathsep}{env['PATH']}"
    log = config.root.with_suffix(".log")
    child = processes.start(config.node_id, [*apart, *command, "--gpus", "none"], log, env, APP)
    try:
        yield child
    finally:
        child.stop(20)


def started(world: World, config: NodeConfig, name: str) -> None:
    logs = f"$AZ_BATCHAI_JOB_TEMP/{name}"
    world.accept(name, document(LASTING, stdOutErrPathPrefix=logs))
    folder = config.root / "jobs" / str(world.id(name))
    eventually(lambda: any("started" in path.read_text() for path in folder.rglob("stdout.txt")), 60)


def user_of(child: processes.Child) -> str:
    found = re.search(r"jobs run as (batchai-job-\d+) ", child.log.read_text())
    assert found
    return found[1]


def processes_of(user: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            found += [process] if process.username() == user and is_alive(process) else []
        except psutil.Error:
            continue
    return found


def test_a_job_finds_no_setting_of_the_runners_in_any_process_of_its_user(
    world: World, config: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    spy, made = Spy(tmp_path / "spy"), config()
    with spy.looking(), a_runner(world, made, spy) as child:
        started(world, made, "ends")
        world.manager.terminate(world.id("ends"))
        eventually(lambda: world.job("ends").state is State.FAILED, 30)
        started(world, made, "killed")
        assert "batchai-switch" in str(list(spy.seen)), "the switch is watched too"
        before = spy.entries
        assert processes_of(user_of(child))
        child.process.kill()
        child.process.wait(10)
        eventually(lambda: not processes_of(user_of(child)), 20)
        assert spy.entries > before, "the switch has ended them by their user"
    assert spy.leaks() == []
