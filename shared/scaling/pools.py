"""A pool: the machines in the cloud that are a cluster's nodes, and what can be asked of it. PURE."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class MachineState(StrEnum):
    """What the cloud says of a machine. Whether its runner works is said by its node's row."""

    PRESENT = "present"  #: it is being made, or is there
    FAILED = "failed"  #: the cloud could not make it, or not start it
    DELETING = "deleting"


@dataclass(frozen=True)
class Machine:
    """A machine of a pool. Its name is its node's id."""

    name: str
    state: MachineState = MachineState.PRESENT
    created: datetime | None = None  #: UTC, by the cloud's clock

    @property
    def key(self) -> str:
        """How it is distinguished from others: the cloud ignores the case of names."""
        return self.name.lower()


@dataclass(frozen=True)
class Pool:
    """A scale set as it was listed."""

    name: str
    cluster: str  #: the cluster that its tag names, as people write it
    capacity: int  #: machines that it is to have
    machines: tuple[Machine, ...] = ()
    settled: bool = True  #: the cloud is not working on it
    spot: bool = False
    size: str = ""  #: of its machines, such as Standard_NC4as_T4_v3
    etag: str = field(default="", compare=False)

    def made(self, node_id: str) -> bool:
        """Whether a node of this name is, or was, a machine of this pool."""
        return node_id.lower().startswith(f"{self.name.lower()}_")


class Progress(StrEnum):
    """How far what was asked for has come."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Operation:
    """What became of a growth that was asked for. `code` and `message`: the cloud's own words."""

    progress: Progress
    code: str = ""
    message: str = ""


class Pools(Protocol):
    """The cloud's side. Every call says what it wants in absolute terms, so repeating one does no harm.

    All raise PoolSilentError where nobody knows whether it took effect, ThrottledError where the cloud asks
    to be left alone, and PoolRefusedError where it says no.
    """

    def look(self) -> Sequence[Pool]:
        """Every pool of the installation with its machines: as many calls however many pools there are."""

    def set_capacity(self, pool: Pool, capacity: int) -> str:
        """Have so many machines; what `operation` is asked about, "" where there is nothing to ask.

        Takes effect on the pool as it was listed only: LostOwnershipError says that it has changed since.
        Fewer than it lists are refused with ValueError: which machine is deleted is never left to the cloud.
        """

    def delete(self, pool: Pool, machines: Sequence[str]) -> None:
        """Delete these machines and no others. Those that are gone already are fine."""

    def operation(self, asked: str) -> Operation:
        """How far a growth has come; DONE where the cloud has forgotten it."""

    def close(self) -> None:
        """Close the clients that were made."""
