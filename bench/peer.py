"""What `bench.peers` asks of every system that it measures."""

from dataclasses import dataclass
from typing import Protocol

from bench.process_cost import Cost

#: Says when it ran, without a process of its own (bash 5).
COMMAND = "echo $EPOCHREALTIME"
#: How often is looked whether jobs are drained: looks take from the cores that are measured.
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Drain:
    """From the start of the first job to the end of the last."""

    jobs: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.jobs / self.seconds


@dataclass(frozen=True)
class Latency:
    """Of one job, in milliseconds since somebody began to put it: when the put was answered, when its process
    ran, when it was seen to have succeeded."""

    accepted: float
    started: float
    seen: float


class Missing(Exception):
    """A system cannot be measured on this machine; says what to install."""


class Peer(Protocol):
    """A system with workers that can be kept quiet."""

    name: str

    def workers(self, count: int) -> None:
        """Have so many workers, ready and warm, and quiet."""

    def wake(self) -> None: ...

    def quiet(self) -> None: ...

    def put(self, count: int) -> None:
        """So many jobs, whether anybody works or not."""

    def drained(self) -> Drain:
        """Of what `put` has put, waited for; the workers may be quiet then."""

    def one(self) -> Latency:
        """One job, alone."""

    def cost(self) -> Cost:
        """Of the workers so far."""

    def calls(self) -> float:
        """Of its storage, by everybody, so far."""

    def close(self) -> None: ...
