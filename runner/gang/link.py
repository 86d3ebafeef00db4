"""The hook through which the nodes of one attempt reach each other.

Each member of a gang, the leader included, makes one `Link` (`MakeLink`) for each gang it is in:

1. `offer()` is entered before it joins, and left when it is no member any more. What it gives is put into the
   node's row of the gang as it is, so public values only (a public key, a port). The gang may dissolve: then
   nothing else of the link is ever called.
2. The gang is complete.
3. `connected(scene, members)` on every node at about the same time, when the volumes are mounted and the
   step host is open, before jobPreparation; `members` are all nodes by index, with their offers. Entering
   starts what is needed (sshd, sshfs) and gives the job's variables, those of the scene and more; it may wait
   a moment for the other nodes. It is left when the processes of this node have ended; the leader leaves it
   last, after every helper has left its own or was lost. Entering may raise MountError, LaunchError or
   another BatchAIError: then the attempt ends on all nodes, and its outcome names this one.
4. `launching()` inside it, when every node is prepared and this one's processes are about to start.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from runner.attempt.peers import Scene
from runner.isolation.node_config import NodeConfig
from shared.documents.spec import JobSpec
from shared.environment.variables import Node
from shared.jobs.gang import Member
from shared.managers.gang_manager import new_token
from shared.names.ids import JobId


@dataclass(frozen=True)
class Offer:
    """What a node sends the others when it joins; both come back as fields of Member."""

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

    def connected(self, scene: Scene, members: Sequence[Member]) -> AbstractContextManager[Mapping[str, str]]:
        """Connected inside the block; gives the job's variables."""

    def launching(self) -> None:
        """The job's processes open the ports that were offered now: let them go. Raises nothing."""


MakeLink = Callable[[NodeConfig, JobId, JobSpec], Link]
