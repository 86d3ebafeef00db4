"""The nodes that run an attempt together, as the attempt on one of them sees it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from runner.attempt.result import Result
from runner.processes.process_tracker import ProcessTracker
from runner.processes.step_host import StepHost
from shared.documents.spec import JobSpec
from shared.environment.variables import Node, Placement
from shared.jobs.model import Job, Outcome


@dataclass(frozen=True)
class Scene:
    """What is there on this node when its part of the job is about to begin."""

    placement: Placement
    step_host: StepHost
    tracker: ProcessTracker
    environment: Mapping[str, str]  #: the job's variables so far
    say: Callable[[str], None]  #: a line of the execution log
    undo_failed: Callable[[str], None]  #: makes the node unusable; says why


class Work(Protocol):
    """A job that this node works on, whether it leads or helps."""

    @property
    def job(self) -> Job:
        """The run, its attempt that of this work."""

    @property
    def spec(self) -> JobSpec:
        """What the user asked for."""


class Peers(Protocol):
    """Asked by the attempt's own thread only, but for `idle`; nothing here waits longer than it says."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The placement's nodes, the leader first."""

    @property
    def index(self) -> int:
        """Which of them this one is."""

    @property
    def leads(self) -> bool:
        """Whether the attempt's limits are kept here."""

    def connected(self, scene: Scene) -> AbstractContextManager[Mapping[str, str]]:
        """The nodes reach each other inside the block; gives the job's variables. On leaving, the leader
        waits (bounded) until no other node needs it. Raises BatchAIError."""

    def prepared(self) -> None:
        """This node is ready to start processes. Informs the others; waits for nothing."""

    def may_launch(self) -> bool:
        """Whether every node is."""

    def launching(self) -> None:
        """This node's processes start now."""

    def done(self) -> bool:
        """The processes that count have ended well here, which is reported; whether they have on every
        node."""

    def idle(self, idle: bool) -> bool:
        """Report whether this node's GPUs have been idle for as long as they may be; whether those of every
        node with GPUs have, as far as is known here. False for a helper, who has no say. From the thread that
        samples."""

    def over(self, outcome: Outcome | None) -> None:
        """This node begins to stop its processes; the others are informed why. Waits for nothing."""

    @property
    def verdict(self) -> Outcome | None:
        """What the attempt comes to when another node has ended it; None for a helper, who has no say."""

    def conclude(self, result: Result) -> Result:
        """Nothing of the job is left here: what the attempt came to on all nodes, as far as they can know."""


@dataclass
class Alone:
    """A node that needs no other."""

    node: Node
    index: int = 0
    leads: bool = True
    verdict: Outcome | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (self.node,)

    @contextmanager
    def connected(self, scene: Scene) -> Iterator[Mapping[str, str]]:
        yield scene.environment

    def prepared(self) -> None:
        pass

    def may_launch(self) -> bool:
        return True

    def launching(self) -> None:
        pass

    def done(self) -> bool:
        return True

    def idle(self, idle: bool) -> bool:
        return idle

    def over(self, outcome: Outcome | None) -> None:
        pass

    def conclude(self, result: Result) -> Result:
        return result
