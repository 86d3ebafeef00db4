"""A receiver of events in memory, what it makes of them, and the sender over a world."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.jobs.model import Job
from shared.managers.event_sender import EventReport, EventSender
from shared.managers.event_wiring import events_over
from shared.settings import EventSettings
from shared.stores.event_target import DeliveryError, Event, refusal
from tests.support.memory.world import MemoryWorld, memory_world

#: The states of a job that succeeds.
WHOLE = ["queued", "running", "succeeded"]
ON = EventSettings(url="https://receiver.example.com/hook", keys=(b"k" * 32,))


@dataclass
class Receiver:
    """An EventTarget. `answer` says the status of each request: 0: none comes."""

    answer: Callable[[Sequence[Event]], int] = lambda events: 200
    taken: list[Event] = field(default_factory=list)
    requests: int = 0

    def send(self, events: Sequence[Event]) -> None:
        """See EventTarget."""
        self.requests += 1
        status = self.answer(events)
        if not status:
            raise DeliveryError("the receiver of events did not answer (ReadTimeout)")
        if status >= 300:
            raise refusal(status, None)
        self.taken += events

    def close(self) -> None:
        """See EventTarget."""

    def states(self, job: str = "job") -> list[str]:
        """The states of a job that it was sent, in order."""
        return [event["data"]["state"] for event in self.taken if event["data"]["job"] == job]


class EventWorld:
    """A world with events, whose sender may die."""

    def __init__(self, events: EventSettings = ON, **changes: Any) -> None:
        self.world = memory_world(events=events, **changes)
        self.receiver = Receiver()
        self.restart_sender()

    def restart_sender(self) -> None:
        """A fresh process: nothing remembered."""
        self.sender = sender_over(self.world, self.receiver)

    def turn(self) -> EventReport:
        """A turn of the timer."""
        return self.sender.turn()

    def run(self, name: str = "job") -> Job:
        """A job from its drop to its end."""
        self.world.accept(name)
        return self.world.finish(self.world.must_claim())

    def rows(self, prefix: str) -> list[str]:
        """Keys of the workspace's partition."""
        rows = self.world.account.tables.tables["jobs"]
        return sorted(row for _, row in rows if row.startswith(prefix))


def sender_over(world: MemoryWorld, receiver: Receiver) -> EventSender:
    """The sender of a process. Storage in memory is not for several threads."""
    backend = world.backend
    return events_over(
        backend.connection,
        world.stores.jobs,
        backend.workspace_lists,
        backend.workspaces,
        world.clock,
        world.clock.monotonic,
        receiver,
        at_a_time=1,
    ).sender


def faults_of(events: Iterable[Mapping[str, Any]], jobs: Mapping[str, Job]) -> list[str]:
    """What is wrong with the events that somebody was sent of jobs that have all ended, by uuid: lost, out of
    order, or untrue. Sent twice is none of it."""
    firsts: dict[str, list[Mapping[str, Any]]] = {uuid: [] for uuid in jobs}
    seen: Counter[str] = Counter()
    for event in events:
        seen[event["id"]] += 1
        if seen[event["id"]] == 1:
            firsts.setdefault(event["data"]["uuid"], []).append(event)
    wrong = []
    for uuid, found in firsts.items():
        numbers = [int(event["sequence"]) for event in found]
        if numbers != sorted(numbers):
            wrong.append(f"{uuid}: out of order: {numbers}")
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            wrong.append(f"{uuid}: lost: {numbers}")
        states = [event["data"]["state"] for event in sorted(found, key=lambda e: str(e["sequence"]))]
        before = [event["data"]["stateBefore"] for event in sorted(found, key=lambda e: str(e["sequence"]))]
        if before != [None, *states[:-1]]:
            wrong.append(f"{uuid}: broken chain: {before} {states}")
        if uuid in jobs and states[-1:] != [str(jobs[uuid].state)]:
            wrong.append(f"{uuid}: untrue: {states}, but it is {jobs[uuid].state}")
    return wrong


def by_uuid(*jobs: Job) -> dict[str, Job]:
    return {job.uuid: job for job in jobs}
