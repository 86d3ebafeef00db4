"""Helping: one node's part in a gang that another node leads."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from runner.attempt.result import Result
from runner.gang.link import MakeLink, member_of
from runner.gang.member import GangPeers, Seat
from runner.isolation.node_config import NodeConfig
from runner.processes.stop_signal import StopReason, StopSignal
from shared.documents.spec import JobSpec
from shared.environment.variables import Node
from shared.errors import BatchAIError, StoreError
from shared.fail_points import reach
from shared.jobs import gang as rules
from shared.jobs.gang import Ending, Gang, Look, Phase, Step
from shared.jobs.model import Job, Outcome
from shared.managers.attempts import Attempts
from shared.managers.gang_manager import Gangs

log = logging.getLogger(__name__)

_WAIT_SECONDS = 0.5


class HelperPeers(GangPeers):
    """A helper holds no lease: what it starts lives for as long as it has good looks at its gang, whose
    leader is heard of. `arm` is given how long that is from now."""

    seats = (0,)

    def __init__(self, seat: Seat, arm: Callable[[float], None], leaving: Callable[[], str]) -> None:
        """`leaving`: why this node leaves, if it does."""
        self._arm = arm
        self._leaving = leaving
        self._is_gone = False
        super().__init__(seat)

    def wait_for_start(self) -> bool:
        """Whether the gang came together; False when it dissolved, or this node is to stop."""
        while not self._stop.wait(0):
            if self.gang.phase not in (Phase.ASSEMBLING, Phase.ASSEMBLED) and self._see_all():
                return True
            self._watch.wait(lambda: self.gang.phase is Phase.PREPARING, _WAIT_SECONDS)
        return False

    def _see_all(self) -> bool:
        """Know every member, once: from now on the leader is enough."""
        try:
            found = self._gangs.look_at(self.gang).find(self.gang.uuid, self.gang.attempt)
        except StoreError as error:
            log.warning("members not seen: %s", error, extra={"action": "gang", "job": str(self.gang.job)})
            return False
        if found is None:
            self._lost()
            return False
        self._together = found.members
        return True

    def leave(self) -> bool:
        """Give the seat up; False when the gang is complete: then there is a part to conclude."""
        return self._gangs.leave(self.gang, self._token)

    def conclude(self, result: Result) -> Result:
        if result.node_fault and not self._is_over:
            self._leaving = lambda: result.node_fault
        self.over(result.outcome)
        self._watch.report(step=Step.LEFT, report=result.report)
        # Longer makes no sense: by then the others have given this node up.
        if not self._watch.wait(
            lambda: self._is_gone or self._watch.is_reported(), self._gangs.silence_seconds
        ):
            log.warning("part not reported", extra={"action": "part_unreported", "job": str(self.gang.job)})
        reach("part_reported")
        return result

    def _report_end(self, outcome: Outcome | None) -> None:
        reason = self._stop.reason
        if reason in (StopReason.DRAIN, StopReason.EVICTED):
            self._watch.report(leaving=self._leaving())
        elif outcome and not outcome.succeeded and reason is None:
            self._watch.report(fault=self._struck(outcome))

    def _heed(self, gang: Gang | None, look: Look, before: float) -> None:
        silence = self._gangs.silence_seconds
        if gang is None or not rules.is_led(gang, look.at, silence):
            self._is_gone = True
            self._lost()
            return
        self._arm(max(0.01, silence - (time.monotonic() - before)))
        self._seen(gang)
        if gang.ending is Ending.DONE:
            self._finished.set()
        elif gang.ending:
            hurry = gang.ending is Ending.HURRY
            self._stop.set(StopReason.PEER_LEAVES if hurry else StopReason.PEER)


@dataclass(frozen=True)
class Part:
    """What a helper works on. Not `Help`, by which next_job asks for one."""

    job: Job
    spec: JobSpec
    cluster_revision: str


class Helping:
    """A node's way into a gang and out of it. Every step that fails leaves things to the gang's next hint."""

    def __init__(
        self, attempts: Attempts, gangs: Gangs, config: NodeConfig, node: Node, make_link: MakeLink
    ) -> None:
        self._attempts = attempts
        self._gangs = gangs
        self._config = config
        self._node = node
        self._make_link = make_link
        self._leave = ExitStack()

    def read(self, gang: Gang) -> Part | None:
        """What is to be done, or None when the gang's attempt is over. Raises StoreError."""
        job = self._attempts.job(gang.job)
        if job is None or job.uuid != gang.uuid or job.attempt != gang.attempt or not job.held:
            return None
        try:
            spec, revision = self._attempts.spec(job)
        except StoreError:
            raise
        except BatchAIError as error:
            # The leader has the same document and ends the job for it.
            log.warning("not helped: %s", error, extra={"action": "help", "job": str(gang.job)})
            return None
        return Part(job, spec, revision)

    def join(
        self,
        gang: Gang,
        work: Part,
        stop: StopSignal,
        strike: Callable[[str], str],
        arm: Callable[[float], None],
        leaving: Callable[[], str],
    ) -> HelperPeers | None:
        """A seat in the gang, reported and watched from now on; None when it lacks nobody any more.

        Raises BatchAIError.
        """
        link = self._make_link(self._config, work.job.id, work.spec)
        offer = self._leave.enter_context(link.offer())
        member = member_of(self._node, offer)
        joined = self._gangs.join(gang, member)
        if joined is None:
            return None
        reach("joined")
        peers = HelperPeers(Seat(self._gangs, joined, member.token, link, stop, strike), arm, leaving)
        self._leave.callback(peers.end)
        peers.start()
        return peers

    def close(self) -> None:
        """Be no member any more, and take the offer back."""
        self._leave.close()
