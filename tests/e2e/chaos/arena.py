"""An installation to break: Azurite on disk and a share for the logs, a faulty wire before each service,
runners as real processes.

What stands for the function app (submission, terminate, the sweeper) works here in this process, on a direct
line to Azurite unless a test asks for another.
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from local import azurite, environment
from local.azurite import Endpoints
from local.files.server import FilesServer
from local.processes import Child
from shared.backend import provision
from shared.environment.layout import path_segment
from shared.errors import BatchAIError
from shared.jobs.model import Job, State
from shared.settings import EventSettings, Settings
from shared.stores.volumes.file_shares import ShareAddress, create_share
from tests.e2e.chaos import ledger, printed
from tests.e2e.chaos.place import Place, place
from tests.support import forks
from tests.support.waiting import eventually
from tests.support.wire import Wire, WiredStorage
from tests.support.world import World, document, settings_for

LEASE_SECONDS = 3.0
MOST_ATTEMPTS = 50
#: Short times everywhere, in the proportions of the default settings.
TIMES = {
    "BATCHAI_RENEW_SECONDS": "0.75",
    "BATCHAI_RETRY_SECONDS": "0.3",
    "BATCHAI_GRACE_SECONDS": "0.5",
    "BATCHAI_DRAIN_SECONDS": "0.5",
    "BATCHAI_ACTIVE_POLL_SECONDS": "0.3",
    "BATCHAI_IDLE_POLL_SECONDS": "0.3",
    "BATCHAI_NODE_REPORT_SECONDS": "0.5",
    "BATCHAI_MAX_ATTEMPTS": str(MOST_ATTEMPTS),
}
_SWEEP_SECONDS = 0.5
#: Between two looks of a test at a condition: a look asks storage, which runners ask meanwhile.
_LOOK_SECONDS = 0.1
_SHARE = "logs"


class Arena:
    """Context manager. Runners are called 0, 1, ...; jobs by any name."""

    def __init__(
        self,
        folder: Path,
        runners: int = 2,
        max_attempts: int = MOST_ATTEMPTS,
        lease_seconds: float = LEASE_SECONDS,
        own_wires: bool = False,
        shares_network: bool = False,
        events: EventSettings = EventSettings(),  # noqa: B008
        at: Place | None = None,
        keep_days: float = 0.0,
        keep_output_days: float = 0.0,
    ) -> None:
        """`lease_seconds`: longer where nothing is to be lost: a busy machine stalls a runner for seconds.
        `own_wires`: each runner has some before those that all share, so that its network can fail alone.
        `shares_network`: where others of this machine take part; else nobody can take its nodes' ports.
        `at`: a place that others have used before; without it the arena makes one, whose storage can be
        restarted. `keep_days`, `keep_output_days`: retention, with a turn in each sweep."""
        self.folder = folder
        self.ledger = folder / "ledger"
        self.names: list[str] = []
        self._printing: set[str] = set()  #: jobs of which it is known what they print
        self._count = runners
        self._max_attempts = max_attempts
        self._lease_seconds = lease_seconds
        self._children: dict[int, Child] = {}
        self._own_wires = own_wires
        self._keep_days, self._keep_output_days = keep_days, keep_output_days
        self._shares_network = shares_network
        self._events = events
        self._at = at
        self.wires_of: dict[int, WiredStorage] = {}
        self._leave = ExitStack()
        self._ended = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep, name="sweeps")
        self.clock_error_seconds = 3600.0  #: how far off the clock of what submits may be
        self.sweep_faults = 0
        self.messages_left: list[str] = []

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._leave.close()
            raise
        return self

    def _begin(self) -> None:
        self._place = self._at or self._leave.enter_context(place(self.folder, True, self._shares_network))
        self.endpoints = self._place.endpoints
        self.wires = self._leave.enter_context(WiredStorage(self.endpoints))
        self._begin_shares()
        settings = self._settings(self.endpoints.connection_string)
        provision(settings)
        self.world = World(settings)
        self._leave.callback(self.world.backend.close)
        self.world.create_cluster()
        self._leave.callback(self.world.forget_cluster)
        self._leave.callback(self._sweeper.join)
        self._leave.callback(self._ended.set)
        self._sweeper.start()
        for number in range(self._count):
            self.start(number)

    def _begin_shares(self) -> None:
        self.files = FilesServer(self.folder / "shares").start()
        self._leave.callback(lambda: self.files.stop())
        create_share(ShareAddress(self.files.account, _SHARE, self.files.key, self.files.url))
        self.files_wire = self._leave.enter_context(Wire(_port(self.files.url)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave.close()

    def _settings(self, connection: str) -> Settings:
        return settings_for(
            connection,
            lease_seconds=self._lease_seconds,
            renew_seconds=0.75,
            gang_silence_seconds=self._lease_seconds / 2,
            retry_seconds=0.3,
            resend_seconds=3,
            max_attempts=self._max_attempts,
            events=self._events,
            keep_days=self._keep_days,
            keep_output_days=self._keep_output_days,
        )

    # ---- runners

    def start(self, number: int, more: Mapping[str, str] = MappingProxyType({}), clock: str = "") -> Child:
        """Start runner `number`; `clock`: how far off its clock is, in faketime's words ("+10m")."""
        env = environment.machine() | environment.AS_ITSELF | TIMES
        env["BATCHAI_LEASE_SECONDS"] = f"{self._lease_seconds:g}"
        env["BATCHAI_GANG_SILENCE_SECONDS"] = f"{self._lease_seconds / 2:g}"
        env |= dict(more)
        env.setdefault("BATCHAI_STORAGE", self._line_of(number).connection_string)
        env["BATCHAI_SEALING_KEYS"] = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
        env["BATCHAI_PREMOUNTED"] = json.dumps({f"{self.files.account}/*": str(self.folder / "shares")})
        words = ["--cluster", str(self.world.cluster), "--gpus", "none"]
        words += ["--node-id", f"node-{number}", "--root", str(self.folder / f"root-{number}")]
        words += ["--address", f"127.0.0.{number + 1}"]
        if clock:
            # Waiting is measured by the monotonic clock, which is right on a machine whose wall clock is
            # wrong. The command faketime is not used, for it stays between us and the runner.
            env |= {"LD_PRELOAD": faketime(), "FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
            # Under that library time.sleep fails, which waiting for an answer of docker's uses.
            env["BATCHAI_DOCKER"] = "none"
        child = forks.start_runner(f"runner {number}", words, self.folder / f"runner-{number}.log", env)
        self._leave.callback(_end, child)
        self._children[number] = child
        return child

    def wires_of_its_own(self) -> WiredStorage:
        """Further wires to the same storage, for a runner whose network is to fail alone: its setting
        BATCHAI_STORAGE is their connection string."""
        return self._leave.enter_context(WiredStorage(self.endpoints))

    def _line_of(self, number: int) -> WiredStorage:
        if not self._own_wires:
            return self.wires
        if number not in self.wires_of:
            shared = Endpoints(self.wires.blob.port, self.wires.queue.port, self.wires.table.port)
            self.wires_of[number] = self._leave.enter_context(WiredStorage(shared))
        return self.wires_of[number]

    def runner(self, number: int) -> Child:
        return self._children[number]

    def signal(self, number: int, what: signal.Signals) -> None:
        """Send a signal to a runner, and to nothing of its job."""
        self._children[number].process.send_signal(what)

    def restart(self, number: int) -> None:
        """Start a runner again that has ended, or is about to."""
        self._children[number].process.wait(20)
        self.start(number)

    def mend(self) -> None:
        """After a fault that was not carried out to its end: nothing is broken, every runner runs."""
        for wires in (self.wires, *self.wires_of.values()):
            for wire in (wires.table, wires.queue, wires.blob):
                wire.refusing = False
                wire.refusals.clear()
                wire.dead.clear()
        for number, child in list(self._children.items()):
            child.process.kill()
            child.process.wait(20)
            self.start(number)

    @property
    def storage(self) -> Child:
        return self._place.storage

    def restart_storage(self, away_seconds: float) -> None:
        """Azurite ends and comes back with what it had written."""
        assert self._at is None, "that of several arenas keeps everything in memory"
        self.storage.stop(5)
        deadline = time.monotonic() + away_seconds
        while time.monotonic() < deadline:
            time.sleep(0.05)
        self._place.storage, _ = azurite.start(
            self.folder / "azurite.log", self.folder / "azurite", self.endpoints
        )

    def restart_shares(self, away_seconds: float) -> None:
        """The Files emulator ends and comes back at the same port."""
        port = _port(self.files.url)
        self.files.stop()
        deadline = time.monotonic() + away_seconds
        while time.monotonic() < deadline:
            time.sleep(0.05)
        self.files = FilesServer(self.folder / "shares", port=port).start()

    # ---- jobs

    def submit(self, name: str, seconds: float = 0.2, text: str = "", **properties: Any) -> None:
        """Drop a job that writes to the ledger when it begins and ends and prints to a log on the share; with
        a `text` of its own only that. Written once more where storage was away."""
        if not text:
            text, properties = ledger.command(self.ledger, name, seconds), self._on_the_share() | properties
            self._printing.add(name)
        data = document(text, **properties)
        if name not in self.names:
            self.names.append(name)

        def accepted() -> bool:
            try:
                return bool(self.world.submit(name, data, etag=f"0x{name}").accepted)
            except BatchAIError:
                return False

        eventually(accepted, 30, 0.2)

    def _on_the_share(self) -> dict[str, Any]:
        through = self.files.url.replace(f":{_port(self.files.url)}/", f":{self.files_wire.port}/")
        volume = {
            "accountName": self.files.account,
            "azureFileUrl": f"{through}/{_SHARE}",
            "relativeMountPath": _SHARE,
            "credentials": {"accountKey": self.files.key},
        }
        where = f"$AZ_BATCHAI_JOB_MOUNT_ROOT/{_SHARE}"
        return {"stdOutErrPathPrefix": where, "mountVolumes": {"azureFileShares": [volume]}}

    def job(self, name: str) -> Job:
        found: list[Job] = []

        def read() -> bool:
            try:
                found.append(self.world.job(name))
            except BatchAIError:
                return False
            return True

        eventually(read, 30, 0.2)
        return found[-1]

    def jobs(self) -> dict[str, Job]:
        return {name: self.job(name) for name in self.names}

    def lines(self) -> list[ledger.Line]:
        return ledger.read(self.ledger)

    def begun(self, name: str, attempt: int = 1) -> ledger.Line | None:
        return next((x for x in self.lines() if (x.job, x.attempt, x.what) == (name, attempt, "begin")), None)

    def settle(self, seconds: float = 60.0) -> ledger.Verdict:
        """Wait until every job has ended and every message is gone; the ledger's verdict."""

        def quiet() -> bool:
            try:
                over = all(not self.world.job(name).state.live for name in self.names)
                return over and not self.world.messages()
            except BatchAIError:
                return False

        try:
            eventually(quiet, seconds, 0.2)
        except AssertionError:
            pass  # the verdict says what is stuck
        self.messages_left = self._messages_left()
        jobs = self.jobs()
        verdict = ledger.judge(jobs, self.lines(), self._max_attempts)
        for name in sorted(self._printing):
            if jobs[name].state is State.SUCCEEDED:
                verdict.torn += printed.torn(jobs[name], self.logs_of(jobs[name]))
        return verdict

    def _messages_left(self) -> list[str]:
        """What lies in the queues, hidden messages as a number."""
        stores = self.world.stores
        clients = [stores.queue(self.world.queue(p)) for p in ("high", "normal", "low")]
        seen = [str(m.content) for client in clients for m in client.peek_messages(32)]
        hidden = self.world.messages() - len(seen)
        return [*seen, f"{hidden} hidden"] if seen or hidden else []

    def logs_of(self, job: Job) -> Path:
        """The folder on the share with the log files of a run."""
        segment = path_segment(self.world.settings.scope, job.id, job.uuid)
        return self.folder / "shares" / _SHARE / segment / "stdouterr"

    def logs(self) -> str:
        """The ends of the runners' logs, for a failing test."""
        return "\n".join(f"--- {child.name}\n{child.tail(40)}" for child in self._children.values())

    def _sweep(self) -> None:
        while not self._ended.wait(_SWEEP_SECONDS * random.uniform(0.8, 1.2)):
            try:
                self.world.backend.sweeper.sweep()
                self.world.backend.keeping.turn()
            except BatchAIError:
                self.sweep_faults += 1


def _port(url: str) -> int:
    return int(url.rsplit(":", 1)[1].partition("/")[0])


def faketime() -> str:
    """The library that lies about the time, "" where it is not installed."""
    return next(map(str, Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")


def _end(child: Child) -> None:
    child.process.kill()
    child.stop(0)


def wait_for(condition: Callable[[], object], arena: Arena, seconds: float = 20.0) -> None:
    """`eventually`, with the runners' logs when it does not come true."""
    try:
        eventually(condition, seconds, _LOOK_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{arena.logs()}") from error


def no_process_of(folder: Path) -> list[str]:
    """Command lines of processes that work for an arena in `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in words:
                found.append(words)
    return found
