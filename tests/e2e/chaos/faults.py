"""What is broken at random: each fault is a function of the arena, and undoes itself before it returns."""

import json
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import AzureError
from azure.data.tables import TableClient

from shared.errors import BatchAIError
from shared.jobs.model import State
from shared.stores import live_rows
from shared.stores.job_table import TABLE
from tests.e2e.chaos.arena import LEASE_SECONDS, Arena
from tests.support.jobs import a_job
from tests.support.waiting import eventually
from tests.support.wire import Wire


@dataclass
class Record:
    """Faults by kind, and which jobs lost their runner when."""

    counts: dict[str, int] = field(default_factory=dict)
    lost: list[tuple[float, str]] = field(default_factory=list)  #: (time, job)

    def hit(self, arena: Arena, number: int) -> None:
        """Runner `number` is about to go: the job it works on, if any, is to be seen elsewhere."""
        for name in arena.names:
            try:
                job = arena.world.job(name)
            except BatchAIError:
                continue
            if job.state.live and job.owner == f"node-{number}":
                self.lost.append((time.time(), name))


Fault = Callable[[Arena, random.Random, Record], None]


def pause(seconds: float) -> None:
    time.sleep(seconds)


def killed_runner(arena: Arena, dice: random.Random, record: Record) -> None:
    number = dice.randrange(2)
    record.hit(arena, number)
    arena.signal(number, signal.SIGKILL)
    pause(dice.uniform(0, 2))
    arena.restart(number)


def stalled_runner(arena: Arena, dice: random.Random, record: Record) -> None:
    """For longer than its lease; the other one takes over meanwhile."""
    number = dice.randrange(2)
    record.hit(arena, number)
    arena.signal(number, signal.SIGSTOP)
    pause(LEASE_SECONDS + dice.uniform(0.5, 3))
    arena.signal(number, signal.SIGCONT)


def paused_runner(arena: Arena, dice: random.Random, record: Record) -> None:
    """For less than its lease."""
    number = dice.randrange(2)
    arena.signal(number, signal.SIGSTOP)
    pause(dice.uniform(0.1, LEASE_SECONDS * 0.6))
    arena.signal(number, signal.SIGCONT)


def drained_runner(arena: Arena, dice: random.Random, record: Record) -> None:
    number = dice.randrange(2)
    arena.signal(number, signal.SIGTERM)
    arena.restart(number)


def refusing_storage(arena: Arena, dice: random.Random, record: Record) -> None:
    """503 to everything for a while."""
    wire = _wire(arena, dice)
    wire.refusing = True
    pause(dice.uniform(0.2, LEASE_SECONDS * 1.5))
    wire.refusing = False


def hanging_storage(arena: Arena, dice: random.Random, record: Record) -> None:
    """Accepts and does not answer for a while."""
    wire = _wire(arena, dice)
    wire.dead.set()
    pause(dice.uniform(0.2, LEASE_SECONDS * 1.5))
    wire.dead.clear()


def lost_answer_of_a_write(arena: Arena, dice: random.Random, record: Record) -> None:
    """Of a claim, a hand-back or an end: it takes effect and nobody learns of it."""
    _lose(arena.wires.table, "POST", dice)


def lost_answer_of_a_message(arena: Arena, dice: random.Random, record: Record) -> None:
    """Of a receive, a renewal or a deletion."""
    _lose(arena.wires.queue, dice.choice(("GET", "PUT", "DELETE")), dice)


def lost_answer_of_a_log_line(arena: Arena, dice: random.Random, record: Record) -> None:
    """Or of what makes, renames, leases or grows a log file on the share."""
    _lose(arena.files_wire, "PUT", dice)


def restarted_shares(arena: Arena, dice: random.Random, record: Record) -> None:
    arena.restart_shares(dice.uniform(0, 1.5))


def restarted_storage(arena: Arena, dice: random.Random, record: Record) -> None:
    arena.restart_storage(dice.uniform(0, 1.5))


def duplicate_message(arena: Arena, dice: random.Random, record: Record) -> None:
    try:
        job = arena.world.job(dice.choice(arena.names))
        arena.world.stores.queues.send(job)
    except BatchAIError:
        pass


def overwritten_drop(arena: Arena, dice: random.Random, record: Record) -> None:
    """Another document under the name of a live job is refused; the same one again is the same job."""
    name = dice.choice(arena.names)
    try:
        if arena.world.job(name).state.live:
            arena.world.submit(name, b'{"properties": {}}', etag="0xother")
    except BatchAIError:
        pass


def wrong_clock(arena: Arena, dice: random.Random, record: Record) -> None:
    """Of what submits and sweeps: up to an hour off (`Arena.clock_error_seconds`), then right again."""
    seconds = dice.choice((-1, -1 / 6, 1 / 6, 1)) * arena.clock_error_seconds
    arena.world.clock.move(seconds)
    pause(dice.uniform(0.5, 2))
    arena.world.clock.move(-seconds)


def one_service_away(arena: Arena, dice: random.Random, record: Record) -> None:
    """One service, or one table, refuses one runner for longer than its lease; everything else answers."""
    wires = arena.wires_of[dice.randrange(2)]
    wire, word = dice.choice(
        (
            (wires.table, "/nodes"),
            (wires.table, "/jobs"),
            (wires.queue, ""),
            (wires.blob, ""),
            (wires.table, ""),
        )
    )
    refusal = (lambda method, path: word in path, 503, "ServerBusy")
    wire.refusals.append(refusal)
    pause(LEASE_SECONDS * dice.uniform(0.5, 2.5))
    wire.refusals.remove(refusal)


def lost_answer_of_a_renewal(arena: Arena, dice: random.Random, record: Record) -> None:
    """Of its row or of its message: it arrived, and the runner does not hear of it."""
    wires = arena.wires_of[dice.randrange(2)]
    wires.table.lose_answer(lambda method, path: method == "PATCH" and "/jobs(" in path)
    wires.queue.lose_answer(lambda method, path: method == "PUT" and "/messages/" in path)
    pause(dice.uniform(0.2, 2))


def long_outage(arena: Arena, dice: random.Random, record: Record) -> None:
    """Longer than any client tries and than several leases."""
    wire = dice.choice((arena.wires.table, arena.wires.queue, arena.wires.blob))
    wire.refusing = True
    pause(LEASE_SECONDS * dice.uniform(3, 5))
    wire.refusing = False


def newer_version(arena: Arena, dice: random.Random, record: Record) -> None:
    """A row and a message that a later version has written, for a while."""
    world = arena.world
    queue = world.stores.queue(world.queue(dice.choice(("high", "normal", "low"))))
    table = world.backend.connection.tables.get_table_client(TABLE)
    strange = a_job(id=world.id("strange"), cluster=world.cluster, state=State("suspended"))
    entity = live_rows.live_entity(strange) | {"Priority": "urgent", "Budget": 17}
    try:
        # Its own runners, which would take it out, do not exist here: it expires.
        queue.send_message(json.dumps({"v": 2, "task": "of another kind"}), time_to_live=5)
        table.upsert_entity(entity)
        pause(dice.uniform(0.5, 3))
    except AzureError:
        pass
    finally:
        eventually(lambda: _removed(table, entity), 20, 0.3)


def _removed(table: TableClient, entity: dict[str, Any]) -> bool:
    try:
        table.delete_entity(entity)
    except AzureError:
        return False
    return True


def foreign_lock(arena: Arena, dice: random.Random, record: Record) -> None:
    """Somebody who may write to the drop container locks a job's status.json."""
    world = arena.world
    where = f"{world.id(dice.choice(arena.names))}/status.json"
    client = world.backend.connection.blobs.get_blob_client(world.settings.jobs_container, where)
    try:
        client.acquire_lease(-1)
    except AzureError:
        pass  # not written yet, or locked already


def log_open_elsewhere(arena: Arena, dice: random.Random, record: Record) -> None:
    """Somebody has a log open over SMB."""
    refusal = (lambda method, path: method == "PUT" and "comp=range" in path, 409, "SharingViolation")
    arena.files_wire.refusals.append(refusal)
    pause(dice.uniform(0.5, LEASE_SECONDS * 2))
    arena.files_wire.refusals.remove(refusal)


def drained_while_storage_hangs(arena: Arena, dice: random.Random, record: Record) -> None:
    wires = (arena.wires.table, arena.wires.queue, arena.wires.blob, arena.files_wire)
    number = dice.randrange(2)
    for wire in wires:
        wire.dead.set()
    record.hit(arena, number)
    arena.signal(number, signal.SIGTERM)
    pause(dice.uniform(1, 18))
    for wire in wires:
        wire.dead.clear()
    arena.restart(number)


def _wire(arena: Arena, dice: random.Random) -> Wire:
    return dice.choice((arena.wires.table, arena.wires.queue, arena.wires.blob, arena.files_wire))


def _lose(wire: Wire, verb: str, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 3)):
        wire.lose_answer(lambda method, path: method == verb)


FAULTS: tuple[Fault, ...] = (
    killed_runner,
    stalled_runner,
    paused_runner,
    drained_runner,
    refusing_storage,
    hanging_storage,
    lost_answer_of_a_write,
    lost_answer_of_a_message,
    lost_answer_of_a_log_line,
    restarted_storage,
    restarted_shares,
    duplicate_message,
    overwritten_drop,
    wrong_clock,
    one_service_away,
    lost_answer_of_a_renewal,
    long_outage,
    newer_version,
    foreign_lock,
    log_open_elsewhere,
    drained_while_storage_hangs,
)
