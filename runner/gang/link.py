"""The hook through which the nodes of one attempt reach each other.

Each member of a gang, the leader included, makes one `Link` (`MakeLink`) for each gang it is in:

1. `offer()` is entered before it joins, and left when it is no member any more. What it gives goes into the
   node's row of the gang as it is, so public values only (a public key, a port). The gang may dissolve: then
   nothing else of the link is ever called.
2. The gang is complete: `Scene.members` are all its nodes by index, with their offers.
3. `connected(scene)` on every node at about the same time, when the volumes are mounted and the step host is
   open, before jobPreparation. Entering starts what is needed (sshd, sshfs) and gives the job's variables,
   those of the scene and more; it may wait a moment for the other nodes. It is left when the processes of
   this node have ended; the leader leaves it last, after every helper has left its own or was lost.
   Entering may raise MountError, LaunchError or another BatchAIError: then the attempt ends on all nodes, and
   its outcome names this one.
4. `launching()` inside it, when every node is prepared and this one's processes are about to start.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from runner.attempt.peers import Scene
from runner.isolation.node_config import NodeConfig
from runner.machine import network
from runner.machine.network import HeldPorts
from shared.documents.spec import JobSpec
from shared.environment.variables import Node
from shared.jobs.gang import Member
from shared.launch.planning import port_count
from shared.managers.gang_manager import new_token
from shared.names.ids import JobId


@dataclass(frozen=True)
class Offer:
    """What a node tells the others when it joins; both come back as fields of Member."""

    access: str = "{}"  #: JSON; public values only
    ports: tuple[int, ...] = ()  #: free ports of its address for the job's own servers; see Node.ports


def member_of(node: Node, offer: Offer) -> Member:
    """A node as it joins, with a token of its own. Seat 0 is the leader's; Gangs.join finds a helper's."""
    return Member(
        index=0,
        node_id=node.node_id,
        address=node.address,
        gpus=node.gpus,
        token=new_token(),
        access=offer.access,
        ports=offer.ports,
    )


class Link(Protocol):
    """How one node reaches the others of its gang, and they it. See the module."""

    def offer(self) -> AbstractContextManager[Offer]:
        """What the others must know. Raises BatchAIError: then the node does not join."""

    def connected(self, scene: Scene) -> AbstractContextManager[Mapping[str, str]]:
        """Connected inside the block; gives the job's variables."""

    def launching(self) -> None:
        """The job's processes open the ports that were offered now: let them go. Raises nothing."""


MakeLink = Callable[[NodeConfig, JobId, JobSpec], Link]


class PortsOnly:
    """Nodes that know each other's addresses and free ports, and no more: enough for toolkits without ssh."""

    def __init__(self, config: NodeConfig, job: JobId, spec: JobSpec) -> None:
        self._count = port_count(spec)
        self._held: HeldPorts | None = None

    @contextmanager
    def offer(self) -> Iterator[Offer]:
        with network.held(self._count) as self._held:
            yield Offer(ports=self._held.numbers)

    @contextmanager
    def connected(self, scene: Scene) -> Iterator[Mapping[str, str]]:
        yield scene.environment

    def launching(self) -> None:
        if self._held:
            self._held.release()
