"""What leading and helping have in common: one node's part in a gang, as its attempt sees it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from runner.attempt.peers import Scene
from runner.gang.heartbeat import GangWatch
from runner.gang.link import Link
from runner.processes.stop_signal import StopReason, StopSignal
from shared.environment.variables import Node
from shared.fail_points import reach
from shared.jobs.gang import Gang, Look, Member, Phase, Step
from shared.jobs.model import Outcome
from shared.managers.gang_manager import Gangs


@dataclass(frozen=True)
class Seat:
    """A node's place in a gang, and what it takes part with."""

    gangs: Gangs
    gang: Gang  #: as it was when the seat was taken
    token: str  #: of the member that this node is
    link: Link
    stop: StopSignal  #: ends the node's own part
    strike: Callable[[str], str]  #: takes secrets out of what the others are given


class GangPeers:
    """Base of LeaderPeers and HelperPeers; see Peers for what its methods mean."""

    leads = False
    #: The members that are looked at again and again beside this node; none: all of them.
    seats: tuple[int, ...] = ()

    def __init__(self, seat: Seat) -> None:
        self._gangs = gangs = seat.gangs
        self._link = seat.link
        self._stop = seat.stop
        self._strike = seat.strike
        self._token = seat.token
        self._may_launch = threading.Event()
        self._finished = threading.Event()
        self._is_done = self._is_over = self._is_idle = False
        self._together: tuple[Member, ...] = ()
        self._watch = GangWatch(gangs, seat.gang, seat.token, gangs.silence_seconds, self._heed, self.seats)

    def start(self) -> None:
        """Be heard of, and see the others."""
        self._watch.start()

    def end(self) -> None:
        """Be heard of no more."""
        self._watch.end()

    @property
    def gang(self) -> Gang:
        """As it was last seen."""
        return self._watch.gang

    @property
    def members(self) -> tuple[Member, ...]:
        """As they were when the gang was complete."""
        return self._together

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(Node(m.node_id, m.address, m.gpus, m.ports) for m in self.members)

    @property
    def index(self) -> int:
        return self._watch.me.index

    @contextmanager
    def connected(self, scene: Scene) -> Iterator[Mapping[str, str]]:
        with self._link.connected(scene, self.members) as environment:
            yield environment
            self._before_parting()
        self._watch.report(step=Step.STOPPED)

    def prepared(self) -> None:
        reach("prepared")
        self._watch.report(step=Step.PREPARED)

    def may_launch(self) -> bool:
        return self._may_launch.is_set()

    def launching(self) -> None:
        self._link.launching()

    def done(self) -> bool:
        if not self._is_done:
            self._is_done = True
            reach("done")
            self._watch.report(step=Step.DONE)
        return self._finished.is_set()

    def idle(self, idle: bool) -> bool:
        if idle is not self._is_idle:
            self._is_idle = idle
            self._watch.report(idle=idle)
        return False

    def over(self, outcome: Outcome | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._report_end(outcome)

    @property
    def verdict(self) -> Outcome | None:
        return None

    def _struck(self, outcome: Outcome) -> Outcome:
        return replace(outcome, message=self._strike(outcome.message))

    def _seen(self, gang: Gang) -> None:
        """What both do when they see how far the gang is."""
        if gang.phase is Phase.LAUNCHING:
            self._may_launch.set()

    def _lost(self) -> None:
        self._stop.set(StopReason.LOST)

    def _heed(self, gang: Gang | None, look: Look, before: float) -> None:
        raise NotImplementedError

    def _report_end(self, outcome: Outcome | None) -> None:
        raise NotImplementedError

    def _before_parting(self) -> None:
        """Before this node can no longer be reached."""
