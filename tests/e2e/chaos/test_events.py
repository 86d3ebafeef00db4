"""Events of jobs while everything breaks: runners, storage, who sends the events and who receives them."""

import base64
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from local import environment, processes
from local.processes import Child
from local.stack import APP
from shared.errors import BatchAIError
from shared.settings import EventSettings
from shared.stores.outbox_table import Outbox
from tests.e2e.chaos import faults
from tests.e2e.chaos.arena import Arena
from tests.e2e.chaos.faults import Fault, Record
from tests.e2e.chaos.run import drop
from tests.support.event_receiver import SECRET, kept
from tests.support.events import faults_of
from tests.support.waiting import eventually

_PORT = 7600  #: in a network of its own
_URL = f"http://127.0.0.1:{_PORT}/hook"
_SECONDS = 45.0
_FAULTS = (
    faults.killed_runner,
    faults.stalled_runner,
    faults.drained_runner,
    faults.refusing_storage,
    faults.lost_answer_of_a_write,
    faults.lost_answer_of_a_message,
    faults.restarted_storage,
    faults.duplicate_message,
    faults.lost_answer_of_a_renewal,
)


class Programs:
    """Who sends and who receives, each a process."""

    def __init__(self, arena: Arena, folder: Path) -> None:
        self.file = folder / "events.jsonl"
        self._arena = arena
        self._folder = folder
        self._children: dict[str, Child] = {}
        for name in ("receiver", "sender"):
            self._start(name)

    def _start(self, name: str) -> None:
        env = environment.machine()
        env["BATCHAI_STORAGE"] = self._arena.wires.connection_string
        env["BATCHAI_SEALING_KEYS"] = base64.b64encode(b"k" * 32).decode()
        env["BATCHAI_EVENTS_URL"], env["BATCHAI_EVENTS_SECRET"] = _URL, SECRET
        more = [str(_PORT), str(self.file)] if name == "receiver" else []
        command = [sys.executable, "-m", f"tests.support.event_{name}", *more]
        self._children[name] = processes.start(name, command, self._folder / f"{name}.log", env, APP)

    def signal(self, name: str, what: signal.Signals) -> None:
        self._children[name].process.send_signal(what)

    def killed(self, name: str, away_seconds: float) -> None:
        """It dies, and comes back after a while."""
        self.signal(name, signal.SIGKILL)
        self._children[name].process.wait(20)
        time.sleep(away_seconds)
        self._start(name)

    def close(self) -> None:
        for child in self._children.values():
            child.process.kill()
            child.stop(0)

    def faults(self) -> tuple[Fault, ...]:
        """What may befall them."""

        def killed_receiver(arena: Arena, dice: random.Random, record: Record) -> None:
            self.killed("receiver", dice.uniform(0, 5))

        def killed_sender(arena: Arena, dice: random.Random, record: Record) -> None:
            self.killed("sender", dice.uniform(0, 2))

        def stalled_receiver(arena: Arena, dice: random.Random, record: Record) -> None:
            """For longer than anybody waits for an answer."""
            self.signal("receiver", signal.SIGSTOP)
            time.sleep(dice.uniform(1, 8))
            self.signal("receiver", signal.SIGCONT)

        return (killed_receiver, killed_sender, stalled_receiver)

    def logs(self) -> str:
        return "\n".join(child.tail(30) for child in self._children.values())


def _is_empty(arena: Arena) -> bool:
    try:
        return not Outbox(arena.world.backend.connection).waiting(arena.world.cluster.workspace, 1)
    except BatchAIError:
        return False


@pytest.mark.timeout(420)
def test_no_event_is_lost_and_none_comes_out_of_order(tmp_path: Path) -> None:
    dice, record, counts = random.Random(20190331), Record(), Counter[str]()
    settings = EventSettings(url=_URL, keys=(b"k" * 32,))
    with Arena(tmp_path, runners=2, max_attempts=3, own_wires=True, events=settings) as arena:
        programs, ended = Programs(arena, tmp_path), threading.Event()
        drops = threading.Thread(target=drop, args=(arena, random.Random(1), ended), name="drops")
        drops.start()
        try:
            eventually(lambda: arena.names, 20)
            begun, deck = time.monotonic(), list[Fault]()
            while time.monotonic() - begun < _SECONDS:
                # Who sends and who receives are the point: each other fault is one of theirs.
                deck = deck or dice.sample([*_FAULTS, *programs.faults() * 3], len(_FAULTS) + 9)
                fault = deck.pop()
                counts[fault.__name__] += 1
                fault(arena, dice, record)
                time.sleep(dice.uniform(0.1, 1.0))
        finally:
            ended.set()
            drops.join()
        try:
            verdict = arena.settle(90)
            eventually(lambda: _is_empty(arena), 90, 0.5)
            jobs = {job.uuid: job for job in arena.jobs().values()}
            events = kept(programs.file)
            repeated = len(events) - len({event["id"] for event in events})
            print(
                f"{len(jobs)} jobs, {len(events)} events, {repeated} of them repeated, faults {dict(counts)}"
            )
            assert faults_of(events, jobs) == [], programs.logs()
            assert verdict.good, verdict
            assert min(counts[name] for name in ("killed_receiver", "killed_sender")) > 0
        finally:
            programs.close()
