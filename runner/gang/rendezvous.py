"""How a leader's nodes come together, or do not: hints, waiting, giving way to an older gang."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from runner.attempt.result import Dissolved
from runner.gang.leader import LeaderPeers
from runner.gang.link import MakeLink, member_of
from runner.gang.member import Seat
from runner.isolation.node_config import NodeConfig
from runner.processes.stop_signal import StopReason, StopSignal
from shared.environment.variables import Node
from shared.errors import LostOwnershipError, StoreError
from shared.fail_points import reach
from shared.jobs.gang import Gang, rank_of
from shared.jobs.model import Job
from shared.jobs.waiting_reason import incomplete
from shared.managers.attempts import Attempts
from shared.managers.claims import Claim
from shared.managers.gang_manager import Gangs

log = logging.getLogger(__name__)

#: Hints are good for as long as it takes until the next ones are sent.
_HINT_SECONDS = 5.0
_LOOK_SECONDS = 0.2
#: Until a gang is looked at again that gave way, and one that the cluster has too few nodes for.
_ASIDE_SECONDS, _TOO_LARGE_SECONDS = 1.0, 10.0


@dataclass(frozen=True)
class GaveWay(Dissolved):
    """They did not, because an older gang lacks nodes."""

    older: Gang = field(kw_only=True)  #: this node helps it instead


class Rendezvous:
    """The gang of one claimed job, from its opening to its end."""

    def __init__(
        self,
        attempts: Attempts,
        gangs: Gangs,
        config: NodeConfig,
        claim: Claim,
        node: Node,
        make_link: MakeLink,
        stop: StopSignal,
        strike: Callable[[str], str],
        look: Callable[[], None],
        leaving: Callable[[], str],
    ) -> None:
        """`look` sees whether the job was asked to end; `leaving`: why this node leaves, if it does."""
        self._attempts = attempts
        self._gangs = gangs
        self._config = config
        self._claim = claim
        self._node = node
        self._make_link = make_link
        self._stop = stop
        self._strike = strike
        self._look = look
        self._leaving = leaving
        self._leave = ExitStack()
        self._peers: LeaderPeers | None = None
        self._said: tuple[str, ...] = ()

    @property
    def peers(self) -> LeaderPeers:
        """The nodes, once they are together."""
        assert self._peers is not None
        return self._peers

    def assemble(self) -> Job | Dissolved | None:
        """The running job once every node is there; None when the lease is lost. Raises BatchAIError."""
        if dissolved := self._must_give_way():
            return dissolved
        self._peers = peers = self._open()
        reach("opened")
        due = 0.0
        while not peers.is_complete(_LOOK_SECONDS):
            if self._stop.wait(0):
                return None if self._stop.reason is StopReason.LOST else Dissolved(self._leaving())
            if time.monotonic() >= due:
                due = time.monotonic() + _HINT_SECONDS
                dissolved = self._tend()
                if dissolved and not peers.is_complete(0):
                    return dissolved
        return self._begin(peers)

    def _open(self) -> LeaderPeers:
        job = self._claim.job
        link = self._make_link(self._config, job.id, self._claim.spec)
        offer = self._leave.enter_context(link.offer())
        member = member_of(self._node, offer)
        gang = self._gangs.open(job, member)
        seat = Seat(self._gangs, gang, member.token, link, self._stop, self._strike)
        peers = LeaderPeers(seat, self._config)
        peers.start()
        return peers

    def _tend(self) -> Dissolved | None:
        """What a leader does every few seconds while nodes lack; storage may be away meanwhile."""
        self._look()
        try:
            if dissolved := self._must_give_way():
                return dissolved
            self._gangs.ask(self.peers.gang, _HINT_SECONDS)
            reach("hinted")
            self._say()
        except StoreError as error:
            fields = {"action": "hint_failed", "job": str(self._claim.job.id)}
            log.warning("no nodes asked for: %s", error, extra=fields)
        return None

    def _must_give_way(self) -> Dissolved | None:
        job, gangs = self._claim.job, self._gangs
        if older := gangs.to_help(job.cluster, rank_of(job)):
            why = f"job {older.job}, which is older, gets the nodes first"
            return GaveWay(why, _ASIDE_SECONDS, older=older)
        nodes = gangs.usable_nodes(job.cluster)
        if nodes < job.node_count:
            why = f"the cluster has {nodes} nodes, the job needs {job.node_count}"
            return Dissolved(why, _TOO_LARGE_SECONDS)
        return None

    def _say(self) -> None:
        """status.json says who is there."""
        nodes = tuple(member.node_id for member in self.peers.gang.members)
        if nodes != self._said:
            self._said = nodes
            self._attempts.status.write(self._claim.job, incomplete(self._claim.job, nodes))

    def _begin(self, peers: LeaderPeers) -> Job | None:
        """The gang's row first: it keeps everybody where they are. Then the job's, then work may begin."""
        nodes = [member.node_id for member in peers.gang.members]
        try:
            job = self._attempts.assembled(self._claim.job, self._claim.lease, nodes)
        except LostOwnershipError as error:
            log.warning("not ours: %s", error, extra={"action": "lost", "job": str(self._claim.job.id)})
            self._stop.set(StopReason.LOST)
            return None
        reach("gang_running")
        peers.run()
        self._attempts.status.write(job)
        return job

    def close(self) -> None:
        """Disband what there is, and take the offer back. Raises nothing."""
        if self._peers:
            self._peers.disband()
            reach("disbanded")
        self._leave.close()
