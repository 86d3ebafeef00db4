"""What the nodes of one attempt agree on before a process starts, and the hook through which they reach each
other.

The hook is `Link`. Each member of a gang, the leader included, makes one (`MakeLink`) for each gang it is in:

1. `offer()` before it joins: what the others must know of it. Goes into its row of the gang as it is, so
   public values only (a public key, a port). Nothing may run yet that needs undoing: the gang may dissolve.
2. The gang is complete. `first_port(members)` on every node, from the same members, so that all come to the
   same port.
3. `open(placement, members, say)` on every node at about the same time, after the job's volumes are mounted
   and before its workplace (node or container) is opened, so before jobPreparation. Entering starts what is
   needed (sshd, sshfs) and gives the variables that every process of the job gets on top; it may wait a
   moment for the other nodes' doors to open. Left when every process of this node is gone; the leader leaves
   it last, after every helper has left its own (or has gone silent).
   It raises MountError or LaunchError: the attempt then ends on all nodes, and its outcome names this one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from runner.config import RunnerConfig
from shared.environment import Placement
from shared.gang import Member
from shared.spec import JobSpec

#: Where the ports of a job's own servers begin when nothing else was agreed on (the original's).
FIRST_PORT = 2222


@dataclass(frozen=True)
class Offer:
    """What a node tells the others when it joins; both come back as fields of Member."""

    access: str = "{}"  #: JSON; public values only
    ports: tuple[int, ...] = ()  #: free ports of its address


class Link(Protocol):
    """How one node reaches the others of its gang, and they it. See the module."""

    def offer(self) -> Offer:
        """What the others must know. Raises BatchAIError: then the node does not join."""

    def first_port(self, members: Sequence[Member]) -> int:
        """The port from which the job's own servers count on each address."""

    def open(
        self, placement: Placement, members: Sequence[Member], say: Callable[[str], None]
    ) -> AbstractContextManager[Mapping[str, str]]:
        """Connected inside the block; gives further variables. `say` writes a line of the execution log."""


MakeLink = Callable[[RunnerConfig, JobSpec], Link]


class NoLink:
    """Nodes that know each other's addresses and no more: enough for toolkits that need no ssh."""

    def __init__(self, config: RunnerConfig, spec: JobSpec) -> None:
        pass

    def offer(self) -> Offer:
        return Offer()

    def first_port(self, members: Sequence[Member]) -> int:
        return FIRST_PORT

    @contextmanager
    def open(
        self, placement: Placement, members: Sequence[Member], say: Callable[[str], None]
    ) -> Iterator[Mapping[str, str]]:
        yield {}
